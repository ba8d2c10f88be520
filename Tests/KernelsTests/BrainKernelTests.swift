import Kernels
import TestSupport
import Testing

/// Kernels on bfloat16 beside themselves on the singles that those numbers are.
@Suite struct BrainKernelTests {
    private static let sizes = [(1, 1), (3, 17), (65, 48), (130, 96)]

    @Test("biases are added before rounding", arguments: sizes, [1, 2])
    func bias(_ size: (tokens: Int, width: Int), threads: Int) {
        let (tokens, width) = size
        var random = TestRandom(3)
        let bias = Memory(random.normals(width))
        let singles = Memory(random.normals(tokens * width))
        let source = Memory(singles.values())
        let target = Memory<UInt16>.unsetBrain(tokens * width)
        let pool = makePool(threads)
        biasForward(
            pool, tokens: tokens, width: width, bias: bias.pointer, source: source.pointer,
            target: target.numbers)
        biasForward(
            pool, tokens: tokens, width: width, bias: bias.pointer, source: singles.pointer,
            target: NumberPointer(singles.pointer))
        #expect(target.floats() == singles.values().map(rounded))
        let gradients = [Memory.started(width), Memory.started(width)]
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: width))
        let expanded = Memory(target.floats())
        for (numbers, gradient) in zip([target.numbers, NumberPointer(expanded.pointer)], gradients) {
            biasBackward(
                pool, gradient: numbers, tokens: tokens, width: width, bias: gradient.pointer,
                scratch: scratch.pointer)
        }
        #expect(gradients[0].added() == gradients[1].added())
        keep(bias, source, scratch, expanded, target)
    }

    @Test(
        "activations are computed of what was not rounded, their gradients of what was kept",
        arguments: [ActivationKind.gelu, .geluTanh, .relu], sizes)
    func activation(_ kind: ActivationKind, _ size: (tokens: Int, width: Int)) {
        let (tokens, width) = size
        let count = tokens * width
        var random = TestRandom(5)
        let bias = Memory(random.normals(width))
        let input = Memory(random.normals(count, scale: 2))
        let singles = (kept: Memory(input.values()), output: Memory.unset(count))
        let brain = (kept: Memory<UInt16>.unsetBrain(count), output: Memory<UInt16>.unsetBrain(count))
        let pool = makePool(2)
        activationForward(
            pool, kind, tokens: tokens, width: width, bias: bias.pointer, input: input.pointer,
            kept: brain.kept.numbers, output: brain.output.numbers)
        activationForward(
            pool, kind, tokens: tokens, width: width, bias: bias.pointer, input: singles.kept.pointer,
            kept: NumberPointer(singles.kept.pointer), output: NumberPointer(singles.output.pointer))
        #expect(brain.kept.floats() == singles.kept.values().map(rounded))
        #expect(brain.output.floats() == singles.output.values().map(rounded))

        let upstream = random.normals(count)
        let gradient = Memory(upstream)
        let kept = Memory(brain.kept.floats())
        let inPlace = Memory(upstream)
        let inputGradient = Memory<UInt16>.unsetBrain(count)
        let biasGradients = [Memory.started(width), Memory.started(width)]
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: width))
        activationBackward(
            pool, kind, tokens: tokens, width: width, kept: brain.kept.numbers, gradient: gradient.pointer,
            output: brain.output.numbers, inputGradient: inputGradient.numbers,
            biasGradient: biasGradients[0].pointer, scratch: scratch.pointer)
        activationBackward(
            pool, kind, tokens: tokens, width: width, kept: NumberPointer(kept.pointer),
            gradient: inPlace.pointer, output: NumberPointer(singles.output.pointer),
            inputGradient: NumberPointer(inPlace.pointer), biasGradient: biasGradients[1].pointer,
            scratch: scratch.pointer)
        #expect(gradient.values() == upstream)
        #expect(inputGradient.floats() == inPlace.values().map(rounded))
        #expect(brain.output.floats() == singles.output.values().map(rounded))
        #expect(biasGradients[0].added() == biasGradients[1].added())
        keep(bias, scratch, kept, input)
    }

    @Test("LayerNorm rounds what products take, and keeps what it has normalised", arguments: [false, true])
    func layerNorm(dropsOut: Bool) {
        let (tokens, width) = (70, 48)
        var random = TestRandom(7)
        let input = random.normals(tokens * width)
        let (bias, gamma, beta) = (
            Memory(random.normals(width)), Memory(random.normals(width)), Memory(random.normals(width))
        )
        let residual = Memory(random.normals(tokens * width))
        let statistics = Memory.unset(2 * tokens)
        let features = Memory([UInt32](repeating: 2, count: tokens))
        let rows = Memory((0..<tokens).map(Int32.init))
        let dropout =
            dropsOut
            ? TokenDropout(
                stream: DropoutStream(seed: 1, step: 2), site: .attentionOutput, layer: 1, probability: 0.2,
                features: features.pointer, rows: rows.pointer) : nil
        let weights = LayerNormWeights(gamma: gamma.pointer, beta: beta.pointer)
        let (sum, output) = (Memory(input), Memory.unset(tokens * width))
        let normalized = Memory<UInt16>.unsetBrain(tokens * width)
        let copies = [
            Memory<UInt16>.unsetBrain(tokens * width), Memory<UInt16>.unsetBrain(tokens * width),
            Memory<UInt16>.unsetBrain(tokens * width),
        ]
        let pool = makePool(2)
        let tensors = LayerNormStatistics(
            mean: statistics.pointer, inverseDeviation: statistics.pointer + tokens)
        residualLayerNormForward(
            pool, tokens: tokens, width: width, input: sum.pointer, bias: bias.pointer, dropout: dropout,
            residual: residual.pointer, weights: weights, epsilon: 1e-12, statistics: tensors,
            kept: normalized.numbers, output: output.pointer, rounded: copies[0].numbers.brainFloats)
        let single = (sum: Memory(input), output: Memory.unset(tokens * width))
        residualLayerNormForward(
            pool, tokens: tokens, width: width, input: single.sum.pointer, bias: bias.pointer,
            dropout: dropout, residual: residual.pointer, weights: weights, epsilon: 1e-12,
            statistics: tensors, kept: NumberPointer(single.sum.pointer), output: single.output.pointer)
        #expect(output.values() == single.output.values() && sum.values() == single.sum.values())
        let (means, deviations) = (
            Array(statistics.values().prefix(tokens)), Array(statistics.values().suffix(tokens))
        )
        let expected = sum.values().enumerated().map {
            rounded(($1 - means[$0 / width]) * deviations[$0 / width])
        }
        #expect(normalized.floats() == expected)

        layerNormRecompute(
            pool, tokens: tokens, width: width, normalized: sum.pointer, weights: weights,
            statistics: tensors, output: output.pointer, rounded: copies[1].numbers.brainFloats)
        for copy in copies.prefix(2) { #expect(copy.floats() == output.values().map(rounded)) }
        if let kept = normalized.numbers.brainFloats, let target = copies[2].numbers.brainFloats {
            layerNormRecompute(
                pool, tokens: tokens, width: width, kept: kept, weights: weights, rounded: target)
        }
        #expect(relativeDifference(copies[2].floats().doubles, output.values().doubles) < 0.004)

        let upstream = random.normals(tokens * width)
        let inputGradient = (
            singles: Memory.unset(tokens * width), brain: Memory<UInt16>.unsetBrain(tokens * width)
        )
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: 3 * width))
        var results: [[Double]] = []
        for (kept, target) in [
            (NumberPointer(sum.pointer), NumberPointer(inputGradient.singles.pointer)),
            (normalized.numbers, inputGradient.brain.numbers),
        ] {
            let gradient = Memory(upstream)
            let added = (0..<3).map { _ in Memory.started(width) }
            residualLayerNormBackward(
                pool, tokens: tokens, width: width, kept: kept, weights: weights, statistics: tensors,
                dropout: dropout, gradient: gradient.pointer, inputGradient: target,
                weightsGradient: LayerNormWeights(gamma: added[0].pointer, beta: added[1].pointer),
                biasGradient: added[2].pointer, scratch: scratch.pointer)
            results.append(added.flatMap { $0.added() } + gradient.values().doubles)
        }
        let singles = inputGradient.singles.values()
        #expect(relativeDifference(inputGradient.brain.floats().doubles, singles.doubles) < 0.004)
        #expect(
            zip(inputGradient.brain.floats(), singles).allSatisfy { ($0 == 0) == ($1 == 0) },
            "other elements are dropped")
        #expect(relativeDifference(results[1], results[0]) < 0.002)
        keep(bias, gamma, beta, residual, features, rows, scratch)
    }

    @Test("NaN and infinities survive being rounded into pairs")
    func pairs() {
        let specials: [Float] = [.nan, Float(bitPattern: 0x7FFF_FFFF), .infinity, 3]
        for special in specials {
            let trial = BrainAttentionTrial(lengths: [5], heads: 1, headSize: 16, probability: 0) {
                $0[0] = special
            }
            let result = trial.run(makePool())
            #expect(result.context.contains { !$0.isFinite } == !special.isFinite)
            #expect(result.gradient.contains { !$0.isFinite } == !special.isFinite)
        }
    }

    @Test(
        "attention differs from that of singles by bfloat16's rounding, and by no bit between threads",
        arguments: [[1], [2, 3], [15, 16, 17], [24, 25], [33, 1, 64], [130]],
        [(1, 3), (2, 16), (3, 32), (1, 40), (2, 64)])
    func attention(_ lengths: [Int], _ heads: (count: Int, size: Int)) {
        for probability in [Float(0), 0.3] {
            let trial = BrainAttentionTrial(
                lengths: lengths, heads: heads.count, headSize: heads.size, probability: probability)
            let result = trial.run(makePool())
            let expected = trial.reference(makePool())
            #expect(relativeDifference(result.context.doubles, expected.context.doubles) < 0.006)
            #expect(relativeDifference(result.gradient.doubles, expected.gradient.doubles) < 0.012)
            let shared = trial.run(makePool(3))
            #expect(shared.context == result.context && shared.gradient == result.gradient)
        }
    }

    @Test("a single key is copied exactly")
    func oneKey() {
        let trial = BrainAttentionTrial(lengths: [1, 1], heads: 2, headSize: 16, probability: 0)
        let result = trial.run(makePool())
        #expect(result.context == trial.values)
    }
}

