/// The parts read of `tokenizer_config.json`.
struct ConfigurationFile: Decodable {
    var doLowerCase: Bool?
    var stripAccents: Bool?
    var statesStripAccents = false
    var tokenizeChineseCharacters: Bool?
    var addedTokens: [Int: AddedToken]?
    var tokens = TokenMap()

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: TokenizerSettings.CodingKeys.self)
        doLowerCase = try container.decodeIfPresent(Bool.self, forKey: .doLowerCase)
        stripAccents = try container.decodeIfPresent(Bool.self, forKey: .stripAccents)
        statesStripAccents = container.contains(.stripAccents)
        tokenizeChineseCharacters =
            try container.decodeIfPresent(Bool.self, forKey: .tokenizeChineseCharacters)
        addedTokens = try container.decodeIfPresent([Int: AddedToken].self, forKey: .additionalTokens)
        tokens = try TokenMap(from: decoder)
    }
}

/// `special_tokens_map.json`, whose keys may stand in `tokenizer_config.json` as well.
struct TokenMap: Decodable {
    var unknown: AddedToken?
    var separator: AddedToken?
    var padding: AddedToken?
    var classification: AddedToken?
    var mask: AddedToken?
    /// Special tokens without a role.
    var further: [AddedToken]?

    private enum CodingKeys: String, CodingKey {
        case unknown = "unk_token"
        case separator = "sep_token"
        case padding = "pad_token"
        case classification = "cls_token"
        case mask = "mask_token"
        case further = "additional_special_tokens"
        case extra = "extra_special_tokens"
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        unknown = try container.decodeIfPresent(AddedToken.self, forKey: .unknown)
        separator = try container.decodeIfPresent(AddedToken.self, forKey: .separator)
        padding = try container.decodeIfPresent(AddedToken.self, forKey: .padding)
        classification = try container.decodeIfPresent(AddedToken.self, forKey: .classification)
        mask = try container.decodeIfPresent(AddedToken.self, forKey: .mask)
        // Newer files name their extra tokens in an object, older ones list them.
        if let listed = try? container.decodeIfPresent([AddedToken].self, forKey: .extra) {
            further = listed
        } else if let named = try? container.decodeIfPresent([String: AddedToken].self, forKey: .extra) {
            further = named.sorted { $0.key < $1.key }.map(\.value)
        }
        if further?.isEmpty ?? true {
            further = try container.decodeIfPresent([AddedToken].self, forKey: .further)
        }
    }
}

/// The parts read of `tokenizer.json`; its vocabulary is left alone.
struct SerializedTokenizer: Decodable {
    struct Normalizer: Decodable {
        var type: String?
        var lowercase: Bool?
        var stripAccents: Bool?
        var handleChineseCharacters: Bool?
        var normalizers: [Normalizer]?

        private enum CodingKeys: String, CodingKey {
            case type
            case lowercase
            case stripAccents = "strip_accents"
            case handleChineseCharacters = "handle_chinese_chars"
            case normalizers
        }

        /// The BERT normaliser, alone or in a sequence.
        var bert: Normalizer? {
            type == "BertNormalizer" ? self : normalizers?.lazy.compactMap(\.bert).first
        }
    }

    var normalizer: Normalizer?
    var addedTokens: [IdentifiedToken]?

    private enum CodingKeys: String, CodingKey {
        case normalizer
        case addedTokens = "added_tokens"
    }
}

/// An element of the `added_tokens` of `tokenizer.json`.
struct IdentifiedToken: Decodable {
    let id: Int?
    let token: AddedToken

    private enum CodingKeys: String, CodingKey {
        case id
    }

    init(from decoder: any Decoder) throws {
        token = try AddedToken(from: decoder)
        id = try? decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .id)
    }
}
