import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// What `--resume` names.
package enum ResumeChoice: Sendable, Equatable {
    /// The newest whole checkpoint of the output folder; the beginning where there is none.
    case newest
    case checkpoint(String)
}

/// The checkpoint that a run goes on from. Rank 0 reads it, and the others get from it what they need.
struct Resumption {
    /// What all ranks know of it.
    struct Shared: Codable, Equatable {
        /// As a user would name it.
        let path: String
        let step: Int
        let epoch: Double
        /// Of the optimizer.
        let updates: Int
        let owesEvaluation: Bool
        /// How many ranks had trained up to there.
        let ranks: Int?
        let microBatchTokens: Int?
    }

    let shared: Shared
    /// On rank 0.
    let file: CheckpointFile?
    let progress: TrainingProgress?

    /// Finds what `choice` names; nil where that is the beginning. Every rank must call it.
    ///
    /// - folder: on rank 0.
    /// - log: takes what the user should know.
    static func find(
        _ choice: ResumeChoice, in folder: RunFolder?, over communicator: any Communicator,
        log: (String) -> Void
    ) throws -> Resumption? {
        var file: CheckpointFile?
        try communicator.onRoot {
            guard let folder else { return }
            file = try open(choice, in: folder, log)
        }
        let own = try file.flatMap(Shared.init).map { Array(try JSONEncoder().encode($0)) } ?? []
        let bytes = try communicator.allGather(own)[0]
        guard !bytes.isEmpty else { return nil }
        return Resumption(
            shared: try JSONDecoder().decode(Shared.self, from: Data(bytes)), file: file,
            progress: file?.contents.progress)
    }

    private static func open(
        _ choice: ResumeChoice, in folder: RunFolder, _ log: (String) -> Void
    ) throws -> CheckpointFile? {
        guard case .newest = choice else {
            guard case .checkpoint(let path) = choice else { return nil }
            return try CheckpointFile(trainingState: path)
        }
        guard let (file, damaged) = try folder.checkpoints.newestWhole(of: folder.run) else {
            log("no checkpoint in \(folder.checkpoints.path) yet: starting at the beginning")
            return nil
        }
        for error in damaged { log("\(error.what) (\(error.location)): going on from the one before") }
        return file
    }

    /// Throws when the model of the command is not the one that the checkpoint is of, before memory is filled with it.
    func requireFit(_ opened: OpenedModel, over communicator: any Communicator) throws {
        try communicator.onRoot {
            guard let file else { return }
            let model = try ModelFolder(checkpoint: file)
            guard ParameterLayout(model.configuration) == ParameterLayout(opened.configuration) else {
                throw TrainingError.setting(
                    flag: "--model", problem: "its configuration is not that of \(shared.path)",
                    remedy: "name the model that the run began with, or another --output-dir")
            }
        }
    }

    /// Where the run stood, on every rank; what only rank 0 needs, there alone.
    var state: RunState {
        var state = RunState(step: shared.step)
        state.owesEvaluation = shared.owesEvaluation
        guard let progress else { return state }
        if let value = progress.bestMetric, let step = progress.bestStep {
            state.best = BestEvaluation(value: value, step: step)
        }
        state.evaluationsWithoutImprovement = progress.evaluationsWithoutImprovement
        return state
    }

    /// What tells the run from others; on rank 0.
    var run: String? { progress?.text(ProgressKey.run) }

    func point(ranks: Int) -> ResumedPoint {
        ResumedPoint(step: shared.step, epoch: shared.epoch, path: shared.path, ranks: ranks)
    }

    /// Steps since the last line of the metrics' log; on rank 0.
    var window: MetricsWindow {
        guard case .text(let text) = progress?.additional[ProgressKey.metricsWindow] else {
            return MetricsWindow()
        }
        return MetricsWindow(text: text) ?? MetricsWindow()
    }

    /// Puts the optimizer where it stood. Every rank must call it.
    func restore(_ optimizer: AdamW, _ layout: ParameterLayout, over communicator: any Communicator) throws {
        try communicator.onRoot {
            try file?.readOptimizer(
                layout: layout, average: optimizer.firstMoment.buffer,
                squaredAverage: optimizer.secondMoment.buffer)
        }
        try optimizer.restore(updates: shared.updates)
    }
}

extension Resumption.Shared {
    /// Nil for a file without a state of training.
    fileprivate init?(_ file: CheckpointFile) {
        guard let progress = file.contents.progress else { return nil }
        path = file.path
        step = file.contents.step
        epoch = file.contents.epoch
        updates = progress.optimizerStep
        owesEvaluation = progress.additional[ProgressKey.owesEvaluation] == .flag(true)
        ranks = progress.integer(ProgressKey.ranks)
        microBatchTokens = progress.integer(ProgressKey.microBatchTokens)
    }
}

extension TrainingProgress {
    func integer(_ name: String) -> Int? {
        guard case .integer(let value) = additional[name] else { return nil }
        return value
    }

    func text(_ name: String) -> String? {
        guard case .text(let value) = additional[name] else { return nil }
        return value
    }
}

/// Names of what a run keeps in a checkpoint besides what every checkpoint has.
enum ProgressKey {
    /// What tells the run from others.
    static let run = "run"
    /// Whether the evaluation after the step is still to come.
    static let owesEvaluation = "owes_evaluation"
    /// The steps since the last line of `metrics.jsonl`, summed.
    static let metricsWindow = "metrics_window"
    static let ranks = "ranks"
    static let threads = "threads_per_rank"
    static let microBatchTokens = "micro_batch_tokens"
    /// Checksums of what the training depends on besides its settings.
    static let features = "features_checksum"
    static let tokenizer = "tokenizer_checksum"
    static let configuration = "configuration_checksum"
    /// Checksum of the data that the best metric is measured on.
    static let validation = "validation_checksum"
}
