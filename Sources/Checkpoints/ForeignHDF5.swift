import Core
import Foundation
import Synchronization

/// The gate for HDF5 files that other programs wrote.
///
/// Without checksums in a file's structure, damage to it can crash the HDF5 library or keep it busy for ever. So such
/// a file is first looked at here, and then read completely by a process of its own, where the program has one to
/// offer; what that survives is opened.
package enum ForeignHDF5 {
    /// Reads the file at a path completely in another process; throws when that fails.
    package typealias Probe = @Sendable (_ path: String) throws -> Void

    private struct State {
        var probe: Probe?
        var admitted: Identity?
    }

    /// Enough to see that a file is the one that was let pass.
    private struct Identity: Equatable {
        let device: UInt64
        let number: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
            size = Int64(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private static let state = Mutex(State())

    /// Sets what reads files before this process does; without, it reads them at once.
    package static func setProbe(_ probe: Probe?) { state.withLock { $0 = State(probe: probe) } }

    /// Reads all of the file at `path` in this process, as a probe's process does. Throws `CheckpointError`.
    package static func readCompletely(_ path: String) throws { _ = try Inspection(path: path) }

    /// Throws `.badData` unless the HDF5 file `path` may be opened.
    ///
    /// - format: what it is to be read as. A checkpoint is trusted when its structure is checksummed.
    static func admit(_ path: String, format: WeightFormat) throws {
        let file = try MappedFile(path: path)
        let start = file.withBytes { Array($0.prefix(FileContent.bytesLookedAt)) }
        let remedy = "name one that dure or Keras has saved"
        if let error = HDF5.otherContent(start, path: path, remedy: remedy) { throw error }
        guard let superblock = HDF5Superblock(Array(start.prefix(HDF5Superblock.size))) else { return }
        if let flaw = superblock.flaw(fileSize: file.count) {
            throw CheckpointError.badData(flaw, path: path)
        }
        guard format != .checkpoint || !superblock.hasChecksums else { return }
        let identity = Identity(path)
        let probe = state.withLock { $0.admitted == identity ? nil : $0.probe }
        guard let probe else { return }
        try probe(path)
        state.withLock { $0.admitted = identity }
    }
}

/// The first bytes of an HDF5 file, as far as they can be judged without the library.
struct HDF5Superblock {
    /// Bytes that are looked at.
    static let size = 96

    private let bytes: [UInt8]
    private var version: UInt8 { bytes[8] }

    /// `nil` when `start` is not the beginning of an HDF5 file.
    init?(_ start: [UInt8]) {
        guard start.starts(with: HDF5.signature) else { return nil }
        bytes = start + Array(repeating: 0, count: max(0, Self.size - start.count))
    }

    /// Whether the format may have a checksum in every part of its structure.
    var hasChecksums: Bool { version >= 2 }

    /// What cannot be right in a file of `fileSize` bytes; of a later version, which has a checksum, nothing.
    func flaw(fileSize: Int) -> String? {
        guard !hasChecksums else { return nil }
        guard bytes[9] == 0, bytes[10] == 0, bytes[12] == 0 else { return "is damaged in its first bytes" }
        guard bytes[13] == 8, bytes[14] == 8 else {
            return "has addresses of \(bytes[13]) and lengths of \(bytes[14]) bytes, which is not supported"
        }
        guard bytes[16] | bytes[17] != 0, bytes[18] | bytes[19] != 0 else {
            return "is damaged in its first bytes"
        }
        // Version 1 has four bytes more before the addresses.
        let addresses = version == 0 ? 24 : 28
        let (base, end, root) = (number(addresses), number(addresses + 16), number(addresses + 40))
        guard end <= UInt64(fileSize) else { return "is cut off, \(fileSize) bytes of \(end) are there" }
        guard base == 0, root < end else { return "is damaged in its first bytes" }
        return nil
    }

    private func number(_ offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
