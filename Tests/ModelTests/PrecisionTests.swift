import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// The model with products of bfloat16, beside itself with singles.
@Suite struct PrecisionTests {
    private static let dropout = DropoutSettings(
        stream: DropoutStream(seed: 42, step: 3), hiddenProbability: 0.1, attentionProbability: 0.2)

    @Test(
        "losses and gradients of both precisions are close, and not the same",
        arguments: ["bert", "electra", "roberta"], [false, true])
    func gradients(_ kind: String, dropsOut: Bool) throws {
        let trial = try PrecisionTrial(kind)
        let dropout = dropsOut ? Self.dropout : nil
        let (single, brain) = (trial.step(.single, dropout), trial.step(.brain, dropout))
        #expect(abs(brain.loss.total - single.loss.total) < 0.01 * single.loss.total)
        let difference = relativeDifference(brain.gradients, single.gradients)
        #expect(difference > 1e-5 && difference < 0.02, "\(difference)")
    }

    @Test("the same bits on any number of threads, and each time")
    func threads() throws {
        let trial = try PrecisionTrial("electra")
        let first = trial.step(.brain, Self.dropout)
        for threads in [1, 3] {
            let other = trial.step(.brain, Self.dropout, threads: threads, productParts: 2)
            #expect(other.loss == first.loss && other.gradients == first.gradients)
        }
    }

    @Test("layers that are computed again make the same bits", arguments: ["bert", "electra", "roberta"])
    func recomputed(_ kind: String) throws {
        let trial = try PrecisionTrial(kind)
        let kept = trial.step(.brain, Self.dropout)
        let again = trial.step(.brain, Self.dropout, scope: TrainingScope(recomputesLayers: true))
        #expect(again.loss == kept.loss && again.gradients == kept.gradients)
    }

    @Test("frozen parts get no gradient, and the others the same")
    func frozen() throws {
        let trial = try PrecisionTrial("bert")
        let whole = trial.step(.brain, Self.dropout).gradients
        let part = trial.step(
            .brain, Self.dropout, scope: TrainingScope(freezesEmbeddings: true, frozenLayers: 1)
        ).gradients
        for parameter in trial.layout.parameters {
            let isFrozen = parameter.part == .embeddings || parameter.part == .layer(0)
            let nothing = ArraySlice<Float>(repeating: 0, count: parameter.count)
            let expected = isFrozen ? nothing : whole[parameter.range]
            #expect(part[parameter.range].elementsEqual(expected), "\(parameter.name)")
        }
    }

    @Test("inference makes the logits of a forward in training", arguments: ["bert", "electra"])
    func inference(_ kind: String) throws {
        let trial = try PrecisionTrial(kind)
        #expect(trial.logits(.brain, .inference) == trial.logits(.brain, .training))
        #expect(trial.logits(.brain, .inference) != trial.logits(.single, .inference))
    }

    @Test("weights are rounded again when they have changed")
    func updates() throws {
        let trial = try PrecisionTrial("electra")
        let weights = trial.productWeights(.brain)
        let (model, other) = (trial.model(weights), trial.model(weights))
        func logits(_ model: SpanModel, isUpdated: Bool) -> [Float] {
            model.forward(trial.batch, dropout: nil, isUpdated: isUpdated)
            return Array(UnsafeBufferPointer(start: model.logits.start, count: trial.batch.tokens))
        }
        let before = logits(model, isUpdated: true)
        let names = [
            "electra.embeddings_project.weight", "electra.encoder.layer.0.attention.self.key.weight",
            "electra.encoder.layer.1.attention.output.dense.weight",
            "electra.encoder.layer.0.intermediate.dense.weight",
            "electra.encoder.layer.1.output.dense.weight",
        ]
        for name in names {
            let range = try #require(trial.layout[name]).range
            for index in range { trial.parameters.buffer[index] *= 1.5 }
            #expect(logits(model, isUpdated: false) == before, "\(name)")
            let after = logits(model, isUpdated: true)
            #expect(after != before, "\(name)")
            // The weights are shared.
            #expect(logits(other, isUpdated: false) == after, "\(name)")
            for index in range { trial.parameters.buffer[index] /= 1.5 }
            #expect(logits(model, isUpdated: true) == before, "\(name)")
        }
    }

    @Test("bfloat16 takes less memory, even with the rounded weights beside the others")
    func memory() throws {
        let base = try ModelConfiguration(
            json: Data(
                #"""
                {"model_type": "bert", "vocab_size": 30000, "hidden_size": 768, "num_hidden_layers": 12,
                "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512}
                """#.utf8))
        let capacity = BatchCapacity(tokens: 1024, sequenceLength: 384)
        func bytes(_ precision: Precision, _ scope: TrainingScope = TrainingScope()) -> Int {
            SpanModel.activationBytes(base, capacity, threads: 1, .training, scope, precision: precision)
                + SpanModel.weightCopyBytes(base, precision)
        }
        #expect(SpanModel.weightCopyBytes(base, .single) == 0)
        #expect(SpanModel.weightCopyBytes(base, .brain) == 2 * 12 * 12 * 768 * 768)
        #expect(bytes(.brain) < bytes(.single))
    }
}

/// A two-layer model with random weights and a batch.
private struct PrecisionTrial {
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    let parameters: FloatBuffer
    let batch: PackedBatch

    init(_ kind: String) throws {
        let trial = try DeepModel(kind, layers: 2, hidden: 48, heads: 3)
        configuration = trial.configuration
        layout = trial.layout
        parameters = trial.parameters
        batch = PackedBatch(trial.inputs, for: trial.configuration)
    }

    func productWeights(_ precision: Precision) -> ProductWeights {
        ProductWeights(configuration, layout, parameters, precision)
    }

    func model(
        _ weights: ProductWeights, _ purpose: ModelPurpose = .training, threads: Int = 2,
        productParts: Int? = nil, scope: TrainingScope = TrainingScope()
    ) -> SpanModel {
        useSingleThreadedBLAS()
        return SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(tokens: 40, sequenceLength: 20),
            pool: WorkerPool(threadCount: threads, productParts: productParts), purpose: purpose,
            scope: scope, productWeights: weights)
    }

    func step(
        _ precision: Precision, _ dropout: DropoutSettings?, threads: Int = 2, productParts: Int? = nil,
        scope: TrainingScope = TrainingScope()
    ) -> (loss: SpanLoss, gradients: [Float]) {
        let model = model(
            productWeights(precision), threads: threads, productParts: productParts, scope: scope)
        let gradients = FloatBuffer(count: layout.count)
        model.forward(batch, dropout: dropout)
        let loss = model.loss(batch, weight: 0.25)
        model.backward(batch, dropout: dropout, into: gradients)
        return (loss, Array(gradients.buffer))
    }

    func logits(_ precision: Precision, _ purpose: ModelPurpose) -> [Float] {
        let model = model(productWeights(precision), purpose)
        model.forward(batch, dropout: nil)
        return [model.logits.start, model.logits.end].flatMap {
            Array(UnsafeBufferPointer(start: $0, count: batch.tokens))
        }
    }
}
