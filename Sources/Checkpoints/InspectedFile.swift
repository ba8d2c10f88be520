import Core

/// What `dure inspect` was given, by content and not by name.
package enum InspectedFile: Sendable, Equatable {
    /// A model folder, or a file in a format of weights as far as the start tells.
    case weights
    /// Text that starts as JSON, or a file called so: a dataset, an index of weights in parts, or something else.
    case json
    /// Flat columns in HDF5, as `ColumnFile` writes them.
    case columns

    /// Looks at the start of the file at `path`, and at the attributes of an HDF5 file with checksums in its
    /// structure. Throws `CheckpointError`.
    package static func of(_ path: String) throws -> InspectedFile {
        try ModelFolder.requirePresence(path)
        if WeightFormat.isFolder(path) { return .weights }
        let start = try MappedFile(path: path).withBytes { Array($0.prefix(FileContent.bytesLookedAt)) }
        if start.starts(with: HDF5.signature) {
            return try ColumnFile.isColumnFile(path, start: start) ? .columns : .weights
        }
        // What is a dataset in another form gets the answer that a dataset gets.
        let content = FileContent.recognised(start)
        let isTable = content.map { [.csv, .parquet, .arrow].contains($0) } ?? false
        return startsAsJSON(start) || isTable || path.hasSuffix(".json") ? .json : .weights
    }

    private static func startsAsJSON(_ start: [UInt8]) -> Bool {
        let space: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        guard let first = TextMark.removed(from: start[...]).first(where: { !space.contains($0) }) else {
            return false
        }
        // The length at the start of a safetensors file may begin with any byte, but has zeros in it.
        return (first == UInt8(ascii: "{") || first == UInt8(ascii: "[")) && !start.prefix(8).contains(0)
    }
}
