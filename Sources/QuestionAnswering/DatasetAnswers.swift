import Foundation

/// The answers of a question in any of their forms: a list of objects, one object, an object of lists, or texts whose
/// starts stand beside them in the question.
struct AnswerList {
    let answers: [AnswerEntry]

    /// - starts: the key of the question under which the starts of bare texts stand.
    init<Key>(_ container: KeyedDecodingContainer<Key>, forKey key: Key, starts: Key) throws {
        if let text = try? container.decode(String.self, forKey: key) {
            let start = try container.decode(AnswerOffset.self, forKey: starts).value
            answers = [AnswerEntry(text: text, start: start)]
        } else if let texts = try? container.decode([String].self, forKey: key) {
            answers = texts.isEmpty ? [] : try Self.pairs(container, texts: key, starts: starts)
        } else if (try? container.nestedUnkeyedContainer(forKey: key)) != nil {
            answers = try container.decode([AnswerEntry].self, forKey: key)
        } else if !Self.isSingle(in: container, forKey: key) {
            let lists = try container.nestedContainer(keyedBy: AnswerEntry.Keys.self, forKey: key)
            answers = try Self.pairs(lists, texts: .text, starts: .start)
        } else {
            answers = [try container.decode(AnswerEntry.self, forKey: key)]
        }
    }

    /// Whether there is one object instead of a list.
    static func isSingle<Key>(in container: KeyedDecodingContainer<Key>, forKey key: Key) -> Bool {
        let object = try? container.nestedContainer(keyedBy: AnswerEntry.Keys.self, forKey: key)
        guard let object else { return false }
        // As rows of the datasets hub have them: texts and starts side by side.
        return (try? object.nestedUnkeyedContainer(forKey: .text)) == nil
    }

    private static func pairs<Key>(
        _ container: KeyedDecodingContainer<Key>, texts textKey: Key, starts startKey: Key
    ) throws -> [AnswerEntry] {
        let texts = try container.decode([String].self, forKey: textKey)
        let starts = try container.decode([AnswerOffset].self, forKey: startKey)
        guard texts.count == starts.count else {
            throw RecordProblem(
                codingPath: container.codingPath + [startKey],
                reason: "\(texts.count) texts, but \(starts.count) offsets")
        }
        return zip(texts, starts).map { AnswerEntry(text: $0, start: $1.value) }
    }
}

struct AnswerEntry: Decodable {
    let text: String
    let start: Int

    enum Keys: String, CodingKey {
        case text
        case start = "answer_start"
        case htmlStart = "html_answer_start"
    }

    init(text: String, start: Int) {
        self.text = text
        self.start = start
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        if container.contains(.htmlStart) { throw RecordProblem.korquad2(decoder.codingPath) }
        text = try container.decode(String.self, forKey: .text)
        start = try container.decode(AnswerOffset.self, forKey: .start).value
    }
}

/// A whole number, also when written as `3.0` or `"3"`. Whether it lies in the context shows later.
private struct AnswerOffset: Decodable {
    let value: Int

    /// What a `Double` holds exactly; sums with lengths of texts stay far from overflow.
    private static let limit = Double(1 << 53)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number: Double
        if let text = try? container.decode(String.self) {
            guard let value = Double(text.trimmingCharacters(in: .whitespaces)) else {
                throw Self.error("\"\(text)\"", in: container)
            }
            number = value
        } else {
            // Foundation reports a fraction read as Int without saying where it stands.
            number = try container.decode(Double.self)
        }
        guard let value = Int(exactly: number), abs(number) <= Self.limit else {
            throw Self.error("\(number)", in: container)
        }
        self.value = value
    }

    private static func error(
        _ found: String, in container: any SingleValueDecodingContainer
    ) -> RecordProblem {
        RecordProblem(codingPath: container.codingPath, reason: "\(found) is not an offset")
    }
}

/// A text, or a number, true or false as its text.
package struct FlexibleText: Decodable, Sendable {
    package let text: String
    /// The value as it was given.
    package let json: JSONValue

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            (self.text, json) = (text, .string(text))
        } else if let flag = try? container.decode(Bool.self) {
            (text, json) = ("\(flag)", .boolean(flag))
        } else if let number = try? container.decode(Int.self) {
            (text, json) = ("\(number)", .integer(number))
        } else if let number = try? container.decode(Decimal.self) {
            // Larger numbers, and fractions; a Double that would be another number is given back as text.
            text = "\(number)"
            json = Double(text).flatMap { "\($0)" == "\(number)" ? .number($0) : nil } ?? .string(text)
        } else {
            throw RecordProblem(codingPath: container.codingPath, reason: "neither a text nor a number")
        }
    }
}

/// True or false, also when written as 1 or 0, or as a text.
struct FlexibleFlag: Decodable {
    let value: Bool?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = nil
        } else if let flag = try? container.decode(Bool.self) {
            value = flag
        } else if let flag = (try? FlexibleText(from: decoder).text).flatMap(Self.flag) {
            value = flag
        } else {
            throw RecordProblem(codingPath: container.codingPath, reason: "neither true nor false")
        }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1": true
        case "false", "0": false
        default: nil
        }
    }
}
