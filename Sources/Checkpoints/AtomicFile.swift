import Foundation
import Synchronization

/// Files that appear whole or not at all: written under a temporary name in the same folder, flushed to disk,
/// then renamed over the final name. On any failure the temporary file is removed and what stood under the
/// final name before is untouched.
///
/// Errors are `CheckpointError`: `.cannotCreate` when the place does not allow a file, `.ioFailed` when writing
/// failed after that.
package enum AtomicFile {
    /// Writes `bytes` to `path`.
    package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        try stream(to: path) { try $0.write(bytes) }
    }

    /// Writes `data` to `path`.
    package static func write(_ data: Data, to path: String) throws {
        try data.withUnsafeBytes { try write($0, to: path) }
    }

    /// Writes `text` to `path` as UTF-8.
    package static func write(_ text: String, to path: String) throws {
        try write(Data(text.utf8), to: path)
    }

    /// Writes what `body` hands to the sink, in that order, to `path`.
    package static func stream(to path: String, _ body: (Sink) throws -> Void) throws {
        try withTemporary(for: path) { descriptor, _ in
            try body(Sink(descriptor: descriptor, path: path))
        }
    }

    /// Calls `body` with the temporary path (an existing empty file) for libraries that write to a path;
    /// flushes and renames afterwards.
    package static func replace(_ path: String, _ body: (_ temporaryPath: String) throws -> Void) throws {
        try withTemporary(for: path) { _, temporary in try body(temporary) }
    }

    /// Whether `name` (without folder) is one that this type gives to unfinished files.
    package static func isTemporary(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(suffix)
    }

    /// Removes unfinished files in `folder` that killed processes left behind. One that is being written, on this
    /// host or another, stays: whoever writes it has locked it. So does every one where files cannot be locked.
    ///
    /// - Returns: what was removed.
    @discardableResult
    package static func removeAbandoned(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter(isTemporary).filter { name in
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            return flock(descriptor, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0
        }
    }

    /// Where `stream` writes to.
    package struct Sink {
        let descriptor: Int32
        let path: String

        /// Appends all of `bytes`.
        package func write(_ bytes: UnsafeRawBufferPointer) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    throw CheckpointError.cannotWrite(path, "write", errno: errno, created: true)
                }
                rest = rest.dropFirst(written)
            }
        }
    }

    private static let suffix = ".dure-partial"
    private static let counter = Atomic<Int>(0)

    private static func withTemporary(for path: String, _ body: (Int32, String) throws -> Void) throws {
        try refuseFolder(path)
        let (descriptor, temporary) = try create(beside: path)
        var renamed = false
        defer { if !renamed { discard(temporary) } }
        do {
            defer { close(descriptor) }
            try body(descriptor, temporary)
            try flush(descriptor, path: path)
        }
        guard rename(temporary, path) == 0 else {
            throw CheckpointError.cannotWrite(path, "be created", errno: errno, created: false)
        }
        renamed = true
        try flushFolder(of: path)
    }

    /// A rename onto a folder fails only after everything was written: look before the work.
    private static func refuseFolder(_ path: String) throws {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        if isFolder || path.isEmpty || path.hasSuffix("/") {
            throw CheckpointError.cannotWrite(path, "be created", errno: EISDIR, created: false)
        }
    }

    private static func create(beside path: String) throws -> (descriptor: Int32, path: String) {
        let (folder, name) = split(path)
        // Room for the process id and counter within the 255 bytes that a file name may have.
        let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
        while true {
            let number = counter.add(1, ordering: .relaxed).newValue
            let temporary = "\(folder).\(stem).\(getpid())-\(number)\(suffix)"
            let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 {
                // For `removeAbandoned`; where files cannot be locked it removes nothing.
                flock(descriptor, LOCK_EX | LOCK_NB)
                return (descriptor, temporary)
            }
            // Another host that shares the folder may have the same process id.
            if errno == EEXIST || errno == EINTR { continue }
            throw CheckpointError.cannotWrite(path, "be created", errno: errno, created: false)
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        let start = path.utf8.index(after: slash)
        return (String(path[..<start]), String(path[start...]))
    }

    private static func discard(_ temporary: String) {
        // A library that failed to close the file may hold it open: give the room back all the same.
        truncate(temporary, 0)
        unlink(temporary)
    }

    private static func flush(_ descriptor: Int32, path: String) throws {
        while fsync(descriptor) != 0 {
            switch errno {
            case EINTR: continue
            case EINVAL, ENOTSUP: return  // a file system that cannot flush
            default: throw CheckpointError.cannotWrite(path, "flush to disk", errno: errno, created: true)
            }
        }
    }

    private static func flushFolder(of path: String) throws {
        let folder = split(path).folder
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // A folder that may be written but not read cannot be flushed by name.
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try flush(descriptor, path: path)
    }
}
