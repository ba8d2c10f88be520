import Core
import Foundation

/// A regular file mapped read-only into memory until the object goes.
///
/// Truncating the file while it is mapped kills the process on the next access, as with every mapping.
// The mapping is never written and lives as long as the object, so threads may share it.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    /// Bytes in the file.
    package let count: Int
    private let base: UnsafeMutableRawPointer?

    /// Maps all of `path`; throws `.missingInput` when it is not a regular file that can be opened.
    package init(path: String) throws {
        let (descriptor, size) = try Self.openRegular(path)
        defer { close(descriptor) }
        self.path = path
        count = size
        guard size > 0 else {
            base = nil
            return
        }
        guard let mapping = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), mapping != MAP_FAILED
        else {
            throw CheckpointError.cannotOpen(path, errno: errno)
        }
        base = mapping
    }

    deinit {
        if let base { munmap(base, count) }
    }

    /// Calls `body` with all bytes, valid only during the call.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(UnsafeRawBufferPointer(start: base, count: count)) }
    }

    /// Calls `body` with the bytes of `range`, which must lie in the file.
    package func withBytes<Result>(
        in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// All bytes of a small file of text, without a byte order mark; throws `.badData` when it holds more than `limit`, or
    /// is no such text by its first bytes.
    package static func contents(of path: String, limit: Int = 1 << 30) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        guard file.count <= limit else {
            throw CheckpointError.badData(
                "holds \(file.count) bytes, more than the \(limit) expected of such a file", path: path,
                remedy: "name the right file")
        }
        if let error = file.withBytes({
            // Vocabularies may begin with what looks like JSON or CSV.
            CheckpointError.otherContent(
                $0, path: path, wanted: [.json, .csv], remedy: "name the right file")
        }) {
            throw error
        }
        return file.withBytes { Array(TextMark.removed(from: Array($0)[...])) }
    }

    private static func openRegular(_ path: String) throws -> (descriptor: Int32, size: Int) {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw CheckpointError.cannotOpen(path, errno: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw CheckpointError.cannotOpen(path, errno: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file"
            throw CheckpointError(.missingInput, kind, path: path, remedy: "name a file")
        }
        return (descriptor, Int(status.st_size))
    }
}
