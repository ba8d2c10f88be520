import Foundation

/// How text is normalised and which tokens are special: the tokenizer's part of a model folder.
///
/// Encodes to the keys of Hugging Face's `tokenizer_config.json`, which `BertTokenizerFast.from_pretrained` reads
/// to the same effect.
package struct TokenizerSettings: Sendable, Equatable {
    package var doLowerCase = true
    /// Unset: as `doLowerCase`.
    package var stripAccents: Bool?
    /// Whether every CJK ideograph is a word of its own.
    package var tokenizeChineseCharacters = true
    package var unknownToken = AddedToken("[UNK]")
    package var separatorToken = AddedToken("[SEP]")
    package var paddingToken = AddedToken("[PAD]")
    package var classificationToken = AddedToken("[CLS]")
    package var maskToken = AddedToken("[MASK]")
    /// Further tokens sought in the text before words are split, by their id, which may lie beyond the vocabulary.
    package var additionalTokens: [Int: AddedToken] = [:]

    package init(doLowerCase: Bool = true, stripAccents: Bool? = nil, tokenizeChineseCharacters: Bool = true)
    {
        self.doLowerCase = doLowerCase
        self.stripAccents = stripAccents
        self.tokenizeChineseCharacters = tokenizeChineseCharacters
    }

    /// Whether accents go, `stripAccents` being resolved.
    package var stripsAccents: Bool { stripAccents ?? doLowerCase }

    /// The tokens with a role.
    package var namedTokens: [AddedToken] {
        [unknownToken, separatorToken, paddingToken, classificationToken, maskToken]
    }

    /// All tokens sought in the text.
    package var soughtTokens: [AddedToken] {
        namedTokens + additionalTokens.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The id of an added token that the vocabulary need not have.
    func additionalID(of token: AddedToken) -> Int32? {
        additionalTokens.first { $0.value.hasContent(of: token) }.flatMap { Int32(exactly: $0.key) }
    }
}

extension TokenizerSettings: Codable {
    enum CodingKeys: String, CodingKey {
        case tokenizerClass = "tokenizer_class"
        case doLowerCase = "do_lower_case"
        case stripAccents = "strip_accents"
        case tokenizeChineseCharacters = "tokenize_chinese_chars"
        case unknownToken = "unk_token"
        case separatorToken = "sep_token"
        case paddingToken = "pad_token"
        case classificationToken = "cls_token"
        case maskToken = "mask_token"
        case additionalTokens = "added_tokens_decoder"
    }

    /// Keys that are absent keep their defaults.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        doLowerCase = try container.decodeIfPresent(Bool.self, forKey: .doLowerCase) ?? doLowerCase
        stripAccents = try container.decodeIfPresent(Bool.self, forKey: .stripAccents)
        tokenizeChineseCharacters =
            try container.decodeIfPresent(Bool.self, forKey: .tokenizeChineseCharacters)
            ?? tokenizeChineseCharacters
        func token(_ key: CodingKeys, _ standard: AddedToken) throws -> AddedToken {
            try container.decodeIfPresent(AddedToken.self, forKey: key) ?? standard
        }
        unknownToken = try token(.unknownToken, unknownToken)
        separatorToken = try token(.separatorToken, separatorToken)
        paddingToken = try token(.paddingToken, paddingToken)
        classificationToken = try token(.classificationToken, classificationToken)
        maskToken = try token(.maskToken, maskToken)
        additionalTokens =
            try container.decodeIfPresent([Int: AddedTokenObject].self, forKey: .additionalTokens)?
            .mapValues(\.token) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("BertTokenizer", forKey: .tokenizerClass)
        try container.encode(doLowerCase, forKey: .doLowerCase)
        // `null` says "as do_lower_case", so it is written.
        try container.encode(stripAccents, forKey: .stripAccents)
        try container.encode(tokenizeChineseCharacters, forKey: .tokenizeChineseCharacters)
        try container.encode(unknownToken, forKey: .unknownToken)
        try container.encode(separatorToken, forKey: .separatorToken)
        try container.encode(paddingToken, forKey: .paddingToken)
        try container.encode(classificationToken, forKey: .classificationToken)
        try container.encode(maskToken, forKey: .maskToken)
        if !additionalTokens.isEmpty {
            try container.encode(additionalTokens.mapValues(AddedTokenObject.init), forKey: .additionalTokens)
        }
    }
}

extension TokenizerSettings {
    /// Reads back what `json()` wrote, as from the attribute of a checkpoint.
    ///
    /// - Throws: `TextError.malformedSettings`, naming `source`.
    package init(json: some Sequence<UInt8>, source: String) throws {
        do {
            self = try JSONDecoder().decode(TokenizerSettings.self, fromText: json)
        } catch {
            throw TextError.malformedSettings(path: source, reason: TokenizerFiles.reason(of: error))
        }
    }

    /// The content of a `tokenizer_config.json`.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
