import Checkpoints
import Foundation
import QuestionAnswering

/// What a run carries from step to step besides weights and optimizer.
package struct RunState: Sendable, Equatable {
    /// Updates made.
    package var step: Int
    /// The best evaluation so far; on rank 0.
    package var best: BestEvaluation?
    /// Evaluations since the best.
    package var evaluationsWithoutImprovement = 0
    /// Whether the evaluation due after `step` is still to come, because the run was asked to stop during it.
    package var owesEvaluation = false

    package init(step: Int = 0) { self.step = step }

    /// Takes the evaluation after `step` into account.
    ///
    /// - Returns: whether it is the best so far.
    package mutating func take(_ result: EvaluationResult, by metric: BestMetric) -> Bool {
        guard let value = metric.value(of: result) else { return false }
        guard value.isFinite, best.map({ metric.isBetter(value, than: $0.value) }) ?? true else {
            evaluationsWithoutImprovement += 1
            return false
        }
        best = BestEvaluation(value: value, step: step)
        evaluationsWithoutImprovement = 0
        return true
    }
}

/// The evaluation whose weights are in `best.h5`.
package struct BestEvaluation: Sendable, Equatable {
    /// Of the metric that decides.
    package let value: Double
    package let step: Int

    package init(value: Double, step: Int) {
        self.value = value
        self.step = step
    }
}

/// How an evaluation compares with those before it.
package struct EvaluationStanding: Sendable, Equatable, CustomStringConvertible {
    /// The one that decides.
    let metric: BestMetric
    /// So far, this evaluation included.
    let best: BestEvaluation
    let isBest: Bool

    package init(metric: BestMetric, best: BestEvaluation, isBest: Bool) {
        self.metric = metric
        self.best = best
        self.isBest = isBest
    }

    package var description: String {
        if isBest { return "the best so far by \(metric.rawValue)" }
        let value = String(format: metric == .loss ? "%.4f" : "%.2f", best.value)
        return "not the best: \(metric.rawValue) \(value) after step \(best.step)"
    }
}

/// What decides which evaluation is best, by the names in `metrics.jsonl`.
package enum BestMetric: String, Sendable, CaseIterable {
    case loss
    case f1
    case exactMatch = "exact_match"
    case korquadF1 = "korquad_f1"
    case korquadExactMatch = "korquad_exact_match"
    case editDistance = "edit_distance"

    /// Nil where the validation data has no answers.
    func value(of result: EvaluationResult) -> Double? {
        switch self {
        case .loss: result.loss
        case .f1: result.metrics?.f1
        case .exactMatch: result.metrics?.exactMatch
        case .korquadF1: result.metrics?.korquadF1
        case .korquadExactMatch: result.metrics?.korquadExactMatch
        case .editDistance: result.metrics?.editDistance
        }
    }

    /// Equal is not better: of equals the first stays.
    func isBetter(_ value: Double, than best: Double) -> Bool {
        switch self {
        case .loss, .editDistance: value < best
        case .f1, .exactMatch, .korquadF1, .korquadExactMatch: value > best
        }
    }
}
