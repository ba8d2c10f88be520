import Checkpoints
import Distributed
import Model
import QuestionAnswering
import Reports

/// End of a run, after its last step.
extension TrainingRun {
    /// Writes the last weights, or the best, and leaves them in memory.
    ///
    /// - store, output: on rank 0.
    /// - Returns: the step that they are of.
    func leaveWeights(
        _ trainer: Trainer, _ prepared: PreparedTraining, _ store: CheckpointStore?,
        _ output: OutputDirectory?
    ) throws -> Int {
        communicator.place = "end of the run"
        let (last, parameters) = (trainer.state.step, prepared.loaded.parameters)
        if trainer.hasStoppedEarly { tellOfEarlyStop(trainer.state) }
        var step = last
        if settings.loadsBest {
            let final = FinalModel(
                output: output, layout: prepared.loaded.layout, communicator: communicator)
            step = try final.loadBest(of: trainer.state, into: parameters) { logger.warning("\($0)") }
        }
        try communicator.onRoot {
            guard let store, let output else { return }
            try store.saveWeights(
                Self.finalName, step: step, epoch: prepared.plan.epoch(after: step),
                tensors: FlatTensors(parameters: UnsafeBufferPointer(parameters.buffer)))
            let origin = step == last ? "" : ", the weights of step \(step)"
            logger.info("wrote \(output.path(of: Self.finalName))\(origin)")
        }
        return step
    }

    private func tellOfEarlyStop(_ state: RunState) {
        guard let best = state.best else { return }
        logger.info(
            """
            stopped early after step \(state.step): no better \(settings.bestMetric.rawValue) than after step \
            \(best.step) in \(state.evaluationsWithoutImprovement) evaluation(s)
            """)
    }

    /// Tells what the run has come to, and what can be done with it.
    func tellHowToGoOn(_ report: RunReport?, _ output: OutputDirectory?) {
        guard let output else { return }
        for line in report.map({ RunSummary($0, folder: output.path).lines }) ?? [] {
            logger.info("\(line)")
        }
        for command in NextCommands(settings, output: output, program: program).all {
            logger.info("\(command.purpose): \(command.command)")
        }
    }
}
