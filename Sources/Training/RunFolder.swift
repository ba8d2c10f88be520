import Checkpoints
import Foundation

/// The output folder of a training run, which one run at a time writes to.
package final class RunFolder {
    package let output: OutputDirectory
    private let lock: FolderLock
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

    /// The checkpoints in it.
    package var checkpoints: CheckpointFolder { CheckpointFolder(output: output) }

    /// Removes what killed runs left half written.
    ///
    /// - Returns: its names.
    package func clean() -> [String] {
        [output.path, checkpoints.path].flatMap(AtomicFile.removeAbandoned)
    }

    /// Gives the folder back, and removes it when it was made for nothing.
    package func close(keepsFolder: Bool) {
        lock.release()
        if !keepsFolder { output.removeIfEmpty() }
    }

    /// Moves what an earlier run left, when it left checkpoints, into a folder of its own, so that a new run neither
    /// goes on from it by mistake nor loses it.
    ///
    /// - Returns: the name of that folder, nil where there is nothing to move.
    package func setAsideEarlierRun() throws -> String? {
        guard try !checkpoints.steps().isEmpty else { return nil }
        let earlier = try makeFolder()
        let names = [
            CheckpointFolder.name, Self.metricsName, Self.recordName, StateSaver.bestName,
            TrainingRun.finalName,
        ]
        for name in names { try move(name, to: earlier) }
        return earlier
    }

    /// Moves checkpoints that were saved after `step` out of the way of a run that goes on from there.
    ///
    /// - Returns: where to, nil where there are none.
    package func setAsideCheckpoints(after step: Int) throws -> String? {
        let later = try checkpoints.steps().filter { $0 > step }
        guard !later.isEmpty else { return nil }
        let earlier = try makeFolder()
        _ = try output.folder("\(earlier)/\(CheckpointFolder.name)")
        for step in later { try move(CheckpointFolder.relativePath(of: step), to: earlier) }
        return earlier
    }

    private func makeFolder() throws -> String {
        var number = 1
        while access(output.path(of: "earlier-\(number)"), F_OK) == 0 { number += 1 }
        _ = try output.folder("earlier-\(number)")
        return "earlier-\(number)"
    }

    private func move(_ name: String, to folder: String) throws {
        let target = output.path(of: "\(folder)/\(name)")
        guard rename(output.path(of: name), target) == 0 || errno == ENOENT else {
            throw CheckpointError.cannotWrite(target, "be moved there", errno: errno, created: false)
        }
    }
}
