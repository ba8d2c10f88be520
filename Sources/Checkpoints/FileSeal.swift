import Foundation
import Kernels

/// A checksum of a whole file behind its last byte, where HDF5 does not look: what the checksums inside an HDF5 file
/// leave out (texts of variable length, room between objects) is covered by it.
enum FileSeal {
    private static let mark = Array("\nDURESUM".utf8)
    /// The mark, then the number of bytes before it and their sum, 64 bits each, little-endian.
    private static let length = 24

    /// Seals the file at `temporary`; errors name `path`.
    static func append(to temporary: String, reportedAs path: String) throws {
        let file = try MappedFile(path: temporary)
        let seal = file.withBytes { mark + littleEndian(UInt64($0.count)) + littleEndian(sum($0)) }
        let descriptor = open(temporary, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CheckpointError.cannotWrite(path, "be sealed", errno: errno, created: true)
        }
        defer { close(descriptor) }
        try seal.withUnsafeBytes { try AtomicFile.Sink(descriptor: descriptor, path: path).write($0) }
    }

    /// What the end of a file says about it.
    enum State {
        case absent
        case intact
        /// The seal does not fit the bytes before it.
        case broken
    }

    static func state(of file: MappedFile) -> State {
        file.withBytes { bytes in
            let seal = bytes.suffix(length)
            guard seal.count == length, seal.starts(with: mark) else { return .absent }
            let content = UnsafeRawBufferPointer(rebasing: bytes.dropLast(length))
            let right = mark + littleEndian(UInt64(content.count)) + littleEndian(sum(content))
            return seal.elementsEqual(right) ? .intact : .broken
        }
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let whole = bytes.count / MemoryLayout<Float>.size
        let floats = bytes.bindMemory(to: Float.self)
        var sum = floats.baseAddress.map { checksum($0, whole) } ?? 0
        for byte in bytes[(whole * MemoryLayout<Float>.size)...] { sum = sum &* 31 &+ UInt64(byte) }
        return sum
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
