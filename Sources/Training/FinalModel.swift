import Checkpoints
import Distributed
import Kernels
import Model

/// Chooses the weights that a run leaves: those of the last step, or of the best evaluation.
struct FinalModel {
    let output: OutputDirectory?
    let layout: ParameterLayout
    let communicator: any Communicator

    /// Puts the weights of the best evaluation in place of the last step's. Every rank must call it, when none
    /// computes and nothing is being written.
    ///
    /// - state: where the run ended.
    /// - log: takes what the user should know.
    /// - Returns: the step that the parameters are of now, the same on every rank.
    func loadBest(
        of state: RunState, into parameters: FloatBuffer, log: (String) -> Void
    ) throws -> Int {
        var file: CheckpointFile?
        try communicator.onRoot { file = try best(of: state, log) }
        let chosen = communicator.isRoot ? file?.contents.step ?? state.step : .max
        let step = try communicator.minimum(chosen)
        guard step != state.step else { return step }
        try communicator.onRoot { try file?.load(layout, into: parameters) }
        try communicator.spreadFromRoot(parameters)
        return step
    }

    /// The file that has the best evaluation's weights; nil where those in memory are as good. A run that was killed may
    /// have left a `best.h5` from beyond the checkpoint it went on from.
    private func best(of state: RunState, _ log: (String) -> Void) throws -> CheckpointFile? {
        guard output != nil, let best = state.best, best.step != state.step else { return nil }
        if let file = file(of: best.step) { return file }
        log(
            "the weights of the best evaluation, after step \(best.step), are gone: leaving those of step \(state.step)"
        )
        return nil
    }

    /// The file that has the weights after `step`: those of the best, or a checkpoint.
    func file(of step: Int) -> CheckpointFile? {
        guard let output else { return nil }
        let paths = [output.path(of: StateSaver.bestName), CheckpointFolder(output: output).path(of: step)]
        return paths.lazy.compactMap { try? CheckpointFile(path: $0) }.first { $0.contents.step == step }
    }
}

extension CheckpointFile {
    /// Puts all weights into `parameters`.
    func load(_ layout: ParameterLayout, into parameters: FloatBuffer) throws {
        let report = try loadWeights(layout: layout, into: parameters.buffer)
        guard report.missing.isEmpty else {
            throw CheckpointError(
                .badData, "lacks weights of the model", path: path, item: report.missing[0],
                remedy: "run again with --resume, and without --load-best-model-at-end")
        }
    }
}
