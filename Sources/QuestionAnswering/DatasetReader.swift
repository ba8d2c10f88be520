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
            let data = try JSONFile.contents(path: path)
            if let lines = JSONLines(data) {
                try add(lines, of: data, path: path, index: index, to: &builder)
            } else {
                try builder.add(
                    JSONFile.decode(DatasetDocument.self, from: data, path: path), pathIndex: index)
            }
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

    private static func add(
        _ lines: JSONLines, of data: Data, path: String, index: Int, to builder: inout DatasetBuilder
    ) throws {
        for line in lines.lines {
            let content = data[
                data.startIndex + line.range.lowerBound..<data.startIndex + line.range.upperBound]
            let document = try JSONFile.decode(
                DatasetDocument.self, from: content, path: path, line: (line.number, line.range.lowerBound))
            try builder.add(document, pathIndex: index, line: line.number)
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

/// The lines of a file that has a JSON object on each.
struct JSONLines {
    struct Line {
        /// From 1, blank lines counted.
        let number: Int
        /// Offsets of bytes from the start of the file.
        let range: Range<Int>
    }

    /// Those that are not blank.
    let lines: [Line]

    /// Nil when the file is something else: the first line is no whole object, or the only one.
    init?(_ data: Data) {
        var lines: [Line] = []
        var number = 0
        var start = 0
        let isLines = data.withUnsafeBytes { bytes in
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                number += 1
                if bytes[start..<end].contains(where: { !Self.isSpace($0) }) {
                    if lines.isEmpty, !Self.isObject(bytes[start..<end]) { return false }
                    lines.append(Line(number: number, range: start..<end))
                }
                start = end + 1
            }
            return lines.count > 1
        }
        guard isLines else { return nil }
        self.lines = lines
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private static func isObject(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
        line.first { !isSpace($0) } == UInt8(ascii: "{") && line.last { !isSpace($0) } == UInt8(ascii: "}")
            && JSONSyntax.firstError(in: Array(line)) == nil
    }
}
