import Kernels
import Testing

@Suite struct AdamWTests {
    @Test("twenty steps are those of torch.optim.AdamW in float64")
    func agreesWithFixture() throws {
        let fixture = try AdamWFixture.load()
        for group in 0..<2 {
            let state = OptimizerState(fixture.initial[group])
            for step in 0..<fixture.gradients.count {
                let settings = AdamWStep(
                    learningRate: fixture.learningRates[step], beta1: fixture.settings.beta1,
                    beta2: fixture.settings.beta2, epsilon: fixture.settings.epsilon,
                    weightDecay: fixture.settings.weightDecay, gradientScale: 1, step: step + 1)
                state.update(makePool(), settings, decays: group == 0, fixture.gradients[step][group])
                let parameters = state.parameters.values().doubles
                #expect(largestDifference(parameters, fixture.parameters[step][group]) < 1e-6)
                #expect(relativeDifference(parameters, fixture.parameters[step][group]) < 3e-7)
            }
            let (first, second) = (state.first.values().doubles, state.second.values().doubles)
            #expect(relativeDifference(first, fixture.finalState.expAvg[group]) < 3e-7)
            #expect(relativeDifference(second, fixture.finalState.expAvgSq[group]) < 3e-7)
        }
    }

    /// 70,001 elements are more than one slice of work.
    @Test(
        "steps with clipping are those of the formula, with the same bits on any number of threads",
        arguments: [1, 5, 130, 70_001], [true, false])
    func agreesWithFormula(_ count: Int, decays: Bool) {
        let steps = count > 1000 ? 3 : 20
        var random = TestRandom(UInt64(count))
        let initial = random.normals(count)
        let gradients = (0..<steps).map { _ in random.normals(count, scale: 3) }
        let results = [1, 2, 3].map { threads in
            let state = OptimizerState(initial)
            for (step, gradient) in gradients.enumerated() {
                let settings = AdamWStep(
                    learningRate: 0.01 / Double(step + 1), beta1: 0.8, beta2: 0.99, epsilon: 1e-6,
                    weightDecay: 0.1, gradientScale: 0.25, step: step + 1)
                state.update(makePool(threads), settings, decays: decays, gradient)
            }
            return [state.parameters, state.first, state.second].map { $0.values() }
        }
        #expect(results.allSatisfy { $0.map(\.bits) == results[0].map(\.bits) })
        let expected = initial.indices.map { index in
            var reference = Reference.AdamW(Double(initial[index]))
            reference.beta1 = 0.8
            reference.beta2 = 0.99
            reference.epsilon = 1e-6
            reference.weightDecay = decays ? 0.1 : 0
            for (step, gradient) in gradients.enumerated() {
                reference.update(Double(gradient[index]) * 0.25, learningRate: 0.01 / Double(step + 1))
            }
            return reference
        }
        #expect(relativeDifference(results[0][0].doubles, expected.map(\.parameter)) < 3e-7)
        #expect(relativeDifference(results[0][1].doubles, expected.map(\.first)) < 3e-7)
        #expect(relativeDifference(results[0][2].doubles, expected.map(\.second)) < 3e-7)
    }

    @Test(
        "a squared norm is that of Double, with the same bits on any number of threads",
        arguments: [0, 1, 17, 1023, 1025, 65_536, 65_537, 200_001])
    func squaredNorms(_ count: Int) {
        var random = TestRandom(UInt64(count))
        let values = random.normals(count)
        let memory = Memory(values)
        let norms = [1, 2, 3].map { squaredNorm(makePool($0), memory.pointer, count) }
        keep(memory)
        let expected = values.doubles.reduce(0) { $0 + $1 * $1 }
        #expect(abs(norms[0] - expected) <= 3e-7 * expected)
        #expect(norms[1] == norms[0] && norms[2] == norms[0])
    }

    @Test("squared norms by block are those of the blocks' elements, whoever adds the other ranges")
    func squaredNormsByBlock() {
        var random = TestRandom(5)
        let values = random.normals(300_000)
        let ranges = [0..<0, 3..<4, 10..<1_500, 2_000..<2_001, 70_000..<299_999]
        let blockSize = 4096
        let count = (values.count + blockSize - 1) / blockSize
        let memory = Memory(values)
        func blocks(_ ranges: [Range<Int>], threads: Int = 1) -> [Double] {
            var blocks = [Double](repeating: 0, count: count)
            addSquaredNorms(
                makePool(threads), memory.pointer, over: ranges, blockSize: blockSize, to: &blocks)
            return blocks
        }
        let whole = blocks(ranges)
        #expect(blocks(ranges, threads: 3) == whole)
        var expected = [Double](repeating: 0, count: count)
        for index in ranges.joined() {
            expected[index / blockSize] += Double(values[index]) * Double(values[index])
        }
        #expect(zip(whole, expected).allSatisfy { abs($0 - $1) <= 3e-7 * $1 })
        // Two ranks that each have every other block make the same numbers.
        let cuts = (0..<count).map { $0 * blockSize..<($0 + 1) * blockSize }
        let parts = (0..<2).map { rank in
            blocks(
                cuts.indices.filter { $0 % 2 == rank }.flatMap { cut in
                    ranges.map { $0.clamped(to: cuts[cut]) }.filter { !$0.isEmpty }
                })
        }
        #expect(zip(parts[0], parts[1]).map(+) == whole)
        keep(memory)
    }

    @Test("one element that is not finite makes the squared norm so")
    func nonFinite() {
        for value in [Float.nan, .infinity, -.infinity] {
            var values = [Float](repeating: 1, count: 2000)
            values[1500] = value
            #expect(!squaredNorm(makePool(), values, 2000).isFinite)
        }
    }
}

private final class OptimizerState {
    let parameters: Memory<Float>
    let first: Memory<Float>
    let second: Memory<Float>

    init(_ initial: [Float]) {
        parameters = Memory(initial)
        first = Memory([Float](repeating: 0, count: initial.count))
        second = Memory([Float](repeating: 0, count: initial.count))
    }

    func update(_ pool: WorkerPool, _ settings: AdamWStep, decays: Bool, _ gradients: [Float]) {
        let memory = Memory(gradients)
        adamWUpdate(
            pool, settings, decays: decays, count: gradients.count, parameters: parameters.pointer,
            gradients: memory.pointer, firstMoment: first.pointer, secondMoment: second.pointer)
        #expect(memory.values() == gradients)
    }
}
