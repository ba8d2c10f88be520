import Checkpoints
import Foundation
import Model

/// Writes the checkpoints of a run and keeps no more than asked for.
package struct CheckpointStore: Sendable {
    private let folder: CheckpointFolder
    private let directory: OutputDirectory
    private let limit: Int
    private let compression: CheckpointCompression
    private let model: ModelFolder
    private let layout: ParameterLayout
    private let tokenizerSettings: [String: AttributeValue]

    /// - limit: training-state checkpoints to keep, the newest; at least 1.
    package init(
        directory: OutputDirectory, limit: Int, compression: CheckpointCompression = .none,
        model: ModelFolder, layout: ParameterLayout, tokenizerSettings: [String: AttributeValue]
    ) {
        precondition(limit > 0)
        self.directory = directory
        folder = CheckpointFolder(output: directory)
        self.limit = limit
        self.compression = compression
        self.model = model
        self.layout = layout
        self.tokenizerSettings = tokenizerSettings
    }

    /// Writes `checkpoints/step-N.h5` with all that a run needs to go on, then removes the oldest beyond the
    /// limit; never this one, nor the one of the best evaluation. Returns its path, within the output folder.
    package func saveState(
        step: Int, epoch: Double, progress: TrainingProgress, tensors: some CheckpointTensors
    ) throws -> String {
        _ = try directory.folder(CheckpointFolder.name)
        try checkpoint(step: step, epoch: epoch, progress: progress).write(
            to: folder.path(of: step), layout: layout, tensors: tensors, compression: compression)
        try removeOldest(current: step, best: progress.bestStep)
        return CheckpointFolder.relativePath(of: step)
    }

    /// Writes weights, configuration and vocabulary to `name` in the output folder.
    package func saveWeights(
        _ name: String, step: Int, epoch: Double, tensors: some CheckpointTensors
    ) throws {
        try checkpoint(step: step, epoch: epoch, progress: nil).write(
            to: directory.path(of: name), layout: layout, tensors: tensors, compression: compression)
    }

    /// Whether writing takes longer than the disk.
    package var compresses: Bool { compression != .none }

    private func checkpoint(step: Int, epoch: Double, progress: TrainingProgress?) -> TrainingCheckpoint {
        TrainingCheckpoint(
            programVersion: dureVersion, step: step, epoch: epoch, configuration: model.configurationText,
            vocabulary: model.vocabulary, tokenizerSettings: tokenizerSettings, progress: progress)
    }

    /// Removes the oldest beyond the limit, but neither the current nor the best. What is numbered beyond the current step
    /// is damaged, or of an earlier run.
    package func removeOldest(current: Int, best: Int?) throws {
        let steps = try folder.steps()
        let byAge = steps.filter { $0 > current } + steps.filter { $0 <= current }
        let spare = byAge.filter { $0 != current && $0 != best }
        for step in spare.prefix(max(0, byAge.count - limit)) { try folder.remove(step) }
    }
}

/// The folder of a run's training-state checkpoints.
package struct CheckpointFolder: Sendable {
    package static let name = "checkpoints"

    private let output: OutputDirectory

    package init(output: OutputDirectory) { self.output = output }

    /// The folder's own path.
    package var path: String { output.path(of: Self.name) }

    /// Within the output folder.
    package static func relativePath(of step: Int) -> String { "\(name)/\(fileName(step))" }

    /// Whether `name` is within the folder of checkpoints, for the output folder.
    static func isRelativePath(_ name: String) -> Bool { name.hasPrefix("\(Self.name)/") }

    /// Whether the file at `path` is one of the checkpoints here, whatever it is called by.
    func contains(_ path: String) -> Bool {
        guard let file = FileIdentity(path: path), let steps = try? steps() else { return false }
        return steps.contains { FileIdentity(path: self.path(of: $0)) == file }
    }

    package func path(of step: Int) -> String { "\(path)/\(Self.fileName(step))" }

    private static func fileName(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".h5"
    }

    /// Steps of which there is a checkpoint, ascending; none where there is no folder.
    package func steps() throws -> [Int] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).compactMap { name in
                let step = Int(name.dropFirst("step-".count).dropLast(".h5".count))
                return step.flatMap { Self.fileName($0) == name ? $0 : nil }
            }.sorted()
        } catch {
            if access(path, F_OK) != 0 { return [] }
            throw CheckpointError(
                .ioFailed, "the folder cannot be listed", path: path, remedy: "check its permissions")
        }
    }

    func remove(_ step: Int) throws {
        guard unlink(path(of: step)) == 0 || errno == ENOENT else {
            throw CheckpointError(
                .ioFailed, "an old checkpoint cannot be removed", path: path(of: step),
                remedy: "check its permissions, or raise --save-total-limit")
        }
    }

    /// The newest checkpoint that is whole, and those after it that are not, newest first; nil where there are none.
    ///
    /// - run: what `ProgressKey.run` should say; where none says so, those of other runs count.
    /// - Throws: `CheckpointError` where there are some and all are damaged.
    package func newestWhole(of run: String? = nil) throws -> (
        file: CheckpointFile, damaged: [CheckpointError]
    )? {
        let steps = try steps()
        var damaged: [CheckpointError] = []
        var others: CheckpointFile?
        for step in steps.reversed() {
            do {
                let file = try CheckpointFile(trainingState: path(of: step))
                if run == nil || file.contents.progress?.text(ProgressKey.run) == run {
                    return (file, damaged)
                }
                others = others ?? file
            } catch let error as CheckpointError where error.category == .badData {
                damaged.append(error)
            }
        }
        if let others { return (others, damaged) }
        guard let newest = damaged.first else { return nil }
        throw CheckpointError(
            .badData, "all \(steps.count) checkpoints are damaged; of the newest: \(newest.what)",
            path: path, remedy: "restore one from a copy, or start again in another folder")
    }
}

extension CheckpointFile {
    /// Opens a checkpoint that a run can go on from.
    package convenience init(trainingState path: String) throws {
        try self.init(path: path)
        guard kind == .training, contents.progress != nil else {
            throw CheckpointError(
                .badData, "carries weights alone, no state of training", path: path,
                remedy: "name a file under checkpoints/, or give it as --model to train anew")
        }
    }
}

/// The program's version, in checkpoints and `run.json`.
package let dureVersion = "0.1.0"
