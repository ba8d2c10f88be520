import Kernels
import Testing

@Suite struct AttentionTests {
    @Test(
        "attention: forward and the gradients of query, key and value", arguments: [0, 0.1, 0.5] as [Float],
        [
            AttentionCase.Size(lengths: [2, 1], heads: 2, headSize: 5),
            .init(lengths: [7, 1, 2], heads: 3, headSize: 17),
            .init(lengths: [65, 7], heads: 1, headSize: 48),
            .init(lengths: [1, 2, 7, 65, 200], heads: 2, headSize: 8),
            .init(lengths: [17, 130], heads: 2, headSize: 5),
            .init(lengths: [24, 25, 48, 16, 32], heads: 1, headSize: 32),
            .init(lengths: [97], heads: 2, headSize: 64),
        ])
    func verifies(_ probability: Float, size: AttentionCase.Size) {
        verify(AttentionCase(size, probability: probability))
    }

    @Test("of a single token only the value gets a gradient", arguments: [0, 0.1] as [Float])
    func singleToken(_ probability: Float) {
        let kernel = AttentionCase(.init(lengths: [1], heads: 3, headSize: 7), probability: probability)
        let outcome = kernel.run(makePool())
        #expect(
            relativeDifference(outcome.output.doubles, kernel.reference(kernel.inputs.mapValues(\.doubles)))
                < 1e-6)
        // Exactly zero but for the rounding of two sums that cancel.
        for name in ["query", "key"] {
            #expect(outcome.gradients[name, default: [1]].allSatisfy { abs($0) < 1e-6 })
        }
    }

    /// The backward computes probabilities again from scores of ±50 less a logarithm, both rounded to Float.
    @Test("peaked probabilities lose no more than the digits that large scores take")
    func peakedScores() {
        let size = AttentionCase.Size(lengths: [33], heads: 2, headSize: 17)
        verify(AttentionCase(size, probability: 0.1, spread: 3.5), output: 5e-6, gradients: 1e-5)
    }

    @Test("a sequence's result has the same bits alone and packed with others")
    func packingDoesNotMatter() {
        let together = AttentionCase(.init(lengths: [7, 65, 2], heads: 2, headSize: 17), probability: 0.2)
        let packed = together.run(makePool(2))
        let width = 2 * 17
        var first = 0
        for (index, length) in [7, 65, 2].enumerated() {
            let alone = together.only(index).run(makePool())
            let range = first * width..<(first + length) * width
            #expect(alone.output.bits == Array(packed.output[range]).bits)
            for (name, gradient) in alone.gradients {
                let part = Array(packed.gradients[name, default: []][range])
                #expect(gradient.bits == part.bits, "\(name)")
            }
            first += length
        }
    }

    @Test("results are those of PyTorch in float64")
    func agreesWithFixtures() throws {
        for fixture in try KernelFixtures.load().attention {
            let outcome = AttentionCase(fixture).run(makePool())
            let gradients = outcome.gradients
            #expect(relativeDifference(outcome.output.doubles, fixture.y) < 1e-6)
            #expect(relativeDifference(gradients["value", default: []], fixture.dv) < 1e-6)
            // A single token's probability is 1, whatever its query and key.
            guard fixture.length > 1 else { continue }
            #expect(relativeDifference(gradients["query", default: []], fixture.dq) < 2e-6)
            #expect(relativeDifference(gradients["key", default: []], fixture.dk) < 2e-6)
        }
    }

    /// With queries of 1, the keys are the logits; the first row's context gradient of 1 makes the gradient of
    /// the values the probabilities, and that of the keys the gradient of the logits.
    @Test("softmax is that of PyTorch in float64, also for far logits")
    func softmaxAgreesWithFixtures() throws {
        for fixture in try KernelFixtures.load().softmax {
            let outcome = AttentionCase(softmax: fixture).run(makePool())
            // A logit of 100 is as precise as a Float of that size.
            let span = fixture.x.map(abs).filter { $0 < 200 }.reduce(1, max)
            let bound = 3e-7 * Double(span)
            #expect(largestDifference(outcome.gradients["value", default: []], fixture.y) < bound)
            #expect(largestDifference(outcome.gradients["key", default: []], fixture.dx) < 2 * bound)
        }
    }
}

struct AttentionCase: KernelCase {
    struct Size {
        let lengths: [Int]
        let heads: Int
        let headSize: Int
        var width: Int { heads * headSize }
    }

    let inputs: [String: [Float]]
    let upstream: [Float]
    private let size: Size
    private let packing: Packing
    private let features: [UInt32]
    private let probability: Float

    private static let names = ["query", "key", "value"]
    private static let layer = 3

    private init(
        _ size: Size, features: [UInt32]? = nil, probability: Float, inputs: [String: [Float]],
        upstream: [Float]
    ) {
        self.size = size
        packing = Packing(size.lengths)
        self.features = features ?? packing.features
        self.probability = probability
        self.inputs = inputs
        self.upstream = upstream
    }

