import Foundation

/// A JSON value, to read and write in tests.
enum JSON: Equatable, Sendable {
    case object([String: JSON])
    case list([JSON])
    case text(String)
    case number(Double)
    case boolean(Bool)
    case null

    init(_ bytes: some Sequence<UInt8>) throws {
        self = try JSONDecoder().decode(JSON.self, from: Data(bytes))
    }

    init(contentsOf path: String) throws { try self.init(Data(contentsOf: URL(filePath: path))) }

    subscript(key: String) -> JSON? {
        members[key]
    }

    var members: [String: JSON] {
        if case .object(let members) = self { members } else { [:] }
    }

    var list: [JSON] {
        if case .list(let elements) = self { elements } else { [] }
    }

    var number: Double? {
        if case .number(let value) = self { value } else { nil }
    }

    var text: String {
        if case .text(let text) = self { return text }
        guard let data = try? JSONEncoder().encode(self) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension JSON: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .object(let members): try container.encode(members)
        case .list(let elements): try container.encode(elements)
        case .text(let text): try container.encode(text)
        case .number(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .null: try container.encodeNil()
        }
    }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }

    init(arrayLiteral elements: JSON...) { self = .list(elements) }

    init(stringLiteral value: String) { self = .text(value) }
}

extension JSON: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    init(floatLiteral value: Double) { self = .number(value) }

    init(integerLiteral value: Int) { self = .number(Double(value)) }

    init(booleanLiteral value: Bool) { self = .boolean(value) }
}
