import Kernels
import Testing

@Suite struct EmbeddingsTests {
    @Test(
        "embeddings: forward and the gradients of tables and LayerNorm", arguments: [0, 0.1, 0.5] as [Float],
        [([1], 1), ([2, 1], 5), ([7, 1, 2], 17), ([65, 7], 48), ([1, 2, 7, 65, 200], 130)])
    func verifies(_ probability: Float, shape: (lengths: [Int], width: Int)) {
        verify(EmbeddingCase(shape.lengths, width: shape.width, probability: probability))
    }

    @Test("rows of a table that no token selects get no gradient")
    func unusedRows() {
        let kernel = EmbeddingCase([7], width: 17, probability: 0.1)
        let gradient = kernel.run(makePool(2)).gradients["word", default: []]
        for entry in 0..<EmbeddingCase.vocabulary where !kernel.words.contains(Int32(entry)) {
            #expect(row(gradient, entry, 17).allSatisfy { $0 == 0 })
        }
    }

    @Test("rows of padding get no gradient, and all others the same as without")
    func paddingRows() {
        var kernel = EmbeddingCase([7, 2, 17], width: 17, probability: 0.1)
        let whole = kernel.run(makePool(2)).gradients
        let (word, position) = (kernel.words[3], Int32(1))
        (kernel.paddingID, kernel.paddingPosition) = (word, position)
        let padded = kernel.run(makePool(2)).gradients
        for (table, padding) in [("word", word), ("position", position)] {
            let (before, after) = (whole[table, default: []], padded[table, default: []])
            for entry in 0..<before.count / 17 {
                let expected = row(before, entry, 17)
                #expect(expected.contains { $0 != 0 } || table == "word")
                let isPadding = entry == Int(padding)
                #expect(row(after, entry, 17) == (isPadding ? expected.map { _ in 0 } : expected))
            }
        }
        #expect(whole["tokenType"] == padded["tokenType"])
    }
}

private struct EmbeddingCase: KernelCase {
    static let vocabulary = 23

    var paddingID: Int32 = -1
    var paddingPosition: Int32 = -1

    let inputs: [String: [Float]]
    let upstream: [Float]
    let words: [Int32]
    private let positions: [Int32]
    private let types: [Int32]
    private let tokens: Int
    private let width: Int
    private let dropout: DropoutFixture?
    private let factors: [Double]?

    init(_ lengths: [Int], width: Int, probability: Float) {
        let packing = Packing(lengths)
        self.width = width
        tokens = packing.tokens
        dropout = DropoutFixture(packing, site: .embeddings, probability: probability)
        factors = dropout?.factors(width: width)
        var random = TestRandom(UInt64(tokens * 1000 + width))
        words = (0..<tokens).map { _ in Int32.random(in: 0..<Int32(Self.vocabulary), using: &random) }
        positions = packing.positions.map(Int32.init)
        types = (0..<tokens).map { _ in Int32.random(in: 0..<2, using: &random) }
        inputs = [
            "word": random.normals(Self.vocabulary * width),
            "position": random.normals(lengths.reduce(0, max) * width),
            "tokenType": random.normals(2 * width),
            "gamma": random.normals(width, scale: 0.3, around: 1),
            "beta": random.normals(width, scale: 0.2),
        ]
        upstream = random.normals(tokens * width)
    }

    private struct Tensors {
        let memory: [String: Memory<Float>]

        func pointer(_ name: String) -> UnsafeMutablePointer<Float> {
            guard let tensor = memory[name] else { preconditionFailure("no tensor \(name)") }
            return tensor.pointer
        }

        var tables: EmbeddingTables {
            EmbeddingTables(
                word: pointer("word"), position: pointer("position"), tokenType: pointer("tokenType"))
        }

        var weights: LayerNormWeights { LayerNormWeights(gamma: pointer("gamma"), beta: pointer("beta")) }
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let tensors = Tensors(memory: inputs.mapValues { Memory($0) })
        let added = Tensors(memory: inputs.mapValues { .started($0.count) })
        let selected = [words, positions, types].map { Memory($0) }
        let indices = EmbeddingIndices(
            word: selected[0].pointer, position: selected[1].pointer, tokenType: selected[2].pointer)
        let (mean, deviation) = (Memory.unset(tokens), Memory.unset(tokens))
        let statistics = LayerNormStatistics(mean: mean.pointer, inverseDeviation: deviation.pointer)
        let normalized = Memory.unset(tokens * width)
        let output = Memory.unset(tokens * width)
        embeddingForward(
            pool, tokens: tokens, width: width, indices: indices, tables: tensors.tables,
            weights: tensors.weights, epsilon: 1e-12, statistics: statistics, dropout: dropout?.dropout,
            normalized: normalized.pointer, output: output.pointer)
        let gradient = Memory(upstream)
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: 2 * width))
        embeddingBackward(
            pool, tokens: tokens, width: width, indices: indices, paddingID: paddingID,
            paddingPosition: paddingPosition, normalized: normalized.pointer, weights: tensors.weights,
            statistics: statistics,
            dropout: dropout?.dropout,
            gradient: gradient.pointer, tablesGradient: added.tables, weightsGradient: added.weights,
            scratch: scratch.pointer)
        keep(tensors, selected)
        _ = (mean.values(), deviation.values(), normalized.values(), gradient.values(), scratch.values())
        return KernelOutcome(output: output.values(), gradients: added.memory.mapValues { $0.added() })
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        func entry(_ table: String, _ index: Int32) -> [Double] {
            row(inputs[table, default: []], Int(index), width)
        }
        let normalized = (0..<tokens).flatMap { token in
            let word = entry("word", words[token])
            let position = entry("position", positions[token])
            let type = entry("tokenType", types[token])
            return Reference.layerNorm(
                (0..<width).map { word[$0] + position[$0] + type[$0] }, gamma: inputs["gamma", default: []],
                beta: inputs["beta", default: []], epsilon: 1e-12)
        }
        guard let factors else { return normalized }
        return zip(normalized, factors).map(*)
    }
}
