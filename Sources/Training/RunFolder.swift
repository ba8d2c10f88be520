import Checkpoints
import Foundation
import QuestionAnswering
import Reports

/// The output folder of a training run, which one run at a time writes to.
package final class RunFolder {
    package let output: OutputDirectory
    let lock: FolderLock
    /// Files that stay open while the run writes to them.
    var logs: [OpenLog] = []
    /// Change to the folder's files that something else has made; nil as long as none is known.
    private(set) var loss: OutputLoss?
    static let metricsName = "metrics.jsonl"
    static let recordName = "run.json"

    /// Creates the folder where it is missing. Throws `CheckpointError` when a run is at work in it.
    package init(creating path: String) throws {
        output = try OutputDirectory(creating: path)
        do {
            lock = try FolderLock(folder: output.path)
        } catch {
            output.removeIfEmpty()
            throw error
        }
    }

    /// What tells the run that `run.json` is of from others; nil where there is none.
    package var run: String? {
        struct Record: Decodable { let run: String }
        guard let bytes = try? MappedFile.contents(of: output.path(of: Self.recordName)) else { return nil }
        return try? JSONDecoder().decode(Record.self, fromText: Data(bytes)).run
    }

    /// The checkpoints in it.
    package var checkpoints: CheckpointFolder { CheckpointFolder(output: output) }

    /// Removes what killed runs left half written.
    ///
    /// - Returns: its names.
    package func clean() -> [String] {
        [output.path, checkpoints.path, output.path(of: FeatureCache.besideOutputName)]
            .flatMap(AtomicFile.removeAbandoned)
    }

    /// Looks whether the run's files are still where they should be.
    package func look() { loss = loss ?? findLoss() }

    /// Gives the folder back, and removes it when it was made for nothing.
    package func close(keepsFolder: Bool) {
        lock.release()
        if !keepsFolder { output.removeIfEmpty() }
    }
}

extension OutputDirectory {
    /// Whether a training run has left its record in it.
    var holdsRun: Bool { access(path(of: RunFolder.recordName), F_OK) == 0 }
}

// MARK: Earlier runs

extension RunFolder {
    /// Whether the folder is that of the run that goes on from the checkpoint at `path`.
    ///
    /// - run: what tells that run from others, nil where the checkpoint does not say so.
    package func isFolder(of run: String?, checkpoint path: String) -> Bool {
        if let run, let own = self.run { return run == own }
        return checkpoints.contains(path)
    }

    /// Puts back what a killed run had begun to keep in a folder of its own.
    ///
    /// - Returns: whether there was any.
    package func putBack() throws -> Bool { try EarlierRuns(output: output).putBack() }

    /// Keeps what an earlier run left in a folder of its own, so that a new run does not replace it. What is not of a run
    /// stays where it is, and so do the features, which any run may use.
    ///
    /// - checkpointsStay: whether checkpoints and the best weights stay too, for the run that goes on from one of them.
    /// - Returns: the path of that folder, nil where there is nothing to keep.
    package func keepEarlierRun(checkpointsStay: Bool = false) throws -> String? {
        let results = try (checkpointsStay ? [] : weights) + self.results
        guard try !results.isEmpty || hasLogged() else {
            try removeEvents()
            return nil
        }
        let logs = [Self.metricsName, RunPage.fileName] + eventFiles + [Self.recordName]
        return try keep(results + logs.filter(isThere))
    }

    /// Whether a run has left something there that another could replace.
    var holdsRun: Bool {
        output.holdsRun || isThere(Self.metricsName) || !results.isEmpty || (try? weights.isEmpty) != true
    }

    private var weights: [String] {
        get throws {
            try checkpoints.steps().map(CheckpointFolder.relativePath)
                + [StateSaver.bestName].filter(isThere)
        }
    }

    private var results: [String] { ([TrainingRun.finalName] + Evaluation.fileNames).filter(isThere) }

    /// Keeps the answers of the run that the folder is of, so that others do not replace them.
    ///
    /// - Returns: the path of the folder that has them, nil where there are none.
    package func keepAnswers() throws -> String? {
        let left = Evaluation.fileNames.filter(isThere)
        return left.isEmpty ? nil : try keep(left)
    }

    /// Moves checkpoints that were saved after `step` out of the way of a run that goes on from there.
    ///
    /// - Returns: where to, nil where there are none.
    package func setAsideCheckpoints(after step: Int) throws -> String? {
        let later = try checkpoints.steps().filter { $0 > step }
        return later.isEmpty ? nil : try keep(later.map(CheckpointFolder.relativePath))
    }

    /// Moves the weights that are no longer the best out of the way.
    ///
    /// - Returns: where to, nil where there are none.
    package func setAsideBest() throws -> String? {
        isThere(StateSaver.bestName) ? try keep([StateSaver.bestName]) : nil
    }

    private func keep(_ names: [String]) throws -> String {
        output.path(of: try EarlierRuns(output: output).keep(names))
    }

    /// Whether a run has told anything: one that was ended before its first line came to nothing.
    private func hasLogged() throws -> Bool {
        guard isThere(Self.metricsName) else { return !eventFiles.isEmpty }
        return try !MetricsLines(path: output.path(of: Self.metricsName)).lines.isEmpty
    }

    private func isThere(_ name: String) -> Bool {
        var status = stat()
        return lstat(output.path(of: name), &status) == 0
    }

    /// Removes what a run that came to nothing had told TensorBoard.
    private func removeEvents() throws {
        for name in eventFiles {
            let path = output.path(of: name)
            guard unlink(path) == 0 || errno == ENOENT else {
                throw CheckpointError.cannotWrite(path, "be removed", errno: errno, created: false)
            }
        }
    }

    /// Names of files that runs of this program wrote for TensorBoard.
    private var eventFiles: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
        return names.filter { EventFile.isName($0) && EventFile.isOwn(output.path(of: $0)) }.sorted()
    }
}
