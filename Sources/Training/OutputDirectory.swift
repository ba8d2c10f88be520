import Checkpoints
import Foundation

/// The folder a command writes to.
package struct OutputDirectory: Sendable {
    package let path: String

    /// Creates the folder and those above it where they are missing, and checks that files can be made in it.
    package init(creating path: String) throws {
        self.path = path
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

    package func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    package func write(_ text: String, to name: String) throws {
        try AtomicFile.write(text, to: path(of: name))
    }

    /// A folder inside this one, created when missing.
    package func folder(_ name: String) throws -> OutputDirectory {
        try OutputDirectory(creating: path(of: name))
    }
}
