import Checkpoints
import Distributed
import Kernels
import Logging
import Model

/// Puts a value of now on the best evaluation of a run that goes on with another notion of what is best.
struct BestAgain {
    let folder: RunFolder?
    let layout: ParameterLayout
    let communicator: any Communicator
    let logger: Logger
    let metric: BestMetric
    /// Nil where nothing is validated on any more.
    let evaluator: Evaluator?

    /// Evaluates the weights that were the best, if they are still there, and gives `state` what they are worth; without
    /// them the run has no best until its next evaluation. Either way it counts evaluations without a better one anew.
    /// Every rank must call it.
    ///
    /// - parameters: the weights of `resumption`, before and after.
    func settle(
        _ state: inout RunState, _ resumption: Resumption, into parameters: FloatBuffer
    ) throws {
        communicator.place = "evaluation of the best weights so far"
        let old = state.best?.step
        state.best = nil
        state.evaluationsWithoutImprovement = 0
        var file: CheckpointFile?
        try communicator.onRoot { file = old == state.step ? resumption.file : weights(of: old) }
        let step = -(try communicator.minimum(-(file?.contents.step ?? -1)))
        guard step >= 0, let evaluator else {
            return try communicator.onRoot { try forget(old) }
        }
        let isOther = step != state.step
        if isOther { try load(file, into: parameters) }
        let evaluation = try evaluate(evaluator, resumption)
        if isOther { try load(resumption.file, into: parameters) }
        try communicator.onRoot {
            guard let value = evaluation.flatMap({ metric.value(of: $0.result) }), value.isFinite else {
                return try forget(old)
            }
            state.best = BestEvaluation(value: value, step: step)
            logger.warning("the best so far, after step \(step), has a \(metric.rawValue) of \(value) now")
        }
    }

    private func evaluate(_ evaluator: Evaluator, _ resumption: Resumption) throws -> Evaluation? {
        do {
            return try evaluator.run(isInterrupted: { StopRequest.isMade })
        } catch is EvaluationInterrupted {
            // Nothing has changed yet.
            throw StoppedOnRequest(step: resumption.shared.step)
        }
    }

    private func weights(of step: Int?) -> CheckpointFile? {
        guard let step, let folder else { return nil }
        return FinalModel(output: folder.output, layout: layout, communicator: communicator).file(of: step)
    }

    private func load(_ file: CheckpointFile?, into parameters: FloatBuffer) throws {
        try communicator.onRoot { try file?.load(layout, into: parameters) }
        try communicator.spreadFromRoot(parameters)
    }

    /// Puts away what would be taken for the best of now; on rank 0.
    private func forget(_ step: Int?) throws {
        let place = try folder?.setAsideBest()
        guard let step else { return }
        let weights = place.map { ", and its weights are in \($0)" } ?? ""
        logger.warning("what was the best, after step \(step), is not compared with any more\(weights)")
    }
}
