/// A strict parser for the one JSON document a safetensors header may be. Written by hand because a general
/// decoder silently merges duplicate names and accepts fractions for offsets.
struct SafetensorsHeaderParser {
    /// One tensor as the header states it; nothing is checked but that the numbers are not negative.
    struct Entry {
        var name: String
        var type: String
        var shape: [Int]
        var begin: Int
        var end: Int
    }

    struct Content {
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
    }

    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private var position = 0

    /// `bytes` must stay valid while the parser is used.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        self.bytes = bytes
        self.path = path
        guard String(validating: bytes, as: UTF8.self) != nil else { throw fail("the header is not UTF-8") }
    }

    mutating func parse() throws -> Content {
        guard bytes.first == UInt8(ascii: "{") else { throw fail("the header does not start with {") }
        var content = Content()
        var names: Set<String> = []
        try parseObject { parser, name in
            // Swift compares by canonical equivalence: names that differ only so are refused as well.
            guard names.insert(name).inserted else { throw parser.fail("is named twice", item: name) }
            if name == "__metadata__" {
                content.metadata = try parser.parseMetadata()
            } else {
                content.entries.append(try parser.parseEntry(name))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw fail("the header goes on after its end") }
        return content
    }

    private mutating func parseMetadata() throws -> [String: String] {
        var metadata: [String: String] = [:]
        if acceptNull() { return metadata }
        try parseObject { parser, key in
            let value = try parser.parseString()
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw parser.fail("is named twice", item: "__metadata__.\(key)")
            }
        }
        return metadata
    }

    private mutating func parseEntry(_ name: String) throws -> Entry {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try parseObject { parser, key in
            switch key {
            case "dtype" where type == nil: type = try parser.parseString()
            case "shape" where shape == nil: shape = try parser.parseIntegers(of: "shape", tensor: name)
            case "data_offsets" where offsets == nil:
                offsets = try parser.parseIntegers(of: "data_offsets", tensor: name)
            default: throw parser.fail("has the unexpected or repeated key \(key)", item: name)
            }
        }
        guard let type else { throw fail("has no dtype", item: name) }
        guard let shape else { throw fail("has no shape", item: name) }
        guard let offsets, offsets.count == 2 else { throw fail("has no pair of data_offsets", item: name) }
        return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
    }

    /// Calls `member` at each value of an object, with its key.
    private mutating func parseObject(
        _ member: (inout SafetensorsHeaderParser, String) throws -> Void
    ) throws {
        try expect("{")
        if accept("}") { return }
        repeat {
            let key = try parseString()
            try expect(":")
            try member(&self, key)
        } while accept(",")
        try expect("}")
    }

    private mutating func parseIntegers(of key: String, tensor: String) throws -> [Int] {
        var values: [Int] = []
        try expect("[")
        if accept("]") { return values }
        repeat {
            skipSpace()
            if peek == UInt8(ascii: "-") { throw fail("has a negative number in \(key)", item: tensor) }
            guard let value = parseDigits() else {
                throw fail("has something other than whole numbers in \(key)", item: tensor)
            }
            values.append(value)
        } while accept(",")
        try expect("]")
        return values
    }

    /// A number without sign, fraction, exponent or leading zero that fits in `Int`.
    private mutating func parseDigits() -> Int? {
        let start = position
        var value = 0
        while let digit = peek, digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") {
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowedSum) = shifted.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            if overflowed || overflowedSum { return nil }
            value = sum
            position += 1
        }
        let length = position - start
        if length == 0 || (length > 1 && bytes[start] == UInt8(ascii: "0")) { return nil }
        return value
    }

    private mutating func parseString() throws -> String {
        try expect("\"")
        var content: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\\"): content += try parseEscape()
            case 0..<0x20: throw fail("the header has a control character in a text")
            default: content.append(byte)
            }
        }
        throw fail("the header ends within a text")
    }

    private mutating func parseEscape() throws -> [UInt8] {
        let escape = peek
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [escape ?? 0]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "u"): return Array(String(try parseUnicodeEscape()).utf8)
        default: throw fail("the header has a malformed escape")
        }
    }

    private mutating func parseUnicodeEscape() throws -> Unicode.Scalar {
        let first = try parseHex()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), peek == UInt8(ascii: "\\") else {
            throw fail("the header has a lone surrogate")
        }
        position += 1
        guard peek == UInt8(ascii: "u") else { throw fail("the header has a lone surrogate") }
        position += 1
        let second = try parseHex()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fail("the header has a lone surrogate") }
        return scalar
    }

    private mutating func parseHex() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fail("the header has a malformed escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func acceptNull() -> Bool {
        skipSpace()
        let null = Array("null".utf8)
        guard bytes[position...].starts(with: null) else { return false }
        position += null.count
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard accept(character) else { throw fail("the header lacks \(character) at byte \(position)") }
    }

    private func fail(_ what: String, item: String? = nil) -> CheckpointError {
        .badData(what, path: path, item: item)
    }
}
