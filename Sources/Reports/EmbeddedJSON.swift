import Foundation
import QuestionAnswering

extension JSONValue {
    /// As the content of a `script` element: nothing in it can end the element or begin a comment, and no line
    /// separator stands where an older reader of scripts would not have it.
    var embedded: String {
        var bytes: [UInt8] = []
        let source = Array(compact.utf8)
        bytes.reserveCapacity(source.count)
        var index = 0
        while index < source.count {
            switch source[index] {
            // All of these stand in texts only, where escapes may stand.
            case UInt8(ascii: "<"): bytes += Array(#"\u003c"#.utf8)
            case UInt8(ascii: ">"): bytes += Array(#"\u003e"#.utf8)
            case UInt8(ascii: "&"): bytes += Array(#"\u0026"#.utf8)
            case 0x7F: bytes += Array(#"\u007f"#.utf8)
            case 0xE2 where source[index...].starts(with: [0xE2, 0x80, 0xA8]):
                bytes += Array(#"\u2028"#.utf8)
                index += 2
            case 0xE2 where source[index...].starts(with: [0xE2, 0x80, 0xA9]):
                bytes += Array(#"\u2029"#.utf8)
                index += 2
            case let byte: bytes.append(byte)
            }
            index += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// With six digits, which is more than a curve shows.
    static func rounded(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        let rounded = Double(String(format: "%.6g", value)) ?? value
        return Int(exactly: rounded).map(JSONValue.integer) ?? .number(rounded)
    }
}
