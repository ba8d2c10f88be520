/// Fault of a value in a JSON file, in words of our own: those of `DecodingError` are Foundation's, and not
/// for users.
struct RecordProblem: Error {
    let codingPath: [any CodingKey]
    let reason: String
    var remedy = "correct this record"
}

extension RecordProblem {
    static func korquad2(_ codingPath: [any CodingKey]) -> RecordProblem {
        RecordProblem(
            codingPath: codingPath,
            reason: "KorQuAD 2, whose contexts are whole HTML pages, is not supported",
            remedy: "give KorQuAD 1.0 or another dataset of plain paragraphs")
    }

    /// Translates what Foundation could not decode, where the JSON itself is whole.
    init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(let type, let context):
            self.init(codingPath: context.codingPath, reason: "not \(Self.name(of: type))")
        case .valueNotFound(let type, let context):
            self.init(codingPath: context.codingPath, reason: "null instead of \(Self.name(of: type))")
        case .keyNotFound(let key, let context):
            self.init(
                codingPath: context.codingPath, reason: "the key \"\(key.stringValue)\" is missing")
        case .dataCorrupted(let context):
            // All that Foundation does not take of what RFC 8259 allows.
            self.init(
                codingPath: context.codingPath,
                reason: "a number too large to be read, or lists nested too deeply")
        @unknown default: self.init(codingPath: [], reason: "not understood")
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is Bool.Type: "true or false"
        case is [Any].Type: "a list"
        case is [String: Any].Type: "an object"
        default: "a list or object"
        }
    }

    /// The place of the value, as `data[3].paragraphs[0].qas[1].answers[0].answer_start`.
    var place: String {
        codingPath.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
    }
}
