import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// ELECTRA and RoBERTa against PyTorch in double precision, one feature at a time there, all in one batch here.
@Suite struct ArchitectureTests {
    static let names = ["electra", "electra-projected", "electra-narrowed", "roberta"]

    @Test(arguments: names) func logitsLossAndEveryGradientEqualPyTorchs(_ name: String) throws {
        try expectEqual(ReferenceModel(name))
    }

    private static let folder = ProcessInfo.processInfo.environment["DURE_REFERENCE_MODELS"]

    /// Models that are too large to commit: `Tests/Compare/model_reference.py` prepares a folder.
    @Test(.enabled(if: folder != nil, "DURE_REFERENCE_MODELS names no folder of models"))
    func modelsOfFullWidthEqualPyTorchs() throws {
        let folder = URL(filePath: try #require(Self.folder))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted() {
            try expectEqual(ReferenceModel(folder: folder.appending(path: name)), reportedAs: name)
        }
    }

    private func expectEqual(_ reference: ReferenceModel, reportedAs name: String? = nil) throws {
        let model = reference.model()
        let logits = reference.largestDifferenceOfLogits(model)
        #expect(logits < 2e-5)
        let (loss, gradients) = reference.step(model, dropout: nil)
        let mean = loss.total / Double(loss.features)
        let difference = abs(mean - reference.expected.loss) / reference.expected.loss
        #expect(difference < 1e-5)
        let tensors = try TinyModel.tensors(at: reference.folder.appending(path: "gradients.safetensors"))
        #expect(tensors.count == reference.layout.parameters.count)
        var largest = 0.0
        for parameter in reference.layout.parameters {
            let values = try #require(tensors[parameter.name], "\(parameter.name)")
            let actual = gradients.buffer[parameter.range]
            if reference.expected.zeroGradients.contains(parameter.name) {
                // Softmax does not change when all of a row does: these gradients are zero but for rounding.
                #expect(actual.allSatisfy { abs($0) < 1e-5 }, "\(parameter.name)")
            } else {
                let difference = relativeDifference(actual, values)
                #expect(difference < 1e-5, "\(parameter.name)")
                largest = max(largest, difference)
            }
        }
        if let name { print("\(name): logits within \(logits), loss \(difference), gradients \(largest)") }
    }

    /// Where products overwrite, nothing of what stood there may be left.
    @Test(arguments: names) func microBatchesAddUpToTheWholeBatch(_ name: String) throws {
        let reference = try ReferenceModel(name)
        let whole = reference.step(reference.model(), dropout: Self.dropout)
        let parts = reference.step(
            reference.model(), dropout: Self.dropout, cuts: [0..<2, 2..<3, 3..<5], garbage: true)
        #expect(abs(whole.loss.total - parts.loss.total) < 1e-5 * whole.loss.total)
        #expect(relativeDifference(parts.gradients.buffer, whole.gradients.buffer) < 1e-5)
    }

    @Test(arguments: names) func threadsDoNotChangeABit(_ name: String) throws {
        let reference = try ReferenceModel(name)
        let one = reference.step(reference.model(), dropout: Self.dropout)
        let more = reference.step(reference.model(threads: 3), dropout: Self.dropout)
        #expect(one.loss == more.loss)
        #expect(one.gradients.buffer.elementsEqual(more.gradients.buffer))
    }

