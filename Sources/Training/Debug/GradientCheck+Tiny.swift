import Kernels
import Model
import QuestionAnswering

extension GradientCheck {
    /// A check of the kernels on a small random model, without data: for a look at a machine or a build.
    package static func ofTinyModel(
        _ type: ModelType, _ activation: Activation, pool: WorkerPool
    ) throws -> GradientCheckResult? {
        let configuration = try tinyConfiguration(type, activation)
        let layout = ParameterLayout(configuration)
        let parameters = FloatBuffer(count: layout.count)
        initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 42)
        roughen(parameters, layout)
        let sequence = tinySequence(configuration)
        let model = SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(
                tokens: sequence.wordIDs.count, sequenceLength: sequence.wordIDs.count), pool: pool)
        return GradientCheck(model).run(sequence)
    }

    /// ELECTRA has narrower embeddings, as its small models.
    private static func tinyConfiguration(
        _ type: ModelType, _ activation: Activation
    ) throws -> ModelConfiguration {
        let members: [(String, JSONValue)] = [
            ("model_type", .string(type.rawValue)), ("hidden_act", .string(activation.rawValue)),
            ("vocab_size", 64), ("embedding_size", .integer(type == .electra ? 16 : 32)),
            ("hidden_size", 32), ("num_hidden_layers", 3), ("num_attention_heads", 4),
            ("intermediate_size", 64), ("max_position_embeddings", 40),
            ("type_vocab_size", .integer(type == .roberta ? 1 : 2)), ("initializer_range", 0.2),
            ("pad_token_id", .integer(type == .roberta ? 1 : 0)),
        ]
        return try ModelConfiguration(json: JSONValue.object(members).compact.utf8)
    }

    /// Biases of 0 and scales of 1 would hide mistakes.
    private static func roughen(_ parameters: FloatBuffer, _ layout: ParameterLayout) {
        for parameter in layout.parameters where parameter.shape.count == 1 {
            for index in parameter.range {
                parameters.pointer[index] += Float(Nudge.hash(index) % 1001) / 2500 - 0.2
            }
        }
    }

    /// Two texts of different lengths, with words that stand twice.
    private static func tinySequence(_ configuration: ModelConfiguration) -> InputSequence {
        let words = (0..<21).map { Int32(5 + (3 * $0 * $0) % 17) }
        return InputSequence(
            wordIDs: [2] + words[..<6] + [3] + words[6...] + [3],
            tokenTypeIDs: (0..<24).map { $0 < 8 ? 0 : 1 }, label: SpanLabel(start: 10, end: 12), position: 0)
    }
}
