import Checkpoints
import Foundation

/// The folder a command writes to.
package struct OutputDirectory: Sendable {
    package let path: String
    /// The folders that `init` made, the outermost first.
    private let created: [String]

    /// Creates the folder and those above it where they are missing, and checks that files can be made in it.
    package init(creating path: String) throws {
        self.path = path
        created = Self.missingFolders(path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CheckpointError(
                .cannotCreate, "the output folder cannot be created", path: path,
                remedy: "name a folder that you may write to")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw CheckpointError(
                .cannotCreate, "the output folder is not writable", path: path,
                remedy: "change its permissions or name another folder")
        }
    }

    /// Removes what `init` made as far as it is still empty, so that a command that fails before it wrote
    /// anything leaves nothing behind.
    package func removeIfEmpty() {
        for folder in created.reversed() where rmdir(folder) != 0 { return }
    }

    // NSString.deletingLastPathComponent crashes on a name of a single letter.
    private static func missingFolders(_ path: String) -> [String] {
        let slash = UInt8(ascii: "/")
        var missing: [String] = []
        var folder = Array(path.utf8)
        while true {
            while folder.last == slash { folder.removeLast() }
            let name = String(decoding: folder, as: UTF8.self)
            guard !folder.isEmpty, access(name, F_OK) != 0 else { return missing }
            missing.insert(name, at: 0)
            while let last = folder.last, last != slash { folder.removeLast() }
        }
    }

    package func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    package func write(_ text: String, to name: String) throws {
        try AtomicFile.write(text, to: path(of: name))
    }

    /// A folder inside this one, created when missing.
    package func folder(_ name: String) throws -> OutputDirectory {
        try OutputDirectory(creating: path(of: name))
    }
}
