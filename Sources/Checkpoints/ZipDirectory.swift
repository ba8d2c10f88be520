/// Where the central directory of a zip archive lies, and its records as they stand there.
///
/// Layouts are those of the ZIP file format specification (APPNOTE), sections 4.3.7 to 4.3.16.
struct ZipDirectory {
    /// Of the directory's records, in the file.
    let range: Range<Int>
    private let count: Int
    private let bytes: UnsafeRawBufferPointer
    private let path: String

    /// Finds the directory of the archive `bytes`, which must stay valid while this is used.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        self.bytes = bytes
        self.path = path
        guard let end = Self.endRecord(of: bytes) else {
            throw Self.damaged("has no zip directory at its end: cut off or damaged", path: path)
        }
        let claim = try Self.claim(bytes, end: end, path: path)
        guard claim.disk == 0, claim.directoryDisk == 0, claim.countHere == claim.count else {
            throw Self.damaged("is one part of a zip archive in several", path: path)
        }
        let (directoryEnd, overflow) = claim.offset.addingReportingOverflow(claim.size)
        guard !overflow, directoryEnd == UInt64(claim.endOffset) else {
            throw Self.damaged("has a zip directory that does not reach its end", path: path)
        }
        guard claim.count <= claim.size / UInt64(ZipRecord.fixedSize) else {
            throw Self.damaged("claims \(claim.count) entries in a directory too small for them", path: path)
        }
        range = Int(claim.offset)..<claim.endOffset
        count = Int(claim.count)
    }

    /// All records in order.
    func records(_ budget: inout MemoryBudget) throws -> [ZipRecord] {
        var records: [ZipRecord] = []
        var position = range.lowerBound
        let directory = UnsafeRawBufferPointer(rebasing: bytes[..<range.upperBound])
        for _ in 0..<count {
            guard let record = ZipRecord(directory, at: position) else {
                throw Self.damaged("has a malformed zip directory at byte \(position)", path: path)
            }
            // The record, the entry and its place by name.
            try budget.charge(256 + 2 * record.name.count)
            position = record.end
            records.append(record)
        }
        guard position == range.upperBound else {
            throw Self.damaged(
                "has a zip directory with \(range.upperBound - position) bytes over", path: path)
        }
        return records
    }

    /// What the records at the end of the file say about the directory.
    private struct Claim {
        var disk: UInt32
        var directoryDisk: UInt32
        var countHere: UInt64
        var count: UInt64
        var size: UInt64
        var offset: UInt64
        /// Where the directory must end: at the first of the end records.
        var endOffset: Int
    }

    /// The offset of the end record: the last 22 bytes but for a comment, whose length stands in it.
    private static func endRecord(of bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 22 else { return nil }
        let last = bytes.count - 22
        return (max(0, last - 0xFFFF)...last).reversed().first { offset in
            bytes.integer(at: offset, as: UInt32.self) == 0x0605_4B50
                && bytes.integer(at: offset + 20, as: UInt16.self).map(Int.init) == last - offset
        }
    }

    private static func claim(_ bytes: UnsafeRawBufferPointer, end: Int, path: String) throws -> Claim {
        guard let disk = bytes.integer(at: end + 4, as: UInt16.self),
            let directoryDisk = bytes.integer(at: end + 6, as: UInt16.self),
            let countHere = bytes.integer(at: end + 8, as: UInt16.self),
            let count = bytes.integer(at: end + 10, as: UInt16.self),
            let size = bytes.integer(at: end + 12, as: UInt32.self),
            let offset = bytes.integer(at: end + 16, as: UInt32.self)
        else { throw damaged("is cut off in its zip directory", path: path) }
        let short = Claim(
            disk: UInt32(disk), directoryDisk: UInt32(directoryDisk), countHere: UInt64(countHere),
            count: UInt64(count), size: UInt64(size), offset: UInt64(offset), endOffset: end)
        let hasLocator = bytes.integer(at: end - 20, as: UInt32.self) == 0x0706_4B50
        guard hasLocator else { return short }
        let long = try longClaim(bytes, locator: end - 20, path: path)
        // The short record repeats the long one, or has all bits set where the number does not fit.
        guard agree(short.count, long.count, 0xFFFF), agree(short.countHere, long.countHere, 0xFFFF),
            agree(short.size, long.size, 0xFFFF_FFFF), agree(short.offset, long.offset, 0xFFFF_FFFF)
        else { throw damaged("has two zip directory records that differ", path: path) }
        return long
    }

    private static func agree(_ short: UInt64, _ long: UInt64, _ unset: UInt64) -> Bool {
        short == long || short == unset
    }

    /// The zip64 record that the locator names.
    private static func longClaim(
        _ bytes: UnsafeRawBufferPointer, locator: Int, path: String
    ) throws -> Claim {
        guard bytes.integer(at: locator + 4, as: UInt32.self) == 0,
            let place = bytes.integer(at: locator + 8, as: UInt64.self), let start = Int(exactly: place),
            start <= locator - 56, bytes.integer(at: start, as: UInt32.self) == 0x0606_4B50,
            let disk = bytes.integer(at: start + 16, as: UInt32.self),
            let directoryDisk = bytes.integer(at: start + 20, as: UInt32.self),
            let countHere = bytes.integer(at: start + 24, as: UInt64.self),
            let count = bytes.integer(at: start + 32, as: UInt64.self),
            let size = bytes.integer(at: start + 40, as: UInt64.self),
            let offset = bytes.integer(at: start + 48, as: UInt64.self)
        else { throw damaged("has a malformed zip64 directory record", path: path) }
        return Claim(
            disk: disk, directoryDisk: directoryDisk, countHere: countHere, count: count, size: size,
            offset: offset, endOffset: start)
    }

    static func damaged(_ what: String, path: String) -> CheckpointError { .badData(what, path: path) }
}
