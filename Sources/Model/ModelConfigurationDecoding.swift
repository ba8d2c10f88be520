import Foundation

/// A model description that cannot be used. Whoever read it adds the file's path.
package struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key of `config.json`; `nil` when the document as a whole is wrong.
    package let key: String?
    /// One clause that holds the wrong value.
    package let what: String
    package let remedy: String

    package init(key: String?, what: String, remedy: String) {
        self.key = key
        self.what = what
        self.remedy = remedy
    }

    package var description: String { "\(what) (\(key ?? "config.json")): \(remedy)" }
}

extension ModelConfiguration {
    /// Reads and checks the text of a `config.json`. Keys that are absent or null have the defaults of
    /// transformers' `BertConfig`, `ElectraConfig` or `RobertaConfig`, except that either `model_type` or
    /// `architectures` must say which. Throws `ModelError`.
    package init(json: some Sequence<UInt8>) throws {
        let document: ConfigurationDocument
        do {
            // Foundation traps when lists are nested too deeply and the last byte opens one: another one follows.
            document = try JSONDecoder().decode(ConfigurationDocument.self, from: Data(json) + [0x0A])
        } catch {
            throw ModelError(
                key: nil, what: "is not a JSON object", remedy: "use the config.json of a Hugging Face model")
        }
        modelType = try document.modelType()
        let defaults = ConfigurationDefaults(modelType)
        try document.refuseVariants()
        vocabularySize = try document.size("vocab_size", default: defaults.vocabularySize)
        hiddenSize = try document.size("hidden_size", default: defaults.hiddenSize)
        // BERT and RoBERTa models may have the key, and it means nothing there.
        embeddingSize =
            try defaults.embeddingSize.map { try document.size("embedding_size", default: $0) } ?? hiddenSize
        layerCount = try document.size("num_hidden_layers", default: 12, atMost: 10_000)
        headCount = try document.size("num_attention_heads", default: defaults.headCount)
        intermediateSize = try document.size("intermediate_size", default: defaults.intermediateSize)
        activation = try document.activation()
        hiddenDropout = try document.probability("hidden_dropout_prob", default: 0.1)
        attentionDropout = try document.probability("attention_probs_dropout_prob", default: 0.1)
        maxPositions = try document.size("max_position_embeddings", default: 512)
        tokenTypeCount = try document.size("type_vocab_size", default: 2)
        initializerRange = try document.positive("initializer_range", default: 0.02)
        layerNormEpsilon = try document.positive("layer_norm_eps", default: 1e-12)
        padTokenID = try document.whole("pad_token_id", default: defaults.padTokenID)
        try checkTogether()
    }

    /// What can only be judged from several keys.
    private func checkTogether() throws {
        guard hiddenSize % headCount == 0 else {
            throw ModelError(
                key: "hidden_size",
                what: "\(hiddenSize) is not a multiple of num_attention_heads \(headCount)",
                remedy: "correct one of the two")
        }
        guard (0..<vocabularySize).contains(padTokenID) else {
            throw ModelError(
                key: "pad_token_id", what: "\(padTokenID) is not an id below vocab_size \(vocabularySize)",
                remedy: "correct it")
        }
        guard maxSequenceLength > 0 else {
            throw ModelError(
                key: "max_position_embeddings",
                what: "\(maxPositions) leaves no position after that of pad_token_id \(padTokenID)",
                remedy: "correct one of the two")
        }
        // Doubles cannot overflow here; a parameter more or less does not matter to the bound.
        let (hidden, intermediate) = (Double(hiddenSize), Double(intermediateSize))
        let rows = Double(vocabularySize) + Double(maxPositions) + Double(tokenTypeCount) + hidden
        let layer = 4 * hidden * hidden + 2 * hidden * intermediate
        let total = rows * Double(embeddingSize) + Double(layerCount) * layer
        guard total < Self.maximumParameters else {
            throw ModelError(
                key: "hidden_size", what: "the sizes make a model of about \(total) parameters",
                remedy: "correct the sizes, of which one must be wrong")
        }
    }

    /// No encoder comes near; more could not be held in memory anyway.
    private static let maximumParameters = 1e11
}

/// What transformers takes for keys that a `config.json` does not have, where it differs between models.
private struct ConfigurationDefaults {
    var vocabularySize = 30522
    var hiddenSize = 768
    /// `nil` where the model has no such key.
    var embeddingSize: Int?
    var headCount = 12
    var intermediateSize = 3072
    var padTokenID = 0

