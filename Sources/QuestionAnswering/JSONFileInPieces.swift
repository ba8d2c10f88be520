import Foundation

/// A JSON file that is never in memory whole: read once to find its pieces, then piece by piece.
final class JSONFileInPieces {
    let path: String
    private let descriptor: Int32
    /// Bytes of a byte order mark.
    private var start = 0
    private var pieces: JSONPieces
    /// Bytes that were read last, and their place in the file.
    private var window = Data()
    private var windowStart = 0

    var container: JSONPieces.Container? { pieces.container }
    var ranges: [Range<Int>] { pieces.ranges }
    var skeleton: [UInt8] { pieces.skeleton }
    var isLines: Bool { pieces.isLines }

    private static let blockSize = 1 << 20

    /// Nil where the file is no regular one or cannot be read, and where it is not UTF-8: whoever reads it whole says
    /// best what is wrong.
    init?(path: String, _ unit: JSONPieces.Unit) throws {
        self.path = path
        pieces = JSONPieces(unit)
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            try scan()
        else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether all of the file is UTF-8.
    private func scan() throws -> Bool {
        var rest = Data()
        var offset = 0
        while true {
            let block = try read(at: offset, count: Self.blockSize)
            if block.isEmpty { return rest.isEmpty }
            offset += block.count
            rest.append(block)
            if offset == block.count, rest.starts(with: [0xEF, 0xBB, 0xBF]) {
                start = 3
                rest.removeFirst(3)
            }
            let whole = rest.count - Self.begunBytes(rest)
            let isText = rest.withUnsafeBytes { bytes in
                let text = UnsafeRawBufferPointer(rebasing: bytes[..<whole])
                pieces.scan(text)
                return String(validating: text, as: UTF8.self) != nil
            }
            guard isText else { return false }
            rest = Data(rest.suffix(rest.count - whole))
        }
    }

    /// Bytes at the end that begin a code point without ending it.
    private static func begunBytes(_ data: Data) -> Int {
        for (index, byte) in data.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > index + 1 ? index + 1 : 0
        }
        return 0
    }

    /// The bytes of a piece.
    func bytes(_ range: Range<Int>) throws -> Data {
        let (first, count) = (range.lowerBound + start, range.count)
        if first < windowStart || first + count > windowStart + window.count {
            window = try read(at: first, count: max(count, Self.blockSize))
            windowStart = first
        }
        guard first + count <= windowStart + window.count else {
            throw DatasetError.unreadableFile(path: path, reason: "it changes while it is read")
        }
        return window.subdata(in: first - windowStart..<first - windowStart + count)
    }

    private func read(at offset: Int, count: Int) throws -> Data {
        var data = Data(count: count)
        var done = 0
        while done < count {
            let read = data.withUnsafeMutableBytes { bytes in
                pread(descriptor, bytes.baseAddress?.advanced(by: done), count - done, off_t(offset + done))
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else {
                throw DatasetError.unreadableFile(path: path, reason: String(cString: strerror(errno)))
            }
            guard read > 0 else { break }
            done += read
        }
        return data.prefix(done)
    }
}

// MARK: Lines

extension JSONFileInPieces {
    struct Line {
        /// From 1, blank lines counted.
        let number: Int
        /// In bytes from the start of the text.
        let offset: Int
    }

    /// Calls `body` with every line that is not blank.
    func forEachLine(_ body: (Line, Data) throws -> Void) throws {
        var (number, offset) = (0, 0)
        // Of the line that is being read.
        var begun = Data()
        while true {
            let block = try read(at: start + offset + begun.count, count: Self.blockSize)
            begun.append(block)
            var rest = begun[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? (block.isEmpty ? rest.endIndex : nil) {
                let line = rest[..<end]
                number += 1
                if line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) {
                    try body(Line(number: number, offset: offset), Data(line))
                }
                guard end < rest.endIndex else { return }
                offset += line.count + 1
                rest = rest[(end + 1)...]
            }
            if block.isEmpty { return }
            begun = Data(rest)
        }
    }
}
