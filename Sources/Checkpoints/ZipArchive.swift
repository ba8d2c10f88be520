/// A file inside a zip archive.
struct ZipEntry: Sendable, Equatable {
    let name: String
    /// Its bytes in the archive.
    let range: Range<Int>
    /// CRC-32 of the bytes; 0 where the writer left it out, as torch can be told to.
    let checksum: UInt32

    var isChecksummed: Bool { checksum != 0 || range.isEmpty }
}

/// The directory of a zip archive of stored, uncompressed entries, which is what torch writes, with or without the
/// zip64 extension. Checked against the archive's size: every entry lies in front of the directory and apart from
/// the others, and no two have one name.
struct ZipArchive: Sendable {
    let path: String
    /// In the order of the directory.
    let entries: [ZipEntry]
    private let places: [String: Int]

    /// Reads the directory at the end of `bytes`, which is the whole archive; `path` is for messages.
    init(_ bytes: UnsafeRawBufferPointer, path: String, budget: inout MemoryBudget) throws {
        self.path = path
        let directory = try ZipDirectory(bytes, path: path)
        var entries: [ZipEntry] = []
        var places: [String: Int] = [:]
        var extents: [Range<Int>] = []
        for record in try directory.records(&budget) {
            let entry = try record.entry(bytes, directory: directory.range, path: path)
            guard places.updateValue(entries.count, forKey: entry.name) == nil else {
                throw CheckpointError.badData("is twice in the archive", path: path, item: entry.name)
            }
            extents.append(record.offset..<entry.range.upperBound)
            entries.append(entry)
        }
        try Self.checkOverlaps(extents, path: path)
        self.entries = entries
        self.places = places
    }

    /// The entry of this name.
    subscript(name: String) -> ZipEntry? { places[name].map { entries[$0] } }

    /// Throws `.badData` when `entry` is not what its checksum says; `bytes` is the whole archive.
    func verify(_ entry: ZipEntry, _ bytes: UnsafeRawBufferPointer) throws {
        guard entry.isChecksummed else { return }
        var sum = CRC32()
        sum.update(UnsafeRawBufferPointer(rebasing: bytes[entry.range]))
        guard sum.value == entry.checksum else {
            throw CheckpointError.badData("does not match its checksum", path: path, item: entry.name)
        }
    }

    private static func checkOverlaps(_ extents: [Range<Int>], path: String) throws {
        var end = 0
        for extent in extents.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard extent.lowerBound >= end else {
                throw CheckpointError.badData(
                    "has two entries in one place, at byte \(extent.lowerBound)", path: path)
            }
            end = extent.upperBound
        }
    }
}