    init(_ model: ModelType) {
        switch model {
        case .bert: break
        case .electra:
            (embeddingSize, hiddenSize, headCount, intermediateSize) = (128, 256, 4, 1024)
        case .roberta:
            (vocabularySize, padTokenID) = (50265, 1)
        }
    }
}

/// The members of a `config.json` as they stand there.
private struct ConfigurationDocument: Decodable {
    private let members: [String: ConfigurationValue]

    init(from decoder: any Decoder) throws {
        members = try decoder.singleValueContainer().decode([String: ConfigurationValue].self)
    }

    /// The value under `key` unless absent or null.
    private subscript(key: String) -> ConfigurationValue? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    func modelType() throws -> ModelType {
        if let value = self["model_type"] {
            guard case .text(let name) = value, let type = ModelType(rawValue: name) else {
                throw wrong("model_type", value, "is not a model this program knows", Self.known)
            }
            return type
        }
        let architectures = self["architectures"]
        guard case .list(let names) = architectures, case .text(let name) = names.first else {
            throw ModelError(
                key: "model_type", what: "neither model_type nor architectures says what the model is",
                remedy: "use the config.json of a Hugging Face model, or add \"model_type\": \"bert\", "
                    + "\"electra\" or \"roberta\"")
        }
        guard let type = ModelType.allCases.first(where: { name.hasPrefix($0.className) }) else {
            throw wrong("architectures", .text(name), "is not a model this program knows", Self.known)
        }
        return type
    }

    private static let known = "use a BERT, ELECTRA or RoBERTa model"

    /// Variants of the models that change what is computed and are not offered here.
    func refuseVariants() throws {
        if let value = self["position_embedding_type"], value != .text("absolute") {
            throw wrong(
                "position_embedding_type", value, "is not supported", "use a model with absolute positions")
        }
        for key in ["is_decoder", "add_cross_attention"] {
            if let value = self[key], value != .flag(false) {
                throw wrong(key, value, "is not supported", "use an encoder model")
            }
        }
    }

    func activation() throws -> Activation {
        guard let value = self["hidden_act"] else { return .gelu }
        guard case .text(let name) = value, let activation = Activation(rawValue: name) else {
            throw wrong(
                "hidden_act", value, "is not one of gelu, gelu_new, relu", "use a model with one of these")
        }
        return activation
    }

    /// A whole number.
    func whole(_ key: String, default fallback: Int) throws -> Int {
        guard let value = self[key] else { return fallback }
        guard case .number(let number) = value, let whole = Int(exactly: number) else {
            throw wrong(key, value, "is not a whole number", "correct it")
        }
        return whole
    }

    /// A positive whole number that token ids and positions, 32 bits wide, can count to.
    func size(_ key: String, default fallback: Int, atMost limit: Int = Int(Int32.max)) throws -> Int {
        let size = try whole(key, default: fallback)
        guard (1...limit).contains(size) else {
            throw ModelError(key: key, what: "\(size) is not between 1 and \(limit)", remedy: "correct it")
        }
        return size
    }

    /// A number in 0..<1.
    func probability(_ key: String, default fallback: Float) throws -> Float {
        let value = try number(key, default: fallback)
        guard value >= 0, value < 1 else {
            throw ModelError(key: key, what: "\(value) is not at least 0 and below 1", remedy: "correct it")
        }
        return value
    }

    /// A number above zero that a `Float` can hold.
    func positive(_ key: String, default fallback: Float) throws -> Float {
        let value = try number(key, default: fallback)
        guard value > 0, value.isFinite else {
            throw ModelError(key: key, what: "\(value) is not a positive number", remedy: "correct it")
        }
        return value
    }

    private func number(_ key: String, default fallback: Float) throws -> Float {
        guard let value = self[key] else { return fallback }
        guard case .number(let number) = value else {
            throw wrong(key, value, "is not a number", "correct it")
        }
        return Float(number)
    }

    private func wrong(
        _ key: String, _ value: ConfigurationValue, _ what: String, _ remedy: String
    ) -> ModelError {
        ModelError(key: key, what: "\(value) \(what)", remedy: remedy)
    }
}

/// Any JSON value, so that a message can show the wrong one.
private enum ConfigurationValue: Decodable, Equatable, CustomStringConvertible {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([ConfigurationValue])
    case object

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([ConfigurationValue].self) {
            self = .list(list)
        } else {
            self = .object
        }
    }

    var description: String {
        switch self {
        case .null: "null"
        case .flag(let flag): "\(flag)"
        case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
        case .text(let text): "\"\(text)\""
        case .list(let list): "[\(list.map(\.description).joined(separator: ", "))]"
        case .object: "{…}"
        }
    }
}
