/// The checkpoint that a run has left as `final.h5`; of a run that has not come to its end, the one that it would leave.
struct DeliveredCheckpoint: Sendable {
    let step: Int
    /// Whether the run has come to its end and says so.
    let isFinal: Bool
    /// Nil where nothing was evaluated after this step.
    let evaluation: RunMetrics.Evaluation?

    subscript(name: EvaluationValue) -> Double? { evaluation?[name] }
}

extension RunReport {
    /// Nil where nothing is known of one: runs of older versions do not say which step they left.
    var delivered: DeliveredCheckpoint? {
        if let step = record.finalStep {
            return DeliveredCheckpoint(
                step: step, isFinal: true, evaluation: metrics.evaluations.last { $0.step == step })
        }
        let best = loadsBest ? best(decidingMetric)?.step : nil
        let evaluation = metrics.evaluations.last { best == nil || $0.step == best }
        return evaluation.map { DeliveredCheckpoint(step: $0.step, isFinal: false, evaluation: $0) }
    }

    private var loadsBest: Bool { record.settings["load-best-model-at-end"] == .boolean(true) }

    /// `final.h5`, or why the evaluation stands for the run while there is none.
    func origin(of delivered: DeliveredCheckpoint) -> String {
        if delivered.isFinal { return "final.h5" }
        return loadsBest ? "the best by \(decidingMetric.title)" : "the last evaluation"
    }

    /// An evaluation whose value is better than the delivered checkpoint's.
    func better(_ name: EvaluationValue, than delivered: DeliveredCheckpoint?) -> (step: Int, value: Double)?
    {
        guard let best = best(name) else { return nil }
        guard let value = delivered?[name] else { return best }
        return name.isBetter(best.value, than: value) ? best : nil
    }
}
