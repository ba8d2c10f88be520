import Foundation
import Model

/// The text of a `config.json`, in which only what has to differ is changed.
package enum ConfigurationText {
    /// `text`, a valid `config.json`, as that of the class for question answering of `model`: `architectures` and
    /// `model_type` say so, and all else stands as it stood.
    package static func forQuestionAnswering(_ text: String, model: ModelType) -> String {
        let architecture = "\(model.className)ForQuestionAnswering"
        var bytes = Array(text.utf8)
        set("model_type", to: model.rawValue, written: "\"\(model.rawValue)\"", in: &bytes)
        set("architectures", to: [architecture], written: "[\"\(architecture)\"]", in: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Makes `key` have `value`, in place or at the beginning.
    private static func set<Value: Decodable & Equatable>(
        _ key: String, to value: Value, written: String, in bytes: inout [UInt8]
    ) {
        let members = members(of: bytes).filter { $0.key.elementsEqual(key.utf8) }
        for member in members.reversed() {
            let found = try? JSONDecoder().decode(Value.self, from: Data(bytes[member.value]))
            if found != value { bytes.replaceSubrange(member.value, with: written.utf8) }
        }
        guard members.isEmpty, let brace = bytes.firstIndex(of: UInt8(ascii: "{")) else { return }
        let comma = Self.members(of: bytes).isEmpty ? "" : ","
        bytes.insert(contentsOf: "\n  \"\(key)\": \(written)\(comma)".utf8, at: brace + 1)
    }

    private struct Member {
        let key: ArraySlice<UInt8>
        /// Where its value stands.
        var value: Range<Int>
    }

    /// The members of the outermost object of `bytes`, which are JSON.
    private static func members(of bytes: [UInt8]) -> [Member] {
        var members: [Member] = []
        var depth = 0
        var position = 0
        var text: Range<Int>?
        while position < bytes.count {
            let start = position
            position += 1
            switch bytes[start] {
            case UInt8(ascii: "\""):
                position = endOfText(bytes, start)
                if depth == 1 { text = start..<position }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 1 { close(&members, before: start, in: bytes) }
                depth -= 1
            case UInt8(ascii: ","):
                if depth == 1 { close(&members, before: start, in: bytes) }
            case UInt8(ascii: ":"):
                guard depth == 1, let key = text, key.count >= 2 else { continue }
                members.append(
                    Member(key: bytes[key.lowerBound + 1..<key.upperBound - 1], value: position..<position))
            default: break
            }
        }
        return members
    }

    /// The value of the last member ends before `end`.
    private static func close(_ members: inout [Member], before end: Int, in bytes: [UInt8]) {
        guard let member = members.last, member.value.isEmpty else { return }
        let isSpace = { (byte: UInt8) in byte <= 0x20 }
        let value = bytes[member.value.lowerBound..<end]
        guard let first = value.firstIndex(where: { !isSpace($0) }),
            let last = value.lastIndex(where: { !isSpace($0) })
        else { return }
        members[members.count - 1].value = first..<last + 1
    }

    /// Behind the text that begins with the quotation mark at `start`.
    private static func endOfText(_ bytes: [UInt8], _ start: Int) -> Int {
        var position = start + 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, bytes.count)
    }
}
