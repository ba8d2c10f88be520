import Checkpoints
import Foundation

/// Whether a run could leave its results in a folder: by making it where it is missing, writing an HDF5 file, locking it,
/// and taking all of that away again.
package struct OutputFolderCheck: DoctorCheck {
    package enum Locking: Sendable, Equatable {
        case works
        /// A second opening got the lock as well.
        case excludesNobody
        /// As the system says why.
        case refused(String)
    }

    let folder: String
    var environment = ProcessInfo.processInfo.environment
    var library = HDF5Version.library
    var write: (_ folder: OutputDirectory) throws -> Void = OutputFolderCheck.writeFile
    var locking: (_ folder: OutputDirectory) -> Locking = OutputFolderCheck.tryLocking

    package init(folder: String) { self.folder = folder }

    package func findings() -> [Finding] {
        do {
            let output = try OutputDirectory(creating: folder)
            defer { output.removeIfEmpty() }
            // Another run in the folder says so.
            try FolderLock(folder: folder).release()
            try write(output)
            return lockFindings(locking(output))
        } catch {
            return [.problem(.output, error)]
        }
    }

    private func lockFindings(_ locking: Locking) -> [Finding] {
        let variable = environment["HDF5_USE_FILE_LOCKING"]
        let isForced = variable.map { ["TRUE", "1"].contains($0.uppercased()) } ?? false
        let place = variable.map { "HDF5_USE_FILE_LOCKING=\($0)" } ?? ""
        guard locking == .works else {
            if isForced {
                return [
                    .problem(
                        .output, "HDF5 \(library) is told to lock files, which this file system does not do",
                        at: "\(folder); \(place)", remedy: "unset HDF5_USE_FILE_LOCKING", exitCode: 64)
                ]
            }
            let reason = if case .refused(let text) = locking { text } else { "a lock keeps nobody out" }
            return [
                .note(
                    .output,
                    "files cannot be locked, so that two runs in one folder may not notice each other",
                    at: "\(folder), \(reason)", remedy: "give every run an output folder of its own")
            ]
        }
        if isForced {
            return [
                .note(
                    .output, "HDF5 \(library) is told to lock files, which it would not need", at: place,
                    remedy: "unset HDF5_USE_FILE_LOCKING")
            ]
        }
        return [
            .ok(
                .output, "HDF5 \(library) writes there, and files can be flushed, renamed and locked",
                at: folder)
        ]
    }
}

extension OutputFolderCheck {
    /// A small file, as checkpoints are: under a temporary name, flushed and renamed; then read and removed.
    static func writeFile(_ output: OutputDirectory) throws {
        let path = output.path(of: ".dure-doctor-\(getpid()).h5")
        defer { unlink(path) }
        var file = ColumnFile(attributes: ["kind": "check"])
        file.columns["numbers"] = [1, 2, 3]
        try file.write(to: path)
        let names = ColumnFile.Names(attributes: ["kind"], texts: [], columns: ["numbers"], indexes: [])
        guard try ColumnFile(path: path, names: names) == file else {
            throw CheckpointError(
                .ioFailed, "what is read is not what was written", path: path,
                remedy: "check the disk, or name a folder on another")
        }
    }

    /// Locks a file twice, by `flock` as runs lock their folder.
    static func tryLocking(_ output: OutputDirectory) -> Locking {
        let path = output.path(of: ".dure-doctor-lock-\(getpid())")
        let first = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(first)
            unlink(path)
        }
        let second = open(path, O_RDWR | O_CLOEXEC)
        defer { close(second) }
        guard first >= 0, second >= 0, flock(first, LOCK_EX | LOCK_NB) == 0 else {
            return .refused(String(cString: strerror(errno)))
        }
        return flock(second, LOCK_EX | LOCK_NB) == 0 ? .excludesNobody : .works
    }
}
