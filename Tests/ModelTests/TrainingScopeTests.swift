import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// What freezing and computing again must not change, and what they must.
@Suite struct TrainingScopeTests {
    @Test(arguments: ["bert", "electra", "roberta"], [1, 2, 5])
    func computingLayersAgainChangesNoBit(kind: String, layers: Int) throws {
        let scope = TrainingScope(recomputesLayers: true)
        let kept = try DeepModel(kind, layers: layers).step()
        let again = try DeepModel(kind, layers: layers).step(scope)
        #expect(kept.loss == again.loss)
        #expect(kept.gradients.elementsEqual(again.gradients))
        #expect(kept.gradients.contains { $0 != 0 })
    }

    @Test(arguments: [false, true], [0, 1, 3, 4])
    func whatIsFrozenHasNoGradientAndTheRestHasItsOwn(embeddings: Bool, layers: Int) throws {
        for (kind, recomputes) in [("bert", false), ("bert", true), ("electra", false)] {
            let deep = try DeepModel(kind, layers: 4)
            let scope = TrainingScope(
                freezesEmbeddings: embeddings, frozenLayers: layers, recomputesLayers: recomputes)
            let all = deep.step()
            let some = deep.step(scope)
            #expect(all.loss == some.loss)
            for parameter in deep.layout.parameters {
                let (expected, actual) = (all.gradients[parameter.range], some.gradients[parameter.range])
                if scope.trains(parameter.part) {
                    #expect(actual.elementsEqual(expected), "\(parameter.name)")
                } else {
                    #expect(actual.allSatisfy { $0 == 0 }, "\(parameter.name)")
                }
            }
            let isFrozen = deep.layout.parameters.map { !scope.trains($0.part) }
            #expect(isFrozen.contains(true) == (embeddings || layers > 0))
            #expect(isFrozen.last == false)
        }
    }

    @Test func trainedElementsAreThoseOfTheirTensors() throws {
        let layout = try DeepModel("bert", layers: 3).layout
        let scope = TrainingScope(freezesEmbeddings: false, frozenLayers: 2)
        let expected = Set(layout.parameters.filter { scope.trains($0.part) }.flatMap { Array($0.range) })
        let ranges = layout.trained(in: scope)
        #expect(Set(ranges.joined()) == expected)
        #expect(ranges.count == 2)
        #expect(layout.trained(in: TrainingScope()) == [0..<layout.count])
    }

    @Test(arguments: [TrainingScope(), TrainingScope(freezesEmbeddings: true, frozenLayers: 2)])
    func backwardTellsOfEveryGradient(scope: TrainingScope) throws {
        var places: [Int] = []
        let deep = try DeepModel("bert", layers: 3)
        _ = deep.step(scope, watch: BackwardWatch(isFinal: { places.append($0) }, isBetweenKernels: {}))
        #expect(places == places.sorted(by: >))
        #expect(places.last == 0)
    }

    /// Of 12 layers of 768 with 1,024 tokens: ten twelfths of what layers keep are computed again.
    @Test func computingAgainTakesAFractionOfTheMemory() throws {
        let base = try DeepModel.configuration("bert", layers: 12, hidden: 768, heads: 12)
        func bytes(_ scope: TrainingScope) -> Int {
            SpanModel.activationBytes(
                base, BatchCapacity(tokens: 1024, sequenceLength: 384), threads: 1, .training, scope)
        }
        let all = bytes(TrainingScope())
        #expect(bytes(TrainingScope(recomputesLayers: true)) * 3 < all)
        #expect(bytes(TrainingScope(freezesEmbeddings: true, frozenLayers: 6)) * 10 < all * 7)
        #expect(bytes(TrainingScope(frozenLayers: 6)) <= all + (1 << 16))
    }
}

/// A model of random weights with as many layers as a test wants, and a few sequences.
private struct DeepModel {
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    private let parameters: FloatBuffer
    private let inputs: [InputSequence]

    init(_ kind: String, layers: Int) throws {
        configuration = try Self.configuration(kind, layers: layers, hidden: 32, heads: 4)
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