func rounded(_ value: Float) -> Float { Float(BrainFloat(value)) }

/// Room for bfloat16.
extension Memory where Element == UInt16 {
    /// NaN everywhere.
    static func unsetBrain(_ count: Int) -> Memory { Memory([UInt16](repeating: 0x7FC0, count: count)) }

    convenience init(rounding values: [Float]) {
        self.init(values.map { UInt16(Float(BrainFloat($0)).bitPattern >> 16) })
    }

    var numbers: NumberPointer {
        NumberPointer(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: BrainFloat.self))
    }

    func floats() -> [Float] { values().map { Float(bitPattern: UInt32($0) << 16) } }
}

/// Attention over random sequences, forward and backward.
private struct BrainAttentionTrial {
    private let lengths: [Int]
    private let heads: Int
    private let headSize: Int
    private let probability: Float
    private let queryKeyValue: [Float]
    private let upstream: [Float]

    private var width: Int { heads * headSize }
    private var tokens: Int { lengths.reduce(0, +) }

    init(
        lengths: [Int], heads: Int, headSize: Int, probability: Float,
        change: (inout [Float]) -> Void = { _ in }
    ) {
        self.lengths = lengths
        self.heads = heads
        self.headSize = headSize
        self.probability = probability
        let count = lengths.reduce(0, +) * heads * headSize
        var random = TestRandom(UInt64(count + headSize))
        var numbers = random.normals(3 * count).map(rounded)
        change(&numbers)
        queryKeyValue = numbers
        upstream = random.normals(count)
    }

