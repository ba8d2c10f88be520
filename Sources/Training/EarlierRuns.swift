import Checkpoints
import Foundation

/// The folders `earlier-1`, `earlier-2` and so on in an output folder, in which what earlier runs left is kept.
///
/// Files are gathered under a name of its own first, which becomes the folder's when all are there: a process that is
/// killed in between leaves nothing kept by half, for the next one puts back what it finds under that name.
struct EarlierRuns {
    let output: OutputDirectory
    /// The folder while it is being filled.
    static let unfinishedName = ".dure-earlier"

    /// Moves files of the output folder, by their names in it, into a new one of these folders.
    ///
    /// - Returns: the folder's name.
    /// - Throws: `CheckpointError`, with everything where it was.
    func keep(_ names: [String]) throws -> String {
        do {
            try make(Self.unfinishedName)
            if names.contains(where: CheckpointFolder.isRelativePath) {
                try make("\(Self.unfinishedName)/\(CheckpointFolder.name)")
            }
            for name in names { try move(name, to: "\(Self.unfinishedName)/\(name)") }
            return try finish()
        } catch {
            _ = try? putBack()
            throw error
        }
    }

    /// Puts back what a killed process had begun to keep. What has another of its name in the output folder by now is
    /// kept as it is.
    ///
    /// - Returns: whether there was any.
    @discardableResult
    func putBack() throws -> Bool {
        let unfinished = output.path(of: Self.unfinishedName)
        guard access(unfinished, F_OK) == 0 else { return false }
        let below = Self.names(in: "\(unfinished)/\(CheckpointFolder.name)")
        if !below.isEmpty { _ = try output.folder(CheckpointFolder.name) }
        let names = Self.names(in: unfinished).filter { $0 != CheckpointFolder.name }
        for name in below.map({ "\(CheckpointFolder.name)/\($0)" }) + names where !isThere(name) {
            try move("\(Self.unfinishedName)/\(name)", to: name)
        }
        rmdir("\(unfinished)/\(CheckpointFolder.name)")
        if rmdir(unfinished) != 0 { _ = try finish() }
        return true
    }

    /// Gives the folder the first name that is free.
    private func finish() throws -> String {
        var number = 1
        while true {
            let name = "earlier-\(number)"
            // An empty folder of that name is as good as none.
            if rename(output.path(of: Self.unfinishedName), output.path(of: name)) == 0 { return name }
            guard [ENOTEMPTY, EEXIST, ENOTDIR].contains(errno) else {
                throw cannotKeep(name, errno: errno)
            }
            number += 1
        }
    }

    private func make(_ name: String) throws {
        guard mkdir(output.path(of: name), 0o777) == 0 || errno == EEXIST else {
            throw cannotKeep(name, errno: errno)
        }
    }

    private func move(_ name: String, to target: String) throws {
        guard rename(output.path(of: name), output.path(of: target)) == 0 else {
            throw cannotKeep(name, errno: errno)
        }
    }

    private func isThere(_ name: String) -> Bool {
        var status = stat()
        return lstat(output.path(of: name), &status) == 0
    }

    private func cannotKeep(_ name: String, errno code: Int32) -> CheckpointError {
        let isFull = [ENOSPC, EDQUOT, EIO].contains(code)
        return CheckpointError(
            isFull ? .ioFailed : .cannotCreate,
            "what an earlier run left cannot be kept, \(String(cString: strerror(code)))",
            path: output.path(of: name),
            remedy: isFull ? "make room" : "name another --output-dir, or move that run away")
    }

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
}
