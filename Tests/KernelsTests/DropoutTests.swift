import Kernels
import Testing

@Suite struct DropoutTests {
    private func mask(
        seed: UInt64 = 42, step: Int = 1, _ site: DropoutSite = .attentionOutput, layer: Int = 0,
        feature: UInt32 = 0, probability: Float = 0.5
    ) -> DropoutMask {
        DropoutStream(seed: seed, step: step).mask(
            site, layer: layer, feature: feature, probability: probability)
    }

    private func bits(_ mask: DropoutMask, row: Int, width: Int) -> [UInt16] {
        var bits = [UInt16](repeating: 0, count: DropoutMask.capacity(width))
        mask.draw(row: row, width: width, into: &bits)
        return bits
    }

    @Test("elements are kept at the rate asked for, in every column", arguments: [0.1, 0.5, 0.9] as [Float])
    func keepRate(_ probability: Float) {
        let mask = mask(probability: probability)
        let (rows, width) = (1000, 300)
        var kept = [Double](repeating: 0, count: width)
        for row in 0..<rows {
            for (column, factor) in mask.factors(row: row, width: width).enumerated() where factor > 0 {
                kept[column] += 1
            }
        }
        let rate = 1 - Double(probability)
        // Five and a half standard deviations of a binomial draw.
        func bound(_ draws: Int) -> Double { 5.5 * (rate * (1 - rate) / Double(draws)).squareRoot() }
        #expect(abs(kept.reduce(0, +) / Double(rows * width) - rate) < bound(rows * width))
        #expect(kept.allSatisfy { abs($0 / Double(rows) - rate) < bound(rows) })
        // The expected value stays: rate · scale = 1, but for the probability's rounding to 1/65536.
        #expect(abs(rate * Double(mask.scale) - 1) < 1e-5 / rate)
    }

    @Test("a probability is rounded to 1/65536, and the scale is that of the rounded one")
    func thresholds() {
        let cases: [(Float, UInt16)] = [
            (0, 0), (1e-6, 0), (1 / 65536, 1), (0.1, 6554), (0.5, 32768), (0.9, 58982), (0.99999, 65535),
            (1, 65535), (-1, 0),
        ]
        for (probability, threshold) in cases {
            let mask = mask(probability: probability)
            #expect(mask.threshold == threshold, "\(probability)")
            #expect(mask.scale == 65536 / (65536 - Float(threshold)))
        }
    }

    @Test("probability 0 keeps everything as it is")
    func nothingDropped() {
        #expect(mask(probability: 0).factors(row: 3, width: 300).allSatisfy { $0 == 1 })
    }

    @Test("no two elements share random bits: a row is sixteen whole Philox blocks to 128 elements")
    func usesEveryWordOnce() {
        for (row, width, counters) in [(0, 128, 0..<16), (5, 100, 80..<96), (2, 129, 64..<96)] {
            let mask = mask(seed: 7, step: 9, .feedForwardOutput, layer: 4, feature: 77)
            let words = counters.flatMap { counter in
                let block = Philox.block((UInt32(counter), 4 << 3 | 3, 77, 9), key: (7, 0))
                return [block.0, block.1, block.2, block.3]
            }
            let halves = words.flatMap { [UInt16(truncatingIfNeeded: $0), UInt16($0 >> 16)] }
            #expect(bits(mask, row: row, width: width).sorted() == halves.sorted())
        }
    }

    @Test("masks that differ in seed, step, layer, site, feature or row are independent, equal ones equal")
    func masksDiffer() {
        let masks = [
            mask(), mask(seed: 43), mask(seed: 42 + 1 << 32), mask(step: 2), mask(step: 1 << 20),
            mask(layer: 1), mask(layer: 8), mask(.embeddings), mask(.attentionProbabilities),
            mask(.feedForwardOutput), mask(feature: 1), mask(feature: 1 << 20),
        ]
        var factors = masks.map { mask in (0..<40).flatMap { mask.factors(row: $0, width: 128) } }
        factors.append((40..<80).flatMap { masks[0].factors(row: $0, width: 128) })
        for first in factors.indices {
            for second in 0..<first {
                let equal = zip(factors[first], factors[second]).count { $0 == $1 }
                // Half of them, within five and a half standard deviations.
                #expect(abs(Double(equal) / 5120 - 0.5) < 5.5 * 0.5 / 5120.0.squareRoot())
            }
        }
        #expect(bits(mask(), row: 3, width: 50) == bits(mask(), row: 3, width: 50))
    }

    @Test("a token's mask does not depend on packing or threads", arguments: [1, 2, 3])
    func independentOfPacking(_ threads: Int) {
        let rows: [(feature: UInt32, position: Int32)] = (0..<300).map { (UInt32($0 % 7), Int32($0 / 7)) }
        let forward = applied(rows, threads: threads)
        let backward = applied(rows.reversed(), threads: threads)
        #expect(forward == backward.reversed())
        #expect(applied(Array(rows[100..<103]), threads: 1) == Array(forward[100..<103]))
        let stream = DropoutStream(seed: 5, step: 6)
        for (row, factors) in zip(rows, forward) {
            let mask = stream.mask(.attentionOutput, layer: 2, feature: row.feature, probability: 0.3)
            #expect(mask.factors(row: Int(row.position), width: 33) == factors.doubles)
        }
    }

    /// What the forward of a residual LayerNorm makes of ones: the mask.
    private func applied(_ rows: [(feature: UInt32, position: Int32)], threads: Int) -> [[Float]] {
        let width = 33
        let count = rows.count * width
        let (features, positions) = (Memory(rows.map(\.feature)), Memory(rows.map(\.position)))
        let dropout = TokenDropout(
            stream: DropoutStream(seed: 5, step: 6), site: .attentionOutput, layer: 2, probability: 0.3,
            features: features.pointer, rows: positions.pointer)
        let input = Memory([Float](repeating: 1, count: count))
        let zeros = Memory([Float](repeating: 0, count: count))
        let weights = Memory([Float](repeating: 0, count: 2 * width))
        let statistics = Memory.unset(2 * rows.count)
        let output = Memory.unset(count)
        residualLayerNormForward(
            makePool(threads), tokens: rows.count, width: width, input: input.pointer, bias: zeros.pointer,
            dropout: dropout, residual: zeros.pointer,
            weights: LayerNormWeights(gamma: weights.pointer, beta: weights.pointer + width), epsilon: 1e-12,
            statistics: LayerNormStatistics(
                mean: statistics.pointer, inverseDeviation: statistics.pointer + rows.count),
            kept: NumberPointer(input.pointer), output: output.pointer)
        keep(features, positions, zeros, weights, statistics, output)
        let factors = input.values()
        return rows.indices.map { Array(factors[$0 * width..<($0 + 1) * width]) }
    }
}