    /// What the values are: the last third of each token's row.
    var values: [Float] {
        (0..<tokens).flatMap { queryKeyValue[(3 * $0 + 2) * width..<(3 * $0 + 3) * width] }
    }

    func run(_ pool: WorkerPool) -> (context: [Float], gradient: [Float]) {
        let operands = Memory<UInt16>(rounding: queryKeyValue)
        let context = Memory<UInt16>.unsetBrain(tokens * width)
        let gradient = Memory<UInt16>.unsetBrain(3 * tokens * width)
        run(pool, operands.numbers, context.numbers, gradient.numbers)
        keep(operands)
        return (context.floats(), gradient.floats())
    }

    /// The same with singles.
    func reference(_ pool: WorkerPool) -> (context: [Float], gradient: [Float]) {
        let operands = Memory(queryKeyValue)
        let context = Memory<Float>.unset(tokens * width)
        let gradient = Memory<Float>.unset(3 * tokens * width)
        run(
            pool, NumberPointer(operands.pointer), NumberPointer(context.pointer),
            NumberPointer(gradient.pointer))
        keep(operands)
        return (context.values(), gradient.values())
    }

    private func run(
        _ pool: WorkerPool, _ operands: NumberPointer, _ context: NumberPointer, _ gradient: NumberPointer
    ) {
        let starts = Memory(lengths.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + Int32($1)) })
        let features = Memory(lengths.indices.map { UInt32($0) })
        let shape = AttentionShape(
            starts: starts.pointer, sequences: lengths.count, heads: heads, headSize: headSize)
        let dropout =
            probability > 0
            ? AttentionDropout(
                stream: DropoutStream(seed: 4, step: 1), layer: 2, probability: probability,
                features: features.pointer) : nil
        let room = AttentionShape.scratch(
            length: lengths.max() ?? 0, headSize: headSize, operands.precision)
        let scratch = Memory<Float>.unset(room * pool.threadCount)
        let logSumExp = Memory<Float>.unset(heads * tokens)
        let contextGradient = Memory(upstream)
        attentionForward(
            pool, shape, queryKeyValue: operands, dropout: dropout, context: context,
            logSumExp: logSumExp.pointer, scratch: scratch.pointer, scratchPerWorker: room)
        attentionBackward(
            pool, shape, queryKeyValue: operands, dropout: dropout, logSumExp: logSumExp.pointer,
            context: context, contextGradient: contextGradient.pointer, queryKeyValueGradient: gradient,
            scratch: scratch.pointer, scratchPerWorker: room)
        _ = (scratch.values(), logSumExp.values())
        #expect(contextGradient.values() == upstream)
        keep(starts, features)
    }
}
