import Foundation
import Kernels

/// A checksum of a whole file behind its last byte, where HDF5 does not look: what the checksums inside an HDF5 file
/// leave out (texts of variable length, room between objects) is covered by it, and what they miss.
///
/// It is a sum that parts of the file add to in any order, so that a writer can add what it has at hand anyway.
struct FileSeal {
    private static let mark = Array("\nDURESUM".utf8)
    /// The mark, then the number of bytes before it and their sum, 64 bits each, little-endian.
    private static let length = 24
    private static let wordSize = 8

    private var sum: UInt64 = 0
    /// Parts of the file that `sum` has, in words.
    private var covered: [Range<Int>] = []

    /// Adds bytes that were written at `offset`, a multiple of 8. Bytes after the last whole word are left to `append`.
    mutating func add(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset % Self.wordSize == 0)
        guard let base = bytes.baseAddress else { return }
        let first = offset / Self.wordSize
        let count = bytes.count / Self.wordSize
        sum &+= positionedSum(base, count: count, first: first)
        covered.append(first..<first + count)
    }

    /// Adds what is missing of the file at `temporary` and puts the seal at its end; errors name `path`.
    func append(to temporary: String, reportedAs path: String) throws {
        let file = try MappedFile(path: temporary)
        let seal = file.withBytes { bytes in
            var complete = self
            var position = 0
            for part in covered.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                complete.sum &+= Self.sum(bytes, position..<part.lowerBound * Self.wordSize)
                position = part.upperBound * Self.wordSize
            }
            complete.sum &+= Self.sum(bytes, position..<bytes.count)
            return Self.text(count: bytes.count, sum: complete.sum)
        }
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
            let right = text(count: content.count, sum: sum(content, 0..<content.count))
            return seal.elementsEqual(right) ? .intact : .broken
        }
    }

    /// Of the bytes in `range`, which begins at a word; after the end of the last word there are zeros.
    private static func sum(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64 {
        guard let base = bytes.baseAddress, !range.isEmpty else { return 0 }
        let (first, count) = (range.lowerBound / wordSize, range.count / wordSize)
        let sum = positionedSum(base + range.lowerBound, count: count, first: first)
        guard range.count % wordSize > 0 else { return sum }
        var last = UInt64(0)
        withUnsafeMutableBytes(of: &last) { $0.copyBytes(from: bytes[range].dropFirst(count * wordSize)) }
        return sum &+ positionedSum(&last, count: 1, first: first + count)
    }

    private static func text(count: Int, sum: UInt64) -> [UInt8] {
        mark + littleEndian(UInt64(count)) + littleEndian(sum)
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
