import Core
import Foundation

/// Flat columns of numbers and some texts in an HDF5 file of their own, as features are kept.
///
/// Damage is found three times over: by the checksums of HDF5's format 1.10, by Fletcher-32 on every chunk, and by
/// a CRC-32 over all content, because Fletcher-32 takes some words of zeros and of ones for the same.
package struct ColumnFile: Sendable, Equatable {
    /// Short texts, as attributes of `/`.
    package var attributes: [String: String]
    /// Each a dataset of one text.
    package var texts: [String: String] = [:]
    /// Each a one-dimensional dataset.
    package var columns: [String: [Int32]] = [:]
    /// Each a one-dimensional dataset.
    package var indexes: [String: [Int64]] = [:]
    /// Each a one-dimensional dataset.
    package var floats: [String: [Float]] = [:]

    package init(attributes: [String: String]) { self.attributes = attributes }

    /// What `init(path:)` must find in a file.
    package struct Names: Sendable {
        package var attributes: [String]
        package var texts: [String]
        package var columns: [String]
        package var indexes: [String]
        package var floats: [String]

        package init(
            attributes: [String], texts: [String], columns: [String], indexes: [String], floats: [String] = []
        ) {
            self.attributes = attributes
            self.texts = texts
            self.columns = columns
            self.indexes = indexes
            self.floats = floats
        }
    }

    private static let checksumName = "content_crc32"

    /// Writes the file, whole or not at all. Throws `CheckpointError`.
    package func write(to path: String) throws {
        try Self.write(
            to: path, attributes: attributes, texts: texts,
            columns: columns.mapValues { values in { values } },
            indexes: indexes.mapValues { values in { values } }, floats: floats)
    }

    /// The same of columns that are made when their turn comes, so that only one is in memory at a time.
    package static func write(
        to path: String, attributes: [String: String], texts: [String: String],
        columns: [String: () -> [Int32]], indexes: [String: () -> [Int64]], floats: [String: [Float]] = [:]
    ) throws {
        var checksum = ContentChecksum()
        try AtomicFile.replace(path) { temporary in
            try HDF5.locked {
                let file = try HDF5Object.createFile(at: temporary, reportedAs: path)
                for (name, text) in attributes.inOrder {
                    checksum.add(name, text)
                    try file.writeAttribute(name, .text(text))
                }
                for (name, text) in texts.inOrder {
                    checksum.add(name, text)
                    _ = try file.writeText(name, Array(text.utf8))
                }
                for (name, make) in columns.inOrder {
                    let values = make()
                    checksum.add(name, values)
                    try file.writeColumn(name, values)
                }
                for (name, make) in indexes.inOrder {
                    let values = make()
                    checksum.add(name, values)
                    try file.writeColumn(name, values)
                }
                for (name, values) in floats.inOrder {
                    checksum.add(name, values)
                    try file.writeColumn(name, values)
                }
                try file.writeAttribute(Self.checksumName, .integer(checksum.value))
                try file.close()
            }
        }
    }

    /// Reads the attributes, texts and columns of these names. Throws `CheckpointError`, `.badData` for a file that
    /// is damaged or lacks one.
    package init(path: String, names: Names) throws {
        let start = try MappedFile(path: path).withBytes { Array($0.prefix(FileContent.bytesLookedAt)) }
        let remedy = "name a file that dure has written"
        if let error = HDF5.otherContent(start, path: path, remedy: remedy) { throw error }
        // Damage to a structure without checksums may crash the library.
        guard HDF5.hasChecksummedStructure(start) else {
            throw CheckpointError.badData("has no checksums in its structure, as such files have", path: path)
        }
        self.init(attributes: [:])
        let recorded = try HDF5.locked {
            let file = try HDF5Object.openFile(path)
            for name in names.attributes { attributes[name] = try file.readText(name) }
            for name in names.texts { texts[name] = try Self.text(file, name) }
            for name in names.columns { columns[name] = try file.readColumn(name) }
            for name in names.indexes { indexes[name] = try file.readColumn(name) }
            for name in names.floats { floats[name] = try file.readColumn(name) }
            return try file.readCount(Self.checksumName)
        }
        guard recorded == checksum else {
            throw CheckpointError.badData("does not match its checksum", path: path)
        }
    }

    /// Whether the HDF5 file at `path`, which begins with `start`, is one of these. Only looks into a file whose
    /// structure is checksummed, as all of these are: elsewhere damage may crash the library.
    static func isColumnFile(_ path: String, start: [UInt8]) throws -> Bool {
        guard HDF5.hasChecksummedStructure(start) else { return false }
        return try HDF5.locked { try HDF5Object.openFile(path).hasAttribute(checksumName) }
    }

    /// The text of the attribute `name` of the column file at `path`, nil where it is no such file or has none.
    package static func attribute(_ name: String, of path: String) throws -> String? {
        let start = try MappedFile(path: path).withBytes { Array($0.prefix(16)) }
        guard start.starts(with: HDF5.signature), try isColumnFile(path, start: start) else { return nil }
        return try HDF5.locked {
            let file = try HDF5Object.openFile(path)
            return try file.hasAttribute(name) ? try file.readText(name) : nil
        }
    }

    private static func text(_ file: borrowing HDF5Object, _ name: String) throws -> String {
        let dataset = try file.openDataset(name)
        guard let text = String(validating: try dataset.readText(), as: UTF8.self) else {
            throw dataset.object.location.bad("is not UTF-8")
        }
        return text
    }

    private var checksum: Int {
        var sum = ContentChecksum()
        for (name, text) in attributes.inOrder { sum.add(name, text) }
        for (name, text) in texts.inOrder { sum.add(name, text) }
        for (name, values) in columns.inOrder { sum.add(name, values) }
        for (name, values) in indexes.inOrder { sum.add(name, values) }
        for (name, values) in floats.inOrder { sum.add(name, values) }
        return sum.value
    }
}

/// Of names and what stands under them: attributes, texts, columns, indexes, each by name.
private struct ContentChecksum {
    private var sum = CRC32()

    var value: Int { Int(sum.value) }

    mutating func add(_ name: String, _ text: String) {
        add(name)
        add(text)
    }

    mutating func add(_ name: String, _ values: [some BitwiseCopyable]) {
        add("\(name) \(values.count)")
        values.withUnsafeBytes { sum.update($0) }
    }

    private mutating func add(_ text: String) { Array("\(text)\n".utf8).withUnsafeBytes { sum.update($0) } }
}

extension Dictionary where Key == String {
    fileprivate var inOrder: [(key: String, value: Value)] { sorted { $0.key < $1.key } }
}
