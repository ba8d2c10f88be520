/// What makes numbers in the model, by what it makes, in the order of forward.
package enum Operation: Int, Sendable, CaseIterable {
    case embeddingSum
    case embeddings
    case projection
    case queryKeyValue
    case context
    case attentionSum
    case attentionOutput
    case intermediate
    case activation
    case outputSum
    case output
    case startLogits
    case endLogits

    /// As a user reads it.
    package var name: String {
        switch self {
        case .embeddingSum: "sum of embeddings"
        case .embeddings: "embeddings LayerNorm"
        case .projection: "embeddings projection"
        case .queryKeyValue: "query, key, value"
        case .context: "attention"
        case .attentionSum: "attention dense + residual"
        case .attentionOutput: "attention LayerNorm"
        case .intermediate: "intermediate dense"
        case .activation: "activation"
        case .outputSum: "output dense + residual"
        case .output: "output LayerNorm"
        case .startLogits: "start logits"
        case .endLogits: "end logits"
        }
    }
}

/// What an operation has made of a micro-batch, or the gradient of that. Lives as long as the call that shows it.
package struct IntermediateResult {
    package let operation: Operation
    /// Nil for embeddings and span head.
    package let layer: Int?
    package let isGradient: Bool
    /// `[tokens, width]`.
    package let values: UnsafePointer<Float>
    package let tokens: Int
    package let width: Int
    /// `[tokens]`: each token's feature as a position in the global batch.
    package let features: UnsafePointer<UInt32>
}
