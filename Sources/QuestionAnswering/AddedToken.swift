/// A token that is sought in the text before words are split, as `tokenizers` has it.
package struct AddedToken: Sendable, Equatable {
    package var content: String
    /// Only where no word character stands directly before or after.
    package var singleWord: Bool
    /// Takes the white space before it into its offsets.
    package var stripsLeft: Bool
    /// Takes the white space after it into its offsets.
    package var stripsRight: Bool
    /// Sought in the normalised text instead of the original.
    package var normalized: Bool
    package var special: Bool

    /// A special token such as `[CLS]`, sought in the original text.
    package init(_ content: String) {
        self.content = content
        singleWord = false
        stripsLeft = false
        stripsRight = false
        normalized = false
        special = true
    }

    func hasContent(of other: AddedToken) -> Bool { content.utf8.elementsEqual(other.content.utf8) }

    /// Whether the content alone says everything.
    private var isPlain: Bool { self == AddedToken(content) }

    package static func == (left: AddedToken, right: AddedToken) -> Bool {
        left.content.utf8.elementsEqual(right.content.utf8) && left.singleWord == right.singleWord
            && left.stripsLeft == right.stripsLeft && left.stripsRight == right.stripsRight
            && left.normalized == right.normalized && left.special == right.special
    }
}

extension AddedToken: Codable {
    enum CodingKeys: String, CodingKey {
        case type = "__type"
        case content
        case singleWord = "single_word"
        case stripsLeft = "lstrip"
        case stripsRight = "rstrip"
        case normalized
        case special
    }

    /// A string, or an object as `tokenizers` writes it.
    package init(from decoder: any Decoder) throws {
        if let content = try? decoder.singleValueContainer().decode(String.self) {
            self.init(content)
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.decode(String.self, forKey: .content))
        singleWord = try container.decodeIfPresent(Bool.self, forKey: .singleWord) ?? false
        stripsLeft = try container.decodeIfPresent(Bool.self, forKey: .stripsLeft) ?? false
        stripsRight = try container.decodeIfPresent(Bool.self, forKey: .stripsRight) ?? false
        special = try container.decodeIfPresent(Bool.self, forKey: .special) ?? true
        normalized = try container.decodeIfPresent(Bool.self, forKey: .normalized) ?? !special
    }

    package func encode(to encoder: any Encoder) throws {
        if isPlain {
            var container = encoder.singleValueContainer()
            try container.encode(content)
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("AddedToken", forKey: .type)
        try encodeMembers(to: &container)
    }

    fileprivate func encodeMembers(to container: inout KeyedEncodingContainer<CodingKeys>) throws {
        try container.encode(content, forKey: .content)
        try container.encode(singleWord, forKey: .singleWord)
        try container.encode(stripsLeft, forKey: .stripsLeft)
        try container.encode(stripsRight, forKey: .stripsRight)
        try container.encode(normalized, forKey: .normalized)
        try container.encode(special, forKey: .special)
    }
}

/// An added token where only the object form is understood: inside `added_tokens_decoder`.
struct AddedTokenObject: Codable {
    let token: AddedToken

    init(_ token: AddedToken) { self.token = token }

    init(from decoder: any Decoder) throws { token = try AddedToken(from: decoder) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AddedToken.CodingKeys.self)
        try token.encodeMembers(to: &container)
    }
}
