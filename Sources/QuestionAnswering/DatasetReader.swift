import Foundation

/// Reads datasets of the kinds of `DatasetKind`, recognised by content.
package enum DatasetReader {
    /// The questions of all files, in the order given.
    ///
    /// - Throws: `DatasetError`, naming the file and the record.
    package static func read(_ paths: [String]) throws -> Dataset {
        try requireDifferentFiles(paths)
        var builder = DatasetBuilder(paths: paths)
        for (index, path) in paths.enumerated() {
            try add(path, index: index, to: &builder)
            builder.endFile()
        }
        return try builder.finish()
    }

    /// Every id of a file that is given twice, by whatever paths, would occur twice.
    private static func requireDifferentFiles(_ paths: [String]) throws {
        var earlier: [FileIdentity: String] = [:]
        for path in paths {
            guard let identity = FileIdentity(path: path) else { continue }
            if let first = earlier.updateValue(path, forKey: identity) {
                throw DatasetError.sameFile(first, path)
            }
        }
    }

    /// Adds a file piece by piece where it has pieces, so that only the dataset itself is ever in memory.
    private static func add(_ path: String, index: Int, to builder: inout DatasetBuilder) throws {
        guard let file = try JSONFileInPieces(path: path, .records) else {
            return try addWhole(path, index: index, to: &builder)
        }
        if file.isLines { return try addLines(of: file, index: index, to: &builder) }
        guard file.container != nil,
            let outline = try? JSONDecoder().decode(DatasetDocument.self, fromText: file.skeleton)
        else { return try addWhole(path, index: index, to: &builder) }
        for (number, range) in file.ranges.enumerated() {
            let record: DatasetRecord
            do {
                record = try JSONDecoder().decode(DatasetRecord.self, fromText: try file.bytes(range))
            } catch  where error is DecodingError || error is RecordProblem {
                // A look at the whole tells best where it is wrong.
                try addWhole(path, index: index, to: &builder)
                throw DatasetError.unreadableFile(path: path, reason: "it changes while it is read")
            }
            try builder.add(record, number: number, of: outline, pathIndex: index)
        }
    }

    private static func addWhole(_ path: String, index: Int, to builder: inout DatasetBuilder) throws {
        let document = try JSONFile.decode(DatasetDocument.self, path: path)
        for (number, record) in document.records.enumerated() {
            try builder.add(record, number: number, of: document, pathIndex: index)
        }
    }

    private static func addLines(
        of file: JSONFileInPieces, index: Int, to builder: inout DatasetBuilder
    ) throws {
        try file.forEachLine { line, bytes in
            let document = try JSONFile.decode(
                DatasetDocument.self, from: bytes, path: file.path, line: (line.number, line.offset))
            for (number, record) in document.records.enumerated() {
                try builder.add(record, number: number, of: document, pathIndex: index, line: line.number)
            }
        }
    }
}

/// The file behind a path: its device and inode.
private struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t

    /// Nil where there is none.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
    }
}
