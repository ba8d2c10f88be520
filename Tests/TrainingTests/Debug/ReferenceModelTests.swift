import Checkpoints
import Foundation
import Kernels
import Model
import TestSupport
import Testing

@testable import Training

/// The reference that gradients are checked against, itself against PyTorch in double precision.
@Suite struct ReferenceModelTests {
    private struct Expected: Decodable {
        let loss: Double?
        let gelu: Loss?
        let geluNew: Loss?
        let relu: Loss?
        let startLogits: [[Double]]
        let endLogits: [[Double]]
        let features: [TrainingReference.Item]?

        struct Loss: Decodable { let loss: Double }

        enum CodingKeys: String, CodingKey {
            case loss, gelu, relu, features
            case geluNew = "gelu_new"
            case startLogits = "start_logits"
            case endLogits = "end_logits"
        }
    }

    private struct Batch: Decodable { let features: [TrainingReference.Item] }

    @Test(arguments: ["electra", "electra-projected", "electra-narrowed", "roberta"])
    func logitsAndLossOfEveryArchitectureArePyTorchs(name: String) throws {
        let folder = "model/architectures/\(name)"
        let expected = try fixture("\(folder)/expected.json", as: Expected.self)
        let items = try #require(expected.features)
        let loss = try Self.expectLogits(expected, items, try Self.model(folder))
        #expect(abs(loss - (try #require(expected.loss))) < 1e-6)
    }

    @Test(arguments: [Activation.gelu, .geluNew, .relu])
    func lossWithEveryActivationIsPyTorchs(activation: Activation) throws {
        let expected = try fixture("model/tiny/expected.json", as: Expected.self)
        let items = try fixture("model/tiny/batch.json", as: Batch.self).features
        let model = try Self.model("model/tiny", activation)
        let loss = try Self.expectLogits(activation == .gelu ? expected : nil, items, model)
        let known = [Activation.gelu: expected.gelu, .geluNew: expected.geluNew, .relu: expected.relu]
        let right = try #require(known[activation]??.loss)
        #expect(abs(loss - right) < 1e-6, "\(loss), not \(right)")
    }

    /// - Returns: the mean loss.
    private static func expectLogits(
        _ expected: Expected?, _ items: [TrainingReference.Item], _ model: SpanModel
    ) throws -> Double {
        var total = 0.0
        for (index, item) in items.enumerated() {
            let input = MemoryFeatures([item]).sequence(0, position: 0)
            let reference = try #require(ReferenceModel(model, input))
            let logits = reference.logits(reference.inputs())
            total += reference.loss(logits[...])
            guard let expected else { continue }
            for token in 0..<reference.tokens {
                #expect(abs(logits[2 * token] - expected.startLogits[index][token]) < 1e-6)
                #expect(abs(logits[2 * token + 1] - expected.endLogits[index][token]) < 1e-6)
            }
        }
        return total / Double(items.count)
    }

    private static func model(_ path: String, _ activation: Activation = .gelu) throws -> SpanModel {
        let url = Paths.fixtures.appending(path: path)
        var configuration = try ModelConfiguration(
            json: Data(contentsOf: url.appending(path: "config.json")))
        configuration.activation = activation
        let layout = ParameterLayout(configuration)
        let parameters = FloatBuffer(count: layout.count)
        let weights = try SafetensorsFile(path: url.appending(path: "model.safetensors").path())
        _ = try weights.loadWeights(layout: layout, into: parameters.buffer)
        return SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(tokens: 1, sequenceLength: 1), pool: WorkerPool(threadCount: 1))
    }
}
