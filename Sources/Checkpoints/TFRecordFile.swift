/// Records one after the other, as TensorFlow keeps them: each the number of its bytes (64 bits, little-endian), a
/// masked CRC-32C of that number, the bytes, and a masked CRC-32C of them.
package enum TFRecordFile {
    fileprivate static let headSize = 12
    fileprivate static let tailSize = 4

    /// Whether a file that begins with `start` is one: the number at its start fits its checksum, which in files of
    /// other kinds is one chance in four thousand million.
    package static func isRecordFile(_ start: [UInt8]) -> Bool {
        start.withUnsafeBytes { bytes in
            guard let head = bytes.part(at: 0, count: 8),
                let checksum = bytes.integer(at: 8, as: UInt32.self)
            else { return false }
            return CRC32C.masked(head) == checksum
        }
    }

    /// Adds one record to a file that is being written.
    package static func append(_ record: [UInt8], to sink: AtomicFile.Sink) throws {
        try frame(record).withUnsafeBytes(sink.write)
    }

    /// A record with what stands before and after it.
    static func frame(_ record: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(record.count + headSize + tailSize)
        func add(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { frame.append(contentsOf: $0) }
        }
        add(UInt64(record.count))
        add(frame.withUnsafeBytes(CRC32C.masked))
        frame.append(contentsOf: record)
        add(record.withUnsafeBytes(CRC32C.masked))
        return frame
    }

    /// Calls `body` with the number, from 0, and the bytes of every record of `file`. Throws `CheckpointError`,
    /// `.badData` naming the record, where one is damaged or cut short.
    package static func forEachRecord(
        of file: MappedFile, _ body: (_ number: Int, _ record: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try file.withBytes { bytes in
            if !isRecordFile(Array(bytes.prefix(headSize))), let error = otherContent(bytes, path: file.path)
            {
                throw error
            }
            var offset = 0
            var number = 0
            while offset < bytes.count {
                let record = try record(number, at: offset, of: bytes, path: file.path)
                try body(number, record)
                offset += headSize + record.count + tailSize
                number += 1
            }
        }
    }

    private static func otherContent(_ bytes: UnsafeRawBufferPointer, path: String) -> CheckpointError? {
        CheckpointError.otherContent(bytes, path: path, wanted: [], remedy: "name a file of TFRecords")
    }

    private static func record(
        _ number: Int, at offset: Int, of bytes: UnsafeRawBufferPointer, path: String
    ) throws -> UnsafeRawBufferPointer {
        func bad(_ what: String) -> CheckpointError { .badData(what, path: path, item: "record \(number)") }
        guard let length = bytes.integer(at: offset, as: UInt64.self),
            let head = bytes.part(at: offset, count: 8),
            let headChecksum = bytes.integer(at: offset + 8, as: UInt32.self)
        else { throw bad("ends within the head of a record") }
        guard CRC32C.masked(head) == headChecksum else {
            throw bad("the length of a record does not match its checksum")
        }
        let start = offset + headSize
        guard let count = Int(exactly: length), let record = bytes.part(at: start, count: count),
            let checksum = bytes.integer(at: start + count, as: UInt32.self)
        else { throw bad("ends within a record of \(length) bytes") }
        guard CRC32C.masked(record) == checksum else { throw bad("a record does not match its checksum") }
        return record
    }
}
