/// Schedules of the learning rate, by their name in transformers.
package enum ScheduleKind: String, Sendable, Codable, CaseIterable {
    /// Up from 0 over the warm-up, then down to 0 at the last step.
    case linear
    case constant
    /// Up from 0 over the warm-up, then flat.
    case constantWithWarmup = "constant_with_warmup"
}

/// The learning rate of every step, as transformers.get_scheduler computes it.
package struct LearningRateSchedule: Sendable, Equatable {
    package let kind: ScheduleKind
    package let peak: Double
    package let warmupSteps: Int
    package let totalSteps: Int

    package init(kind: ScheduleKind, peak: Double, warmupSteps: Int, totalSteps: Int) {
        self.kind = kind
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate that the update of `step`, counted from 0, uses.
    package func rate(_ step: Int) -> Double { peak * factor(step) }

    private func factor(_ step: Int) -> Double {
        switch kind {
        case .constant: return 1
        case .constantWithWarmup: return step < warmupSteps ? warmup(step) : 1
        case .linear:
            if step < warmupSteps { return warmup(step) }
            let remaining = Double(totalSteps - step) / Double(max(1, totalSteps - warmupSteps))
            return max(0, remaining)
        }
    }

    private func warmup(_ step: Int) -> Double { Double(step) / Double(max(1, warmupSteps)) }
}
