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
package final class AdamW {
    package let firstMoment: FloatBuffer
    package let secondMoment: FloatBuffer
    /// Updates made so far.
    package var updates = 0
    private let settings: OptimizerSettings
    private let ranges: [(range: Range<Int>, decays: Bool)]
    private let pool: WorkerPool

    package init(layout: ParameterLayout, settings: OptimizerSettings, pool: WorkerPool) {
        self.settings = settings
        self.pool = pool
        firstMoment = FloatBuffer(count: layout.count)
        secondMoment = FloatBuffer(count: layout.count)
        ranges = Self.rangesOfEqualDecay(layout)
    }

    /// The factor that brings a gradient of this norm down to the limit, as torch's clip_grad_norm_.
    package func clipFactor(norm: Double) -> Double {
        guard settings.maxGradientNorm > 0 else { return 1 }
        return min(1, settings.maxGradientNorm / (norm + 1e-6))
    }

    /// One update of all parameters from `gradients` · `gradientScale`.
    package func update(
        _ parameters: FloatBuffer, gradients: FloatBuffer, gradientScale: Double, learningRate: Double
    ) {
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
