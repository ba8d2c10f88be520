import Distributed
import Foundation
import Kernels
import Model

/// What decides an update besides the gradient.
package struct OptimizerSettings: Sendable, Equatable {
    package var learningRate = 5e-5
    package var weightDecay = 0.0
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    /// The gradient is scaled down to this norm; 0 leaves it as it is.
    package var maxGradientNorm = 1.0
    /// What the learning rate is multiplied by from one block to the one before it: the head has the whole rate, block
    /// l of L this to the power of L − l (l from 0), the embeddings to the power of L + 1, as in BEiT (Bao et al., 2021).
    package var layerwiseDecay = 1.0

    package init() {}

    /// The share of the learning rate that a part of a model with `layers` blocks has.
    package func rateFactor(_ part: ModelPart, layers: Int) -> Double {
        let depth =
            switch part {
            case .head: 0
            case .layer(let index): layers - index
            case .embeddings: layers + 1
            }
        return pow(layerwiseDecay, Double(depth))
    }
}

/// AdamW over the flat parameters, its two moments beside them in the same layout.
///
/// Ranks that have the parameters in one place have the moments in one place too, and each updates what it handles
/// of them. Where the exchange leaves totals with their owners, other ranks' moments take no memory (ZeRO-1 of
/// Rajbhandari et al., SC 2020).
package final class AdamW {
    package let firstMoment: FloatBuffer
    package let secondMoment: FloatBuffer
    /// Updates made so far.
    package var updates = 0
    private let settings: OptimizerSettings
    /// Both moments, end to end.
    private let moments: FloatBuffer
    private let ranges: [UpdatedRange]
    private let pool: WorkerPool
    private let exchange: GradientExchange?

    /// - scope: whose parameters are updated; the moments of others stay zero and take no memory.
    /// - exchange: what adds up the gradients, where there are several ranks.
    package init(
        layout: ParameterLayout, settings: OptimizerSettings, scope: TrainingScope = TrainingScope(),
        pool: WorkerPool, exchange: GradientExchange? = nil
    ) throws {
        self.settings = settings
        self.pool = pool
        self.exchange = exchange
        let count = layout.count
        moments = try exchange?.makeShared(count: 2 * count) ?? FloatBuffer(count: 2 * count)
        firstMoment = FloatBuffer(moments.pointer, count: count, release: {})
        secondMoment = FloatBuffer(moments.pointer + count, count: count, release: {})
        let handled = exchange?.handled ?? [0..<count]
        ranges = UpdatedRange.all(layout, settings, scope).flatMap { range in
            handled.clamped(to: range.elements).map {
                UpdatedRange(elements: $0, decays: range.decays, rateFactor: range.rateFactor)
            }
        }
    }

    /// The factor that brings a gradient of this norm down to the limit, as torch's clip_grad_norm_.
    package func clipFactor(norm: Double) -> Double {
        guard settings.maxGradientNorm > 0 else { return 1 }
        return min(1, settings.maxGradientNorm / (norm + 1e-6))
    }

    /// One update of all parameters from `gradients` · `gradientScale`.
    ///
    /// No rank may still read the parameters. All have the new ones, what `order` has first before the rest, when
    /// `settle` or the next step's forward is done.
    package func update(
        _ parameters: FloatBuffer, gradients: FloatBuffer, gradientScale: Double, learningRate: Double,
        order: SpreadOrder = .ascending
    ) throws {
        updateHandled(
            parameters, gradients: gradients, gradientScale: gradientScale, learningRate: learningRate)
        try exchange?.publish(parameters, order: order)
    }

    /// The part of `update` that this rank computes: what it handles of the parameters.
    func updateHandled(
        _ parameters: FloatBuffer, gradients: FloatBuffer, gradientScale: Double, learningRate: Double
    ) {
        updates += 1
        for range in ranges {
            let step = AdamWStep(
                learningRate: learningRate * range.rateFactor, beta1: settings.beta1, beta2: settings.beta2,
                epsilon: settings.epsilon, weightDecay: settings.weightDecay, gradientScale: gradientScale,
                step: updates)
            let offset = range.elements.lowerBound
            adamWUpdate(
                pool, step, decays: range.decays, count: range.elements.count,
                parameters: parameters.pointer + offset,
                gradients: gradients.pointer + offset, firstMoment: firstMoment.pointer + offset,
                secondMoment: secondMoment.pointer + offset)
        }
    }

    /// Waits until this rank has the updated parameters of all others. To be called before anything but a step's
    /// forward reads them.
    package func settle() throws { try exchange?.settle() }

    /// Brings all moments to rank 0, for a checkpoint.
    package func collectState() throws {
        try exchange?.collectOwned(firstMoment)
        try exchange?.collectOwned(secondMoment)
    }

    /// Takes over moments that rank 0 has put into its buffers, after `updates` updates. Every rank must call it.
    package func restore(updates: Int) throws {
        try exchange?.distributeToOwners(firstMoment)
        try exchange?.distributeToOwners(secondMoment)
        self.updates = updates
    }
}

/// Elements that are updated alike.
private struct UpdatedRange {
    var elements: Range<Int>
    let decays: Bool
    /// Of the learning rate.
    let rateFactor: Double

    /// Those of all parameters that are trained, neighbouring tensors in one.
    static func all(
        _ layout: ParameterLayout, _ settings: OptimizerSettings, _ scope: TrainingScope
    ) -> [UpdatedRange] {
        var ranges: [UpdatedRange] = []
        for parameter in layout.parameters where scope.trains(parameter.part) {
            let factor = settings.rateFactor(parameter.part, layers: layout.layerCount)
            if let last = ranges.last, last.elements.upperBound == parameter.offset,
                last.decays == parameter.decays, last.rateFactor == factor
            {
                ranges[ranges.count - 1].elements = last.elements.lowerBound..<parameter.range.upperBound
            } else {
                ranges.append(
                    UpdatedRange(elements: parameter.range, decays: parameter.decays, rateFactor: factor))
            }
        }
        return ranges
    }
}
