import Distributed
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

    package init() {}
}

/// AdamW over the flat parameters, its two moments beside them in the same layout.
///
/// Ranks that have the parameters in one place have the moments in one place too, and each updates its share of
/// them (ZeRO-1 of Rajbhandari et al., SC 2020, within a host).
package final class AdamW {
    package let firstMoment: FloatBuffer
    package let secondMoment: FloatBuffer
    /// Updates made so far.
    package var updates = 0
    private let settings: OptimizerSettings
    /// Both moments, end to end.
    private let moments: FloatBuffer
    private let ranges: [(range: Range<Int>, decays: Bool)]
    private let pool: WorkerPool
    /// The ranks that share the parameters.
    private let peers: (any Communicator)?

    /// - sharing: the ranks, when all of them have the parameters that are updated in one place.
    package init(
        layout: ParameterLayout, settings: OptimizerSettings, pool: WorkerPool,
        sharing peers: (any Communicator)? = nil
    ) throws {
        self.settings = settings
        self.pool = pool
        self.peers = peers
        let count = layout.count
        let shared = try peers?.makeShared(count: 2 * count)
        let share = Self.share(of: count, peers, sharesMoments: shared != nil)
        // Without room to share the moments, only the rank that updates has any.
        moments = shared ?? FloatBuffer(count: share.isEmpty ? 0 : 2 * count)
        let each = moments.count / 2
        firstMoment = FloatBuffer(moments.pointer, count: each, release: {})
        secondMoment = FloatBuffer(moments.pointer + each, count: each, release: {})
        ranges = Self.rangesOfEqualDecay(layout).compactMap { range, decays in
            let part = range.clamped(to: share)
            return part.isEmpty ? nil : (part, decays)
        }
    }

    /// The elements that this rank updates; shares begin at a cache line.
    private static func share(
        of count: Int, _ peers: (any Communicator)?, sharesMoments: Bool
    ) -> Range<Int> {
        guard let peers else { return 0..<count }
        guard sharesMoments else { return peers.isRoot ? 0..<count : 0..<0 }
        func start(_ rank: Int) -> Int { rank == peers.size ? count : count * rank / peers.size & ~15 }
        return start(peers.rank)..<start(peers.rank + 1)
    }

    /// The factor that brings a gradient of this norm down to the limit, as torch's clip_grad_norm_.
    package func clipFactor(norm: Double) -> Double {
        guard settings.maxGradientNorm > 0 else { return 1 }
        return min(1, settings.maxGradientNorm / (norm + 1e-6))
    }

    /// One update of all parameters from `gradients` · `gradientScale`.
    ///
    /// With shared parameters, no rank may still read them, and all have them new when this returns.
    package func update(
        _ parameters: FloatBuffer, gradients: FloatBuffer, gradientScale: Double, learningRate: Double
    ) throws {
        updates += 1
        let step = AdamWStep(
            learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2,
            epsilon: settings.epsilon, weightDecay: settings.weightDecay, gradientScale: gradientScale,
            step: updates)
        for (range, decays) in ranges {
            let offset = range.lowerBound
            adamWUpdate(
                pool, step, decays: decays, count: range.count, parameters: parameters.pointer + offset,
                gradients: gradients.pointer + offset, firstMoment: firstMoment.pointer + offset,
                secondMoment: secondMoment.pointer + offset)
        }
        try peers?.meet()
    }

    /// Neighbouring tensors that decay alike are updated as one.
    private static func rangesOfEqualDecay(
        _ layout: ParameterLayout
    ) -> [(range: Range<Int>, decays: Bool)] {
        var ranges: [(range: Range<Int>, decays: Bool)] = []
        for parameter in layout.parameters {
            if let last = ranges.last, last.decays == parameter.decays {
                ranges[ranges.count - 1].range = last.range.lowerBound..<parameter.range.upperBound
            } else {
                ranges.append((parameter.range, parameter.decays))
            }
        }
        return ranges
    }
}
