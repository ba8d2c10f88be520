import Kernels
import Model
import TestSupport
import Testing

/// Loss, logits, hidden states and gradients against PyTorch in double precision, and what must not change them.
@Suite struct SpanModelTests {
    private struct Expected: Decodable {
        let loss: Double
    }

    private struct ExpectedFile: Decodable {
        let gelu: Expected
        let geluNew: Expected
        let relu: Expected
        let startLogits: [[Float]]
        let endLogits: [[Float]]
        let zeroGradients: [String]

        enum CodingKeys: String, CodingKey {
            case gelu, relu
            case geluNew = "gelu_new"
            case startLogits = "start_logits"
            case endLogits = "end_logits"
            case zeroGradients = "zero_gradients"
        }

        func loss(_ activation: Activation) -> Double {
            switch activation {
            case .gelu: gelu.loss
            case .geluNew: geluNew.loss
            case .relu: relu.loss
            }
        }
    }

    private static let expected = Result {
        try fixture("model/tiny/expected.json", as: ExpectedFile.self)
    }

    @Test func logitsEqualPyTorchs() throws {
        let tiny = try TinyModel()
        let model = tiny.model()
        let batch = PackedBatch(tiny.inputs, for: tiny.configuration)
        model.forward(batch, dropout: nil)
        let expected = try Self.expected.get()
        for sequence in 0..<batch.sequences {
            let range = batch.range(sequence)
            for (place, token) in range.enumerated() {
                #expect(abs(model.logits.start[token] - expected.startLogits[sequence][place]) < 2e-5)
                #expect(abs(model.logits.end[token] - expected.endLogits[sequence][place]) < 2e-5)
            }
        }
    }

    @Test func hiddenStatesEqualPyTorchs() throws {
        let tiny = try TinyModel()
        let model = tiny.model()
        let batch = PackedBatch(tiny.inputs, for: tiny.configuration)
        model.forward(batch, dropout: nil)
        let tensors = try TinyModel.tensors("model/tiny/hidden_states.safetensors")
        #expect(tensors.count == batch.sequences)
        for (name, values) in tensors {
            let sequence = try #require(Int(name.filter(\.isNumber)))
            let range = batch.range(sequence)
            let width = tiny.configuration.hiddenSize
            let actual = UnsafeBufferPointer(
                start: model.lastHidden + range.lowerBound * width, count: range.count * width)
            #expect(relativeDifference(actual, values) < 1e-5, "\(name)")
        }
    }

    @Test(arguments: [Activation.gelu, .geluNew, .relu])
    func lossAndEveryGradientEqualPyTorchs(activation: Activation) throws {
        let tiny = try TinyModel(activation: activation)
        let (loss, gradients) = Self.step(tiny, tiny.model(), dropout: nil, cuts: [0..<tiny.inputs.count])
        let mean = loss.total / Double(loss.features)
        let expected = try Self.expected.get().loss(activation)
        let zero = try Self.expected.get().zeroGradients
        #expect(abs(mean - expected) / expected < 1e-5)
        let tensors = try TinyModel.tensors("model/tiny/gradients_\(activation.rawValue).safetensors")
        #expect(tensors.count == tiny.layout.parameters.count)
        for parameter in tiny.layout.parameters {
            let values = try #require(tensors[parameter.name])
            let actual = gradients.buffer[parameter.range]
            if zero.contains(parameter.name) {
                // Softmax does not change when all of a row does: these gradients are zero but for rounding.
                #expect(actual.allSatisfy { abs($0) < 1e-5 })
            } else {
                #expect(relativeDifference(actual, values) < 1e-5, "\(parameter.name)")
            }
        }
    }

    @Test func microBatchesAddUpToTheWholeBatch() throws {
        let tiny = try TinyModel()
        let whole = Self.step(tiny, tiny.model(), dropout: Self.dropout, cuts: [0..<7])
        let parts = Self.step(tiny, tiny.model(), dropout: Self.dropout, cuts: [0..<2, 2..<3, 3..<7])
        #expect(abs(whole.loss.total - parts.loss.total) < 1e-5 * whole.loss.total)
        #expect(relativeDifference(parts.gradients.buffer, whole.gradients.buffer) < 1e-5)
    }

