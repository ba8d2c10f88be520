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
        try removeOldest(in: folder)
        return "checkpoints/\(name)"
    }

    /// Writes weights, configuration and vocabulary to `name` in the output folder.
    package func saveWeights(_ name: String, step: Int, epoch: Double, parameters: FloatBuffer) throws {
        try checkpoint(step: step, epoch: epoch, progress: nil).write(
            to: directory.path(of: name), layout: layout, parameters: UnsafeBufferPointer(parameters.buffer))
    }

    static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".h5"
    }

    private func checkpoint(step: Int, epoch: Double, progress: TrainingProgress?) -> TrainingCheckpoint {
        TrainingCheckpoint(
            programVersion: dureVersion, step: step, epoch: epoch, configuration: model.configurationText,
            vocabulary: model.vocabulary, tokenizerSettings: tokenizerSettings, progress: progress)
    }

    private func removeOldest(in folder: OutputDirectory) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }.sorted()
        for name in names.dropLast(limit) {
            try FileManager.default.removeItem(atPath: folder.path(of: name))
        }
    }
}

/// The program's version, in checkpoints and `run.json`.
package let dureVersion = "0.1.0"
