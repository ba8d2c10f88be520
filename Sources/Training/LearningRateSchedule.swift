import Foundation

/// Schedules of the learning rate, by their name in transformers; the last is PyTorch's.
package enum ScheduleKind: String, Sendable, Codable, CaseIterable {
    /// Up from 0 over the warm-up, then down to 0 at the last step.
    case linear
    /// Up from 0 over the warm-up, then down to 0 along half a cosine.
    case cosine
    /// The same, but from the peak down to 0 several times.
    case cosineWithRestarts = "cosine_with_restarts"
    case constant
    /// Up from 0 over the warm-up, then flat.
    case constantWithWarmup = "constant_with_warmup"
    /// Down by a factor after every epoch.
    case exponential
}

/// Where `cosine_with_restarts` begins anew at the peak.
package enum Restarts: Sendable, Equatable {
    /// The steps after the warm-up in so many equal parts, as in transformers.
    case parts(Int)
    /// After so many epochs, then after `multiplier` times as many as the last time and so on; the rate changes
    /// between epochs only. As PyTorch's CosineAnnealingWarmRestarts stepped once an epoch.
    case epochs(Int, multiplier: Int)
}

/// The learning rate of every step, as transformers.get_scheduler or PyTorch computes it.
package struct LearningRateSchedule: Sendable, Equatable {
    package let kind: ScheduleKind
    package let peak: Double
    package let warmupSteps: Int
    package let totalSteps: Int
    package let stepsPerEpoch: Int
    /// For `cosine_with_restarts`.
    package let restarts: Restarts
    /// For `exponential`: what an epoch multiplies the rate by.
    package let gamma: Double

    package init(
        kind: ScheduleKind, peak: Double, warmupSteps: Int, totalSteps: Int, stepsPerEpoch: Int = 1,
        restarts: Restarts = .parts(1), gamma: Double = 0.5
    ) {
        self.kind = kind
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.restarts = restarts
        self.gamma = gamma
    }

    /// The rate that the update of `step`, counted from 0, uses.
    package func rate(_ step: Int) -> Double { peak * factor(step) }

    /// Whether the rate of a step depends on how many there are in all.
    package var dependsOnLength: Bool {
        switch kind {
        case .linear, .cosine: true
        case .cosineWithRestarts: if case .parts = restarts { true } else { false }
        case .constant, .exponential: false
        case .constantWithWarmup: warmupSteps > 0
        }
    }

    private func factor(_ step: Int) -> Double {
        switch kind {
        case .constant: return 1
        case .exponential: return pow(gamma, Double(step / stepsPerEpoch))
        case .cosineWithRestarts:
            if case .epochs(let first, let multiplier) = restarts {
                return Self.restarted(epoch: step / stepsPerEpoch, first, multiplier)
            }
        case .linear, .cosine, .constantWithWarmup: break
        }
        return step < warmupSteps ? Double(step) / Double(warmupSteps) : factor(afterWarmup: step)
    }

    private func factor(afterWarmup step: Int) -> Double {
        let steps = Double(max(1, totalSteps - warmupSteps))
        let progress = Double(step - warmupSteps) / steps
        switch kind {
        case .linear: return max(0, Double(totalSteps - step) / steps)
        case .cosine: return Self.halfCosine(progress)
        case .cosineWithRestarts:
            guard case .parts(let count) = restarts, progress < 1 else { return 0 }
            return Self.halfCosine((Double(count) * progress).truncatingRemainder(dividingBy: 1))
        case .constant, .constantWithWarmup, .exponential: return 1
        }
    }

    /// From 1 at 0 down to 0 at 1.
    private static func halfCosine(_ progress: Double) -> Double {
        max(0, 0.5 * (1 + cos(Double.pi * progress)))
    }

    private static func restarted(epoch: Int, _ first: Int, _ multiplier: Int) -> Double {
        var period = first
        var rest = multiplier == 1 ? epoch % first : epoch
        while rest >= period {
            rest -= period
            let (next, overflows) = period.multipliedReportingOverflow(by: multiplier)
            period = overflows ? .max : next
        }
        return (1 + cos(Double.pi * Double(rest) / Double(period))) / 2
    }
}
