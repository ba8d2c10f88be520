import Checkpoints
import Foundation

/// The folder a command writes to. When somebody moves it, what is written follows it.
package struct OutputDirectory: Sendable {
    private let place: FolderPlace
    /// The folders that `init` made, the outermost first.
    private let created: [String]

    /// Creates the folder and those above it where they are missing, and checks that files can be made in it.
    package init(creating path: String) throws {
        created = Self.missingFolders(path)
        try Self.create(path)
        place = FolderPlace(path)
    }

    private static func create(_ path: String) throws {
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

    /// Path of the folder now, wherever it has been moved to.
    package var path: String { place.path }

    package func path(of name: String) -> String {
        let path = path
        return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    package func write(_ text: String, to name: String) throws {
        try AtomicFile.write(text, to: path(of: name))
    }

    /// A folder inside this one, created when missing; not where this one is gone.
    package func folder(_ name: String) throws -> OutputDirectory {
        let path = path(of: name)
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw CheckpointError.cannotWrite(path, "be created", errno: errno, created: false)
        }
        return try OutputDirectory(creating: path)
    }
}

// MARK: Where it is

extension OutputDirectory {
    /// As it was called in the beginning.
    package var name: String { place.name }

    /// Whether it was removed.
    package var isGone: Bool { place.state == .gone }

    /// Path that the folder was moved to; nil where it was not.
    package var movedTo: String? {
        if case .movedTo(let path) = place.state { path } else { nil }
    }

    /// Makes the folder again under its name, or takes what stands there, after it was removed.
    package func recreate() throws {
        try Self.create(name)
        place.reopen()
    }

    /// Throws where the folder has another name now than the user knows.
    ///
    /// - what: the thing that was being done in it.
    package func requireInPlace(during what: String) throws {
        guard let path = movedTo else {
            guard isGone else { return }
            throw CheckpointError(
                .ioFailed, "the output folder was removed during \(what)", path: name, remedy: "do it again")
        }
        throw CheckpointError(
            .ioFailed, "the output folder was moved during \(what), to \(path)", path: name,
            remedy: "everything is there: use it, or move it back")
    }
}
