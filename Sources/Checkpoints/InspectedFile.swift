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
        let start = try MappedFile(path: path).withBytes { Array($0.prefix(512)) }
        if start.starts(with: HDF5.signature) {
            return try ColumnFile.isColumnFile(path, start: start) ? .columns : .weights
        }
        return startsAsJSON(start) || path.hasSuffix(".json") ? .json : .weights
    }

    private static func startsAsJSON(_ start: [UInt8]) -> Bool {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = start.starts(with: mark) ? start.dropFirst(mark.count) : start[...]
        let space: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        guard let first = text.first(where: { !space.contains($0) }) else { return false }
        // The length at the start of a safetensors file may begin with any byte, but has zeros in it.
        return (first == UInt8(ascii: "{") || first == UInt8(ascii: "[")) && !start.prefix(8).contains(0)
    }
}
