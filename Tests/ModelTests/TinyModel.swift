import Checkpoints
import Foundation
import Kernels
import Model
import TestSupport

/// The two-layer model of `Tests/Fixtures/model/tiny` and its batch.
struct TinyModel {
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    let parameters: FloatBuffer
    let inputs: [InputSequence]

    init(activation: Activation = .gelu) throws {
        let folder = Paths.fixtures.appending(path: "model/tiny")
        var configuration = try ModelConfiguration(
            json: Data(contentsOf: folder.appending(path: "config.json")))
        configuration.activation = activation
        self.configuration = configuration
        layout = ParameterLayout(configuration)
        parameters = FloatBuffer(count: layout.count)
        let weights = try Self.tensors("model/tiny/model.safetensors")
        for parameter in layout.parameters {
            guard let values = weights[parameter.name] else { throw MissingTensor(name: parameter.name) }
            for (index, value) in values.enumerated() { parameters.pointer[parameter.offset + index] = value }
        }
        inputs = try fixture("model/tiny/batch.json", as: BatchFixture.self).features.enumerated().map {
            $1.input(position: UInt32($0))
        }
    }

    func model(threads: Int = 1, capacity: BatchCapacity? = nil) -> SpanModel {
        let tokens = inputs.reduce(0) { $0 + $1.wordIDs.count }
        let longest = inputs.map(\.wordIDs.count).max() ?? 0
        return SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: capacity ?? BatchCapacity(tokens: tokens, sequenceLength: longest),
            pool: WorkerPool(threadCount: threads))
    }

    /// All tensors of a safetensors file, by name.
    static func tensors(_ path: String) throws -> [String: [Float]] {
        try tensors(at: Paths.fixtures.appending(path: path))
    }

    static func tensors(at url: URL) throws -> [String: [Float]] {
        let file = try SafetensorsFile(path: url.path(percentEncoded: false))
        var result: [String: [Float]] = [:]
        for tensor in file.header.tensors {
            var values = [Float](repeating: 0, count: tensor.count)
            try values.withUnsafeMutableBufferPointer { try file.read(tensor, into: $0) }
            result[tensor.name] = values
        }
        return result
    }
}

struct MissingTensor: Error {
    let name: String
}

struct BatchFixture: Decodable {
    let features: [FeatureFixture]
}

struct FeatureFixture: Decodable {
    let inputIDs: [Int32]
    let tokenTypeIDs: [Int32]
    let start: Int
    let end: Int

    enum CodingKeys: String, CodingKey {
        case inputIDs = "input_ids"
        case tokenTypeIDs = "token_type_ids"
        case start = "start_position"
        case end = "end_position"
    }

    func input(position: UInt32) -> InputSequence {
        InputSequence(
            wordIDs: inputIDs, tokenTypeIDs: tokenTypeIDs, label: SpanLabel(start: start, end: end),
            position: position)
    }
}
