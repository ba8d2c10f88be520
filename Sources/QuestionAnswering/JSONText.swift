/// A JSON value whose objects keep the order in which their members were given, so that the same value is
/// always the same bytes.
///
/// Written out, text is UTF-8 without needless escapes, a `number` is the shortest decimal that reads back
/// as the same `Double`, a `float` the shortest that reads back as the same `Float`. JSON has no form for
/// NaN and the infinities: they are written as `null`, so that a line of a log stays readable by any program
/// at the very moment something went wrong.
package indirect enum JSONValue: Sendable {
    case object([(String, JSONValue)])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    case number(Double)
    case float(Float)
    case boolean(Bool)
    case null

    /// One line without spaces or a line end, as a line of `metrics.jsonl` needs it.
    package var compact: String {
        var writer = JSONWriter(indentation: nil)
        writer.write(self, depth: 0)
        return writer.text
    }

    /// One member a line, indented by four spaces a level, without a line end after the last brace; a list of numbers
    /// stays on its line.
    package var indented: String {
        var writer = JSONWriter(indentation: 4)
        writer.write(self, depth: 0)
        return writer.text
    }
}

extension JSONValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .integer, .number, .float: true
        default: false
        }
    }
}

extension JSONValue: Equatable {
    /// Members of objects in the same order, texts of the same code points.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.object(let left), .object(let right)):
            left.count == right.count
                && zip(left, right).allSatisfy { isSameText($0.0, $1.0) && $0.1 == $1.1 }
        case (.array(let left), .array(let right)): left == right
        case (.string(let left), .string(let right)): isSameText(left, right)
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.float(let left), .float(let right)): left == right
        case (.boolean(let left), .boolean(let right)): left == right
        case (.null, .null): true
        default: false
        }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    package init(dictionaryLiteral members: (String, JSONValue)...) { self = .object(members) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(nilLiteral: ()) { self = .null }
}

/// Appends values to a buffer of UTF-8.
private struct JSONWriter {
    /// Spaces a level, or nil for one line.
    let indentation: Int?
    private var bytes: [UInt8] = []

    init(indentation: Int?) { self.indentation = indentation }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func write(_ value: JSONValue, depth: Int) {
        switch value {
        case .object(let members):
            writeList(members, open: "{", close: "}", depth: depth) { writer, member in
                writer.writeString(member.0)
                writer.append(writer.indentation == nil ? ":" : ": ")
                writer.write(member.1, depth: depth + 1)
            }
        case .array(let elements) where indentation != nil && elements.allSatisfy(\.isNumber):
            append("[\(elements.map(\.compact).joined(separator: ", "))]")
        case .array(let elements):
            writeList(elements, open: "[", close: "]", depth: depth) { $0.write($1, depth: depth + 1) }
        case .string(let text): writeString(text)
        case .integer(let value): append(String(value))
        case .number(let value): append(value.isFinite ? value.description : "null")
        case .float(let value): append(value.isFinite ? value.description : "null")
        case .boolean(let value): append(value ? "true" : "false")
        case .null: append("null")
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func writeList<Element>(
        _ elements: [Element], open: String, close: String, depth: Int,
        writeElement: (inout JSONWriter, Element) -> Void
    ) {
        append(open)
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            startLine(depth: depth + 1)
            writeElement(&self, element)
        }
        if !elements.isEmpty { startLine(depth: depth) }
        append(close)
    }

    private mutating func startLine(depth: Int) {
        guard let indentation else { return }
        append("\n")
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation * depth))
    }

    private mutating func writeString(_ text: String) {
        append("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: bytes.append(byte)
            }
        }
        append("\"")
    }
}
