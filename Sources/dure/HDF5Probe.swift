import Checkpoints
import Foundation

/// Has an HDF5 file read by a process of its own before this one does: damage to a file without checksums can crash
/// the HDF5 library or keep it busy for ever.
enum HDF5Probe {
    static let command = "probe-hdf5"

    /// What the other process says on its stdout when it has come to an end.
    struct Report: Codable {
        var error: Failure?
    }

    /// A `CheckpointError` on its way between the processes.
    struct Failure: Codable {
        private let category: String
        private let what: String
        private let item: String?
        private let remedy: String

        init(_ error: CheckpointError) {
            category = error.category.rawValue
            (what, item, remedy) = (error.what, error.item, error.remedy)
        }

        func error(path: String) -> CheckpointError {
            CheckpointError(
                CheckpointError.Category(rawValue: category) ?? .badData, what, path: path, item: item,
                remedy: remedy)
        }
    }

    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Seconds of computing that a file of `size` bytes is allowed: an old processor reads far more than 10 MB in one.
    static func seconds(for size: Int) -> Int { 3 + size / 10_000_000 }

    /// Reads `path` in another process. Throws the error that it found, or `.badData` when it crashed or did not end.
    static func check(_ path: String) throws {
        // A slow disk may take longer than the processor.
        let patience = 20 * seconds(for: size(of: path))
        let child = try ChildProcess(arguments: [command, "--", path], path: path)
        let output = child.readOutput(seconds: patience)
        let end = child.end(killing: output == nil)
        if let output, let report = try? JSONDecoder().decode(Report.self, from: Data(output)) {
            if let error = report.error { throw error.error(path: path) }
            return
        }
        throw failure(path, end, timedOut: output == nil)
    }

    private static func failure(_ path: String, _ end: ChildProcess.End, timedOut: Bool) -> CheckpointError {
        func damaged(_ how: String) -> CheckpointError {
            CheckpointError(
                .badData, "is damaged, the HDF5 library \(how) on it", path: path,
                remedy: "copy it again, or save the model in another format")
        }
        if timedOut { return damaged("does not come to an end") }
        switch end {
        case .signal(SIGXCPU): return damaged("does not come to an end")
        case .signal(let signal) where [SIGTERM, SIGINT, SIGHUP, SIGKILL, SIGUSR1, SIGUSR2].contains(signal):
            return CheckpointError(
                .ioFailed, "reading it in another process was stopped by signal \(signal)", path: path,
                remedy: "try again, where there is more memory if nobody stopped it")
        case .signal, .exit, .unknown: return damaged("crashes")
        }
    }
}
