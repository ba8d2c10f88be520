import Foundation
import Kernels
import Model

/// A model of random weights with as many layers as a test wants, and a few sequences.
struct DeepModel {
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    let parameters: FloatBuffer
    let inputs: [InputSequence]

    init(_ kind: String, layers: Int, hidden: Int = 32, heads: Int = 4) throws {
        configuration = try Self.configuration(kind, layers: layers, hidden: hidden, heads: heads)
        layout = ParameterLayout(configuration)
        parameters = FloatBuffer(count: layout.count)
        initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 7)
        inputs = [9, 4, 17, 1].enumerated().map { index, length in
            InputSequence(
                wordIDs: (0..<length).map { Int32(2 + ($0 * 7 + index * 11) % 60) },
                tokenTypeIDs: (0..<length).map { _ in 0 },
                label: SpanLabel(start: length / 3, end: length / 2), position: UInt32(index))
        }
    }

    static func configuration(
        _ kind: String, layers: Int, hidden: Int, heads: Int
    ) throws -> ModelConfiguration {
        let narrow = kind == "electra" ? hidden / 2 : hidden
        let json = """
            {"model_type": "\(kind)", "vocab_size": 64, "hidden_size": \(hidden), "embedding_size": \(narrow),
            "num_hidden_layers": \(layers), "num_attention_heads": \(heads), "intermediate_size": \(4 * hidden),
            "max_position_embeddings": 512, "type_vocab_size": \(kind == "roberta" ? 1 : 2),
            "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": \(kind == "roberta" ? 1 : 0)}
            """
        return try ModelConfiguration(json: Data(json.utf8))
    }

    /// Loss and gradient with dropout.
    func step(
        _ scope: TrainingScope = TrainingScope(), watch: BackwardWatch? = nil
    ) -> (loss: SpanLoss, gradients: [Float]) {
        let model = SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(tokens: 40, sequenceLength: 20), pool: WorkerPool(threadCount: 2),
            scope: scope)
        let dropout = DropoutSettings(
            stream: DropoutStream(seed: 1, step: 2), hiddenProbability: 0.1, attentionProbability: 0.1)
        let gradients = FloatBuffer(count: layout.count)
        let batch = PackedBatch(inputs, for: configuration)
        model.forward(batch, dropout: dropout)
        let loss = model.loss(batch, weight: 0.25)
        model.backward(batch, dropout: dropout, into: gradients, watch: watch)
        return (loss, Array(gradients.buffer))
    }
}