    /// The slope of the loss along the gradient of each tensor before the first block, with dropout on.
    @Test(arguments: names) func gradientsOfEmbeddingsEqualFiniteDifferences(_ name: String) throws {
        let reference = try ReferenceModel(name)
        let model = reference.model()
        let gradients = reference.step(model, dropout: Self.dropout).gradients
        let embeddings = reference.layout.parameters.prefix { !$0.name.contains(".encoder.") }
        #expect(embeddings.count == (reference.configuration.projectsEmbeddings ? 7 : 5))
        for parameter in embeddings {
            let gradient = gradients.buffer[parameter.range].map { Double($0) }
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let original = Array(reference.parameters.buffer[parameter.range])
            func loss(_ step: Double) -> Double {
                for (index, value) in original.enumerated() {
                    let moved = Double(value) + step * gradient[index] / norm
                    reference.parameters.buffer[parameter.offset + index] = Float(moved)
                }
                let total = reference.step(model, dropout: Self.dropout).loss.total
                return total / Double(reference.inputs.count)
            }
            // Rounding to Float leaves 1e-4 of a slope, the third derivative less than the bound.
            let distance = 5e-3
            let slope = (loss(distance) - loss(-distance)) / (2 * distance)
            _ = loss(0)
            #expect(abs(slope - norm) < 5e-3 * norm, "\(parameter.name): \(slope), not \(norm)")
        }
    }

    /// Every range is final when it is told, and the embeddings' last of all.
    @Test(arguments: names) func backwardTellsWhatIsFinal(_ name: String) throws {
        let reference = try ReferenceModel(name)
        let model = reference.model()
        let whole = reference.step(model, dropout: Self.dropout).gradients
        let batch = reference.batch(reference.inputs)
        let gradients = FloatBuffer(count: reference.layout.count)
        var told: [Int] = []
        let watch = BackwardWatch(
            isFinal: { lower in
                told.append(lower)
                #expect(gradients.buffer[lower...].elementsEqual(whole.buffer[lower...]))
            }, isBetweenKernels: {})
        model.forward(batch, dropout: Self.dropout)
        _ = model.loss(batch, weight: 1 / Float(reference.inputs.count))
        model.backward(batch, dropout: Self.dropout, into: gradients, watch: watch)
        #expect(told.last == 0)
        #expect(told == told.sorted(by: >))
        let projection = reference.layout.parameters.first { $0.name.hasSuffix("embeddings_project.weight") }
        if let projection { #expect(told.contains(projection.offset)) }
    }

    /// Nothing is read before it was asked for.
    @Test(arguments: names) func forwardAsksBeforeItReads(_ name: String) throws {
        let reference = try ReferenceModel(name)
        let model = reference.model()
        let batch = reference.batch(reference.inputs)
        model.forward(batch, dropout: nil)
        let logits = Array(UnsafeBufferPointer(start: model.logits.start, count: batch.tokens))
        let original = Array(reference.parameters.buffer)
        reference.parameters.buffer.update(repeating: .nan)
        var there = 0
        let watch = ForwardWatch(
            isNeeded: { upper in
                for index in there..<max(there, upper) {
                    reference.parameters.buffer[index] = original[index]
                }
                there = max(there, upper)
            }, isBetweenKernels: {})
        model.forward(batch, dropout: nil, watch: watch)
        #expect(there == reference.layout.count)
        #expect(
            logits == Array(UnsafeBufferPointer(start: model.logits.start, count: batch.tokens)))
    }

    @Test func memoryIsCountedForTheProjection() throws {
        func bytes(_ name: String, _ purpose: ModelPurpose) throws -> Int {
            SpanModel.activationBytes(
                try ReferenceModel(name).configuration, BatchCapacity(tokens: 1600, sequenceLength: 16),
                threads: 1, purpose)
        }
        let (narrow, same, wide) = (12 * 1600 * 4, 24 * 1600 * 4, 31 * 1600 * 4)
        for purpose in [ModelPurpose.training, .inference] {
            let plain = try bytes("electra", purpose)
            #expect(try bytes("roberta", purpose) == plain)
            // The sum and what the projection reads, for the sum alone; wider ones also as a gradient.
            #expect(try bytes("electra-projected", purpose) == plain + 2 * narrow - same)
            let gradient = purpose == .training ? wide - same : 0
            #expect(try bytes("electra-narrowed", purpose) == plain + 2 * wide - same + gradient)
        }
    }

