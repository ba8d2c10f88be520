import Checkpoints
import Foundation
import QuestionAnswering
import Reports

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

    /// Gives the folder back, and removes it when it was made for nothing.
    package func close(keepsFolder: Bool) {
        lock.release()
        if !keepsFolder { output.removeIfEmpty() }
    }

    /// Keeps what an earlier run left, when it left checkpoints, in a folder of its own, so that a new run does not lose
    /// it. Until the new run replaces them, checkpoints and weights have their old names as well.
    ///
    /// - Returns: the name of that folder, nil where there is nothing to keep, or all is kept already because the run
    ///   before this one came to nothing.
    package func keepEarlierRun() throws -> String? {
        let steps = try checkpoints.steps()
        guard steps.contains(where: { !hasSecondName(checkpoints.path(of: $0)) }) else { return nil }
        let earlier = try makeFolder()
        _ = try output.folder("\(earlier)/\(CheckpointFolder.name)")
        let weights = steps.map(CheckpointFolder.relativePath) + [StateSaver.bestName, TrainingRun.finalName]
        for name in weights { try link(name, into: earlier) }
        for name in [Self.metricsName, Self.recordName, RunPage.fileName] + eventFiles {
            try move(name, to: earlier)
        }
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

    /// Removes what an earlier run had told TensorBoard.
    package func removeEvents() throws {
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

    private func makeFolder() throws -> String {
        var number = 1
        while access(output.path(of: "earlier-\(number)"), F_OK) == 0 { number += 1 }
        _ = try output.folder("earlier-\(number)")
        return "earlier-\(number)"
    }

    /// Gives a file a second name, which takes no room; where the file system has no such thing, another name.
    private func link(_ name: String, into folder: String) throws {
        let target = output.path(of: "\(folder)/\(name)")
        guard Glibc.link(output.path(of: name), target) != 0, errno != ENOENT else { return }
        try move(name, to: folder)
    }

    private func hasSecondName(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_nlink > 1
    }

    private func move(_ name: String, to folder: String) throws {
        let target = output.path(of: "\(folder)/\(name)")
        guard rename(output.path(of: name), target) == 0 || errno == ENOENT else {
            throw CheckpointError.cannotWrite(target, "be moved there", errno: errno, created: false)
        }
    }
}
