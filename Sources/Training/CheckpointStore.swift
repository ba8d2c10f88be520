import Checkpoints
import Foundation
import Kernels
import Model

/// Writes the checkpoints of a run and keeps no more than asked for.
package struct CheckpointStore {
    private let directory: OutputDirectory
    private let limit: Int
    private let model: ModelFolder
    private let layout: ParameterLayout
    private let tokenizerSettings: [String: AttributeValue]

    /// - limit: training-state checkpoints to keep, the newest; at least 1.
    package init(
        directory: OutputDirectory, limit: Int, model: ModelFolder, layout: ParameterLayout,
        tokenizerSettings: [String: AttributeValue]
    ) {
        precondition(limit > 0)
        self.directory = directory
        self.limit = limit
        self.model = model
        self.layout = layout
        self.tokenizerSettings = tokenizerSettings
    }

    /// Writes `checkpoints/step-N.h5` with all that a run needs to go on, then removes the oldest beyond the
    /// limit. Returns its path, within the output folder.
    package func saveState(
        step: Int, epoch: Double, progress: TrainingProgress, parameters: FloatBuffer, optimizer: AdamW
    ) throws -> String {
        let folder = try directory.folder("checkpoints")
        let name = Self.name(step)
        try checkpoint(step: step, epoch: epoch, progress: progress).write(
            to: folder.path(of: name), layout: layout, parameters: UnsafeBufferPointer(parameters.buffer),
            optimizer: OptimizerState(
                average: UnsafeBufferPointer(optimizer.firstMoment.buffer),
                squaredAverage: UnsafeBufferPointer(optimizer.secondMoment.buffer)))
        try removeOldest(in: folder, current: step)
        return "checkpoints/\(name)"
    }

    /// Writes weights, configuration and vocabulary to `name` in the output folder.
    package func saveWeights(_ name: String, step: Int, epoch: Double, parameters: FloatBuffer) throws {
        try checkpoint(step: step, epoch: epoch, progress: nil).write(
            to: directory.path(of: name), layout: layout, parameters: UnsafeBufferPointer(parameters.buffer))
    }

    private static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".h5"
    }

    private func checkpoint(step: Int, epoch: Double, progress: TrainingProgress?) -> TrainingCheckpoint {
        TrainingCheckpoint(
            programVersion: dureVersion, step: step, epoch: epoch, configuration: model.configurationText,
            vocabulary: model.vocabulary, tokenizerSettings: tokenizerSettings, progress: progress)
    }

    /// Steps only rise within a run, so what is numbered beyond the current one was left by a run before and is
    /// older than all of this run's.
    private func removeOldest(in folder: OutputDirectory, current: Int) throws {
        let steps = try Self.steps(in: folder).sorted()
        let byAge = steps.filter { $0 > current } + steps.filter { $0 <= current }
        for step in byAge.dropLast(limit) {
            let path = folder.path(of: Self.name(step))
            guard unlink(path) == 0 || errno == ENOENT else {
                throw CheckpointError(
                    .ioFailed, "an old checkpoint cannot be removed", path: path,
                    remedy: "check its permissions, or raise --save-total-limit")
            }
        }
    }

    private static func steps(in folder: OutputDirectory) throws -> [Int] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw CheckpointError(
                .ioFailed, "the folder cannot be listed", path: folder.path, remedy: "check its permissions")
        }
        return names.compactMap { name in
            let step = Int(name.dropFirst("step-".count).dropLast(".h5".count))
            return step.flatMap { self.name($0) == name ? $0 : nil }
        }
    }
}

/// The program's version, in checkpoints and `run.json`.
package let dureVersion = "0.1.0"