    init(_ size: Size, probability: Float, spread: Float = 1) {
        let count = size.lengths.reduce(0, +) * size.width
        var random = TestRandom(UInt64(count))
        let inputs = [
            "query": random.normals(count, scale: spread), "key": random.normals(count, scale: spread),
            "value": random.normals(count),
        ]
        self.init(size, probability: probability, inputs: inputs, upstream: random.normals(count))
    }

    init(_ fixture: KernelFixtures.Attention) {
        self.init(
            Size(lengths: [fixture.length], heads: 1, headSize: fixture.size), probability: 0,
            inputs: ["query": fixture.q, "key": fixture.k, "value": fixture.v], upstream: fixture.dy)
    }

    init(softmax fixture: KernelFixtures.Softmax) {
        let count = fixture.x.count
        let ones = [Float](repeating: 1, count: count)
        self.init(
            Size(lengths: [count], heads: 1, headSize: 1), probability: 0,
            inputs: ["query": ones, "key": fixture.x, "value": fixture.dy],
            upstream: [1] + [Float](repeating: 0, count: count - 1))
    }

    /// One sequence of this batch alone.
    func only(_ sequence: Int) -> AttentionCase {
        let range = packing.starts[sequence] * size.width..<packing.starts[sequence + 1] * size.width
        return AttentionCase(
            Size(lengths: [size.lengths[sequence]], heads: size.heads, headSize: size.headSize),
            features: [features[sequence]], probability: probability,
            inputs: inputs.mapValues { Array($0[range]) }, upstream: Array(upstream[range]))
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let (tokens, width) = (packing.tokens, size.width)
        let interleaved = (0..<tokens).flatMap { token in
            Self.names.flatMap { inputs[$0, default: []][token * width..<(token + 1) * width] }
        }
        let queryKeyValue = Memory(interleaved)
        let starts = Memory(packing.starts.map(Int32.init))
        let shape = AttentionShape(
            starts: starts.pointer, sequences: size.lengths.count, heads: size.heads, headSize: size.headSize)
        let sequenceFeatures = Memory(features)
        let dropout =
            probability > 0
            ? AttentionDropout(
                stream: DropoutFixture.stream, layer: Self.layer, probability: probability,
                features: sequenceFeatures.pointer) : nil
        let room = AttentionShape.scratch(
            length: size.lengths.reduce(0, max), headSize: size.headSize)
        let scratch = Memory.unset(room * pool.threadCount)
        let context = Memory.unset(tokens * width)
        let logSumExp = Memory.unset(size.heads * tokens)
        attentionForward(
            pool, shape, queryKeyValue: NumberPointer(queryKeyValue.pointer), dropout: dropout,
            context: NumberPointer(context.pointer),
            logSumExp: logSumExp.pointer, scratch: scratch.pointer, scratchPerWorker: room)
        let contextGradient = Memory(upstream)
        let gradient = Memory.unset(3 * tokens * width)
        attentionBackward(
            pool, shape, queryKeyValue: NumberPointer(queryKeyValue.pointer), dropout: dropout,
            logSumExp: logSumExp.pointer, context: NumberPointer(context.pointer),
            contextGradient: contextGradient.pointer, queryKeyValueGradient: NumberPointer(gradient.pointer),
            scratch: scratch.pointer, scratchPerWorker: room)
        keep(queryKeyValue, starts, sequenceFeatures)
        _ = (scratch.values(), logSumExp.values())
        #expect(contextGradient.values() == upstream)
        let gradients = gradient.values().doubles
        let parts = Self.names.indices.map { part in
            (0..<tokens).flatMap { row(gradients, 3 * $0 + part, width) }
        }
        return KernelOutcome(
            output: context.values(), gradients: Dictionary(uniqueKeysWithValues: zip(Self.names, parts)))
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        var output = [Double](repeating: 0, count: packing.tokens * size.width)
        for (sequence, length) in size.lengths.enumerated() {
            let first = packing.starts[sequence]
            for head in 0..<size.heads {
                func part(_ name: String) -> [[Double]] {
                    let values = inputs[name, default: []]
                    return (first..<first + length).map {
                        row(values, $0 * size.heads + head, size.headSize)
                    }
                }
                let context = Reference.attention(
                    query: part("query"), key: part("key"), value: part("value"),
                    factors: factors(sequence, head))
                for (index, values) in context.enumerated() {
                    let start = ((first + index) * size.heads + head) * size.headSize
                    output.replaceSubrange(start..<start + size.headSize, with: values)
                }
            }
        }
        return output
    }

    private func factors(_ sequence: Int, _ head: Int) -> [[Double]]? {
        guard probability > 0 else { return nil }
        let length = size.lengths[sequence]
        let mask = DropoutFixture.stream.mask(
            .attentionProbabilities, layer: Self.layer, feature: features[sequence], probability: probability)
        return (0..<length).map { mask.factors(row: head * length + $0, width: length) }
    }
}
