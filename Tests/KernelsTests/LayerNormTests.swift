import Kernels
import Testing

@Suite struct LayerNormTests {
    @Test(
        "residual, dropout and LayerNorm: forward and every gradient", arguments: [0, 0.1, 0.5] as [Float],
        [([1], 1), ([2, 1], 5), ([7, 1, 2], 17), ([65, 7], 48), ([1, 2, 7, 65, 200], 130)])
    func verifies(_ probability: Float, shape: (lengths: [Int], width: Int)) {
        verify(LayerNormCase(shape.lengths, width: shape.width, probability: probability))
    }

    /// The mean of such rows is a Float of the size of the offset: the rounding of one shows.
    @Test("rows around 100 lose no more than the digits that their offset takes")
    func offsetRows() {
        verify(LayerNormCase([30], width: 48, probability: 0, centre: 100), output: 1e-5, gradients: 1e-5)
    }

    @Test("results are those of PyTorch in float64")
    func agreesWithFixtures() throws {
        for fixture in try KernelFixtures.load().layerNorm {
            let outcome = LayerNormCase(fixture).run(makePool())
            // Inputs and their mean are Floats as large as the largest; a result is as large as the spread.
            let spread = deviation(fixture.x.doubles, width: fixture.width)
            let bound = 1e-6 + 1.5e-7 * Double(fixture.x.map(abs).reduce(0, max)) / spread
            let upstream = norm(fixture.dy.doubles)
            // The gradients of a row of two nearly cancel: their size is that of the terms.
            let results = [
                (outcome.output.doubles, fixture.y, norm(fixture.y)),
                (outcome.gradients["input", default: []], fixture.dx, upstream / spread),
                (outcome.gradients["residual", default: []], fixture.dx, upstream / spread),
                (outcome.gradients["gamma", default: []], fixture.dweight, upstream),
                (outcome.gradients["beta", default: []], fixture.dbias, upstream),
            ]
            for (actual, expected, size) in results {
                #expect(
                    norm(zip(actual, expected).map(-)) / size < bound, "\(fixture.rows) x \(fixture.width)")
            }
        }
    }

    /// The least standard deviation of a row.
    private func deviation(_ x: [Double], width: Int) -> Double {
        let squares = (0..<x.count / width).map { index in
            let values = row(x, index, width)
            let mean = values.reduce(0, +) / Double(width)
            return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
        }
        return squares.reduce(.infinity, min).squareRoot()
    }

    private func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

private struct LayerNormCase: KernelCase {
    let inputs: [String: [Float]]
    let upstream: [Float]
    private let tokens: Int
    private let width: Int
    private let epsilon: Float
    private let dropout: DropoutFixture?
    private let factors: [Double]?

    init(_ lengths: [Int], width: Int, probability: Float, centre: Float = 0) {
        let packing = Packing(lengths)
        self.width = width
        tokens = packing.tokens
        epsilon = 1e-12
        dropout = DropoutFixture(packing, site: .attentionOutput, probability: probability)
        factors = dropout?.factors(width: width)
        var random = TestRandom(UInt64(packing.tokens * 1000 + width))
        inputs = [
            "input": random.normals(tokens * width),
            "bias": random.normals(width),
            "residual": random.normals(tokens * width, around: centre),
            "gamma": random.normals(width, scale: 0.3, around: 1),
            "beta": random.normals(width, scale: 0.2),
        ]
        upstream = random.normals(tokens * width)
    }

    init(_ fixture: KernelFixtures.LayerNorm) {
        width = fixture.width
        tokens = fixture.rows
        epsilon = Float(fixture.epsilon)
        dropout = nil
        factors = nil
        inputs = [
            "input": fixture.x, "bias": [Float](repeating: 0, count: fixture.width),
            "residual": [Float](repeating: 0, count: fixture.x.count),
            "gamma": fixture.weight, "beta": fixture.bias,
        ]
        upstream = fixture.dy
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let memory = inputs.mapValues { Memory($0) }
        guard let input = memory["input"], let bias = memory["bias"], let residual = memory["residual"],
            let gamma = memory["gamma"], let beta = memory["beta"]
        else { return KernelOutcome(output: [], gradients: [:]) }
        let weights = LayerNormWeights(gamma: gamma.pointer, beta: beta.pointer)
        let (mean, deviation) = (Memory.unset(tokens), Memory.unset(tokens))
        let statistics = LayerNormStatistics(mean: mean.pointer, inverseDeviation: deviation.pointer)
        let output = Memory.unset(tokens * width)
        residualLayerNormForward(
            pool, tokens: tokens, width: width, input: input.pointer, bias: bias.pointer,
            dropout: dropout?.dropout, residual: residual.pointer, weights: weights, epsilon: epsilon,
            statistics: statistics, kept: NumberPointer(input.pointer), output: output.pointer)
        let gradient = Memory(upstream)
        let inputGradient = Memory.unset(tokens * width)
        let added = ["bias": Memory.started(width), "gamma": .started(width), "beta": .started(width)]
        guard let biasGradient = added["bias"], let gammaGradient = added["gamma"],
            let betaGradient = added["beta"]
        else { return KernelOutcome(output: [], gradients: [:]) }
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: 3 * width))
        residualLayerNormBackward(
            pool, tokens: tokens, width: width, kept: NumberPointer(input.pointer), weights: weights,
            statistics: statistics, dropout: dropout?.dropout, gradient: gradient.pointer,
            inputGradient: NumberPointer(inputGradient.pointer),
            weightsGradient: LayerNormWeights(gamma: gammaGradient.pointer, beta: betaGradient.pointer),
            biasGradient: biasGradient.pointer, scratch: scratch.pointer)
        keep(memory)
        _ = (mean.values(), deviation.values(), input.values(), scratch.values())
        var gradients = added.mapValues { $0.added() }
        gradients["input"] = inputGradient.values().doubles
        gradients["residual"] = gradient.values().doubles
        return KernelOutcome(output: output.values(), gradients: gradients)
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        let bias = inputs["bias", default: []]
        let residual = inputs["residual", default: []]
        let summed = inputs["input", default: []].enumerated().map { index, x in
            (x + bias[index % width]) * (factors?[index] ?? 1) + residual[index]
        }
        return (0..<tokens).flatMap {
            Reference.layerNorm(
                row(summed, $0, width), gamma: inputs["gamma", default: []],
                beta: inputs["beta", default: []], epsilon: Double(epsilon))
        }
    }
}