    @Test func theLongestSequenceIsOnlyAsLongAsThereArePositions() throws {
        let electra = try ReferenceModel("electra").configuration
        let roberta = try ReferenceModel("roberta").configuration
        #expect(electra.maxPositions == 48 && electra.maxSequenceLength == 48)
        #expect(roberta.maxPositions == 48 && roberta.maxSequenceLength == 46)
        #expect(electra.usesTokenTypes && !roberta.usesTokenTypes)
    }

    private static let dropout = DropoutSettings(
        stream: DropoutStream(seed: 42, step: 3), hiddenProbability: 0.1, attentionProbability: 0.2)
}

/// A model of `Tests/Fixtures/model/architectures`, its batch and what transformers makes of it.
private struct ReferenceModel {
    struct Expected: Decodable {
        let loss: Double
        let zeroGradients: [String]
        let startLogits: [[Float]]
        let endLogits: [[Float]]
        let features: [FeatureFixture]

        enum CodingKeys: String, CodingKey {
            case loss, features
            case zeroGradients = "zero_gradients"
            case startLogits = "start_logits"
            case endLogits = "end_logits"
        }
    }

    let folder: URL
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    let parameters: FloatBuffer
    let expected: Expected
    let inputs: [InputSequence]

    init(_ name: String) throws {
        try self.init(folder: Paths.fixtures.appending(path: "model/architectures/\(name)"))
    }

    init(folder: URL) throws {
        self.folder = folder
        configuration = try ModelConfiguration(json: Data(contentsOf: folder.appending(path: "config.json")))
        layout = ParameterLayout(configuration)
        parameters = FloatBuffer(count: layout.count)
        let weights = try TinyModel.tensors(at: folder.appending(path: "model.safetensors"))
        for parameter in layout.parameters {
            guard let values = weights[parameter.name] else { throw MissingTensor(name: parameter.name) }
            for (index, value) in values.enumerated() { parameters.pointer[parameter.offset + index] = value }
        }
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        inputs = expected.features.enumerated().map { $1.input(position: UInt32($0)) }
    }

    func largestDifferenceOfLogits(_ model: SpanModel) -> Float {
        let batch = batch(inputs)
        model.forward(batch, dropout: nil)
        var largest: Float = 0
        for sequence in 0..<batch.sequences {
            for (place, token) in batch.range(sequence).enumerated() {
                let start = model.logits.start[token] - expected.startLogits[sequence][place]
                let end = model.logits.end[token] - expected.endLogits[sequence][place]
                largest = max(largest, abs(start), abs(end))
            }
        }
        return largest
    }

    func batch(_ inputs: [InputSequence]) -> PackedBatch { PackedBatch(inputs, for: configuration) }

    func model(threads: Int = 1) -> SpanModel {
        SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(
                tokens: inputs.reduce(0) { $0 + $1.wordIDs.count },
                sequenceLength: inputs.map(\.wordIDs.count).max() ?? 0),
            pool: WorkerPool(threadCount: threads))
    }

    /// Loss and gradients of all inputs, in the given micro-batches.
    ///
    /// - garbage: stands where products are to overwrite.
    func step(
        _ model: SpanModel, dropout: DropoutSettings?, cuts: [Range<Int>]? = nil, garbage: Bool = false
    ) -> (loss: SpanLoss, gradients: FloatBuffer) {
        let gradients = FloatBuffer(count: layout.count)
        if garbage {
            for parameter in layout.parameters where parameter.gradient == .product {
                gradients.buffer[parameter.range].update(repeating: 3)
            }
        }
        var loss = SpanLoss()
        for (index, cut) in (cuts ?? [0..<inputs.count]).enumerated() {
            let batch = batch(Array(inputs[cut]))
            model.forward(batch, dropout: dropout)
            loss += model.loss(batch, weight: 1 / Float(inputs.count))
            model.backward(
                batch, dropout: dropout, into: gradients, products: garbage && index == 0 ? .overwrite : .add)
        }
        return (loss, gradients)
    }
}
