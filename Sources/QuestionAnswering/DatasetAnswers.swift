import Foundation

/// The answers of a question in any of their forms: a list of objects, one object, an object of lists, or null.
struct AnswerList: Decodable {
    /// Nil for null.
    let answers: [AnswerEntry]?
    /// Whether there was one object instead of a list.
    let isSingle: Bool

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            (answers, isSingle) = (nil, false)
        } else if (try? decoder.unkeyedContainer()) != nil {
            (answers, isSingle) = (try value.decode([AnswerEntry].self), false)
        } else if let lists = try AnswerLists(from: decoder).answers {
            (answers, isSingle) = (lists, false)
        } else {
            (answers, isSingle) = ([try value.decode(AnswerEntry.self)], true)
        }
    }
}

/// As rows of the datasets hub have them: texts and starts side by side.
private struct AnswerLists: Decodable {
    /// Nil when the object is no such thing.
    let answers: [AnswerEntry]?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnswerEntry.Keys.self)
        guard (try? container.nestedUnkeyedContainer(forKey: .text)) != nil else {
            answers = nil
            return
        }
        let texts = try container.decode([String].self, forKey: .text)
        let starts = try container.decode([AnswerOffset].self, forKey: .start)
        guard texts.count == starts.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .start, in: container,
                debugDescription: "\(texts.count) texts, but \(starts.count) offsets")
        }
        answers = zip(texts, starts).map { AnswerEntry(text: $0, start: $1.value) }
    }
}

struct AnswerEntry: Decodable {
    let text: String
    let start: Int

    enum Keys: String, CodingKey {
        case text
        case start = "answer_start"
    }

    init(text: String, start: Int) {
        self.text = text
        self.start = start
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
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
    ) -> DecodingError {
        .dataCorruptedError(in: container, debugDescription: "\(found) is not an offset")
    }
}

/// A text, or a number as its text.
struct FlexibleText: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.text = text
        } else if let number = try? container.decode(Int.self) {
            text = "\(number)"
        } else {
            // Larger numbers, and fractions.
            text = try "\(container.decode(Decimal.self))"
        }
    }
}

/// True or false, also when written as 1 or 0.
struct FlexibleFlag: Decodable {
    let value: Bool?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = nil
        } else if let number = try? container.decode(Int.self), number == 0 || number == 1 {
            value = number == 1
        } else {
            value = try container.decode(Bool.self)
        }
    }
}
