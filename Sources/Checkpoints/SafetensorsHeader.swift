/// One tensor of a safetensors file.
package struct SafetensorsTensor: Sendable, Equatable {
    package let name: String
    package let type: ElementType
    package let shape: [Int]
    /// Its bytes, counted from the start of the file.
    package let range: Range<Int>

    package var count: Int { shape.reduce(1, *) }
}

/// The header of a safetensors file, checked against the file's size: every tensor's bytes lie in the file,
/// fit its shape and type, and together cover the rest of the file without hole or overlap, as the reference
/// implementation demands.
package struct SafetensorsHeader: Sendable, Equatable {
    /// In the order of the header.
    package let tensors: [SafetensorsTensor]
    /// The texts under `__metadata__`.
    package let metadata: [String: String]

    /// The reference implementation's bound on the header's length.
    package static let maximumLength = 100_000_000

    /// Reads the header at the start of `bytes`, which is the whole file; `path` is for messages.
    package init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        let length = try Self.headerLength(bytes, path: path)
        let header = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + length])
        var parser = try SafetensorsHeaderParser(header, path: path)
        let content = try parser.parse()
        metadata = content.metadata
        let dataCount = bytes.count - 8 - length
        tensors = try content.entries.map {
            try Self.check($0, dataStart: 8 + length, dataCount: dataCount, path: path)
        }
        try Self.checkCoverage(tensors, data: 8 + length..<bytes.count, path: path)
    }

    private static func headerLength(_ bytes: UnsafeRawBufferPointer, path: String) throws -> Int {
        guard bytes.count >= 8 else {
            throw CheckpointError.badData(
                "holds \(bytes.count) bytes, too few for a safetensors file", path: path)
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumLength) else {
            throw CheckpointError.badData(
                "claims a header of \(length) bytes, more than the \(maximumLength) allowed", path: path)
        }
        guard Int(length) <= bytes.count - 8 else {
            throw CheckpointError.badData(
                "is cut off in its header, \(bytes.count - 8) of \(length) bytes are there", path: path)
        }
        return Int(length)
    }

    private static func check(
        _ entry: SafetensorsHeaderParser.Entry, dataStart: Int, dataCount: Int, path: String
    ) throws -> SafetensorsTensor {
        func fail(_ what: String) -> CheckpointError { .badData(what, path: path, item: entry.name) }
        guard let type = ElementType(rawValue: entry.type) else {
            throw fail("has the unknown type \(entry.type)")
        }
        var bits = type.bitsPerElement
        for dimension in entry.shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: dimension)
            if overflow { throw fail("has the impossible shape \(entry.shape)") }
            bits = product
        }
        guard entry.begin <= entry.end else {
            throw fail("ends at byte \(entry.end), before its start at \(entry.begin)")
        }
        guard entry.end <= dataCount else {
            throw fail("ends at byte \(entry.end) of the data, which has \(dataCount): cut off or damaged")
        }
        guard bits % 8 == 0, bits / 8 == entry.end - entry.begin else {
            throw fail(
                "has \(entry.end - entry.begin) bytes where shape \(entry.shape) of \(type.rawValue) takes \(bits / 8)"
            )
        }
        return SafetensorsTensor(
            name: entry.name, type: type, shape: entry.shape,
            range: dataStart + entry.begin..<dataStart + entry.end)
    }

    private static func checkCoverage(_ tensors: [SafetensorsTensor], data: Range<Int>, path: String) throws {
        var position = data.lowerBound
        let ordered = tensors.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        for tensor in ordered {
            if tensor.range.lowerBound < position {
                throw CheckpointError.badData("overlaps the tensor before it", path: path, item: tensor.name)
            }
            if tensor.range.lowerBound > position {
                throw CheckpointError.badData(
                    "leaves a hole of \(tensor.range.lowerBound - position) bytes before it", path: path,
                    item: tensor.name)
            }
            position = tensor.range.upperBound
        }
        guard position == data.upperBound else {
            throw CheckpointError.badData(
                "holds \(data.upperBound - position) bytes that belong to no tensor", path: path)
        }
    }
}
