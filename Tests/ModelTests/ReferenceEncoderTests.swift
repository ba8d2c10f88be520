import Checkpoints
import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// The encoder against transformers on a real pretrained model, which is too large to commit:
/// `Tests/Compare/minilm_encoder.py` prepares a folder, which DURE_REFERENCE_ENCODER names.
@Suite struct ReferenceEncoderTests {
    private static let folder = ProcessInfo.processInfo.environment["DURE_REFERENCE_ENCODER"]

    private struct Reference: Decodable {
        let sequences: [Entry]

        struct Entry: Decodable {
            let name: String
            let inputIDs: [Int32]
            let tokenTypeIDs: [Int32]

            enum CodingKeys: String, CodingKey {
                case name
                case inputIDs = "input_ids"
                case tokenTypeIDs = "token_type_ids"
            }
        }
    }

    @Test(.enabled(if: folder != nil, "DURE_REFERENCE_ENCODER names no reference folder"))
    func hiddenStatesOfAPretrainedModelEqualTransformers() throws {
        let folder = try #require(Self.folder)
        let reference = try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: URL(filePath: "\(folder)/reference.json")))
        let expected = try SafetensorsFile(path: "\(folder)/reference.safetensors")
        let opened = try ModelFolder(path: "\(folder)/model")
        let layout = ParameterLayout(opened.configuration)
        let parameters = FloatBuffer(count: layout.count)
        _ = try opened.loadWeights(layout: layout, into: parameters.buffer)
        let inputs = reference.sequences.map {
            InputSequence(wordIDs: $0.inputIDs, tokenTypeIDs: $0.tokenTypeIDs, label: nil, position: 0)
        }
        let batch = PackedBatch(inputs, for: opened.configuration)
        let longest = inputs.map(\.wordIDs.count).max() ?? 0
        let model = SpanModel(
            configuration: opened.configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(tokens: batch.tokens, sequenceLength: longest),
            pool: WorkerPool(threadCount: 1))
        model.forward(batch, dropout: nil)
        var largest: Float = 0
        for (index, entry) in reference.sequences.enumerated() {
            let tensor = try #require(expected.header.tensors.first { $0.name == entry.name })
            var values = [Float](repeating: 0, count: tensor.count)
            try values.withUnsafeMutableBufferPointer { try expected.read(tensor, into: $0) }
            let base = model.lastHidden + batch.range(index).lowerBound * opened.configuration.hiddenSize
            for element in values.indices { largest = max(largest, abs(values[element] - base[element])) }
        }
        print("largest difference to transformers: \(largest)")
        #expect(largest < 1e-4)
    }
}