    @Test func orderInTheMicroBatchDoesNotMatter() throws {
        let tiny = try TinyModel()
        let reversed = TinyModel(copying: tiny, inputs: tiny.inputs.reversed())
        let first = Self.step(tiny, tiny.model(), dropout: Self.dropout, cuts: [0..<7])
        let second = Self.step(reversed, reversed.model(), dropout: Self.dropout, cuts: [0..<7])
        #expect(abs(first.loss.total - second.loss.total) < 1e-5 * first.loss.total)
        #expect(relativeDifference(second.gradients.buffer, first.gradients.buffer) < 1e-5)
    }

    @Test(arguments: [2, 3]) func threadsDoNotChangeABit(threads: Int) throws {
        let tiny = try TinyModel()
        let one = Self.step(tiny, tiny.model(), dropout: Self.dropout, cuts: [0..<7])
        let more = Self.step(tiny, tiny.model(threads: threads), dropout: Self.dropout, cuts: [0..<7])
        #expect(one.loss == more.loss)
        #expect(one.gradients.buffer.elementsEqual(more.gradients.buffer))
    }

    @Test func dropoutChangesWithStepAndSeed() throws {
        let tiny = try TinyModel()
        func loss(seed: UInt64, step: Int) -> Double {
            let dropout = DropoutSettings(
                stream: DropoutStream(seed: seed, step: step), hiddenProbability: 0.1,
                attentionProbability: 0.1)
            return Self.step(tiny, tiny.model(), dropout: dropout, cuts: [0..<7]).loss.total
        }
        #expect(loss(seed: 1, step: 0) == loss(seed: 1, step: 0))
        #expect(loss(seed: 1, step: 0) != loss(seed: 1, step: 1))
        #expect(loss(seed: 1, step: 0) != loss(seed: 2, step: 0))
    }

    @Test func paddingTokenStandingInATextGetsNoGradientAsInTorch() throws {
        let tiny = try TinyModel()
        let padding = InputSequence(
            wordIDs: [2, 7, 0, 9, 3], tokenTypeIDs: [0, 0, 0, 1, 1], label: SpanLabel(start: 1, end: 2),
            position: 0)
        let padded = TinyModel(copying: tiny, inputs: [padding])
        let (_, gradients) = Self.step(padded, padded.model(), dropout: nil, cuts: [0..<1])
        let width = tiny.configuration.hiddenSize
        let rows = try #require(tiny.layout["bert.embeddings.word_embeddings.weight"]).offset
        #expect(gradients.buffer[rows..<rows + width].allSatisfy { $0 == 0 })
        #expect(gradients.buffer[rows + 7 * width..<rows + 8 * width].contains { $0 != 0 })
    }

    private static let dropout = DropoutSettings(
        stream: DropoutStream(seed: 42, step: 3), hiddenProbability: 0.1, attentionProbability: 0.2)

    /// Loss and gradient of all inputs, in the given micro-batches.
    private static func step(
        _ tiny: TinyModel, _ model: SpanModel, dropout: DropoutSettings?, cuts: [Range<Int>]
    ) -> (loss: SpanLoss, gradients: FloatBuffer) {
        let gradients = FloatBuffer(count: tiny.layout.count)
        var loss = SpanLoss()
        for cut in cuts {
            let batch = PackedBatch(Array(tiny.inputs[cut]), for: tiny.configuration)
            model.forward(batch, dropout: dropout)
            loss += model.loss(batch, weight: 1 / Float(tiny.inputs.count))
            model.backward(batch, dropout: dropout, into: gradients)
        }
        return (loss, gradients)
    }
}

extension TinyModel {
    init(copying other: TinyModel, inputs: [InputSequence]) {
        configuration = other.configuration
        layout = other.layout
        parameters = other.parameters
        self.inputs = inputs
    }
}
