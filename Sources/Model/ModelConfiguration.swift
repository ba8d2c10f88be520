import Foundation

/// The activation between the two dense layers of a block, by its name in `config.json`.
package enum Activation: String, Sendable, Codable {
    /// x · Φ(x) by the error function.
    case gelu
    /// The tanh approximation of GPT-2.
    case geluNew = "gelu_new"
    case relu
}

/// The architecture a `config.json` names.
package enum ModelType: String, Sendable, Codable, CaseIterable {
    case bert
    case electra
    case roberta

    /// What the names of its classes in transformers begin with, as `Electra` of `ElectraForQuestionAnswering`.
    package var className: String { rawValue.capitalized }
}

/// The part of a Hugging Face `config.json` that decides what is computed.
package struct ModelConfiguration: Sendable, Codable, Equatable {
    package var modelType: ModelType
    package var vocabularySize: Int
    /// Width of the embedding tables: `hiddenSize`, but for ELECTRA.
    package var embeddingSize: Int
    package var hiddenSize: Int
    package var layerCount: Int
    package var headCount: Int
    package var intermediateSize: Int
    package var activation: Activation
    package var hiddenDropout: Float
    package var attentionDropout: Float
    package var maxPositions: Int
    package var tokenTypeCount: Int
    package var initializerRange: Float
    package var layerNormEpsilon: Float
    package var padTokenID: Int

    enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case vocabularySize = "vocab_size"
        case embeddingSize = "embedding_size"
        case hiddenSize = "hidden_size"
        case layerCount = "num_hidden_layers"
        case headCount = "num_attention_heads"
        case intermediateSize = "intermediate_size"
        case activation = "hidden_act"
        case hiddenDropout = "hidden_dropout_prob"
        case attentionDropout = "attention_probs_dropout_prob"
        case maxPositions = "max_position_embeddings"
        case tokenTypeCount = "type_vocab_size"
        case initializerRange = "initializer_range"
        case layerNormEpsilon = "layer_norm_eps"
        case padTokenID = "pad_token_id"
    }

    /// Whether the second of two texts has rows of its own in the table of token types.
    package var usesTokenTypes: Bool { modelType != .roberta && tokenTypeCount > 1 }

    /// Width of one attention head.
    package var headSize: Int { hiddenSize / headCount }

    /// Whether a dense layer stands between embeddings and encoder.
    package var projectsEmbeddings: Bool { embeddingSize != hiddenSize }

    /// The row of the position table that is kept for padding and learns nothing: RoBERTa counts positions from the
    /// row after it.
    package var paddingPosition: Int? { modelType == .roberta ? padTokenID : nil }

    /// Tokens of the longest sequence that there are positions for.
    package var maxSequenceLength: Int { maxPositions - (paddingPosition.map { $0 + 1 } ?? 0) }
}
