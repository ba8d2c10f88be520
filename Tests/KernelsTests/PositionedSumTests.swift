import Kernels
import TestSupport
import Testing

struct PositionedSumTests {
    @Test func partsAddUpToTheWholeInAnyOrder() {
        var generator = SeededGenerator(seed: 4)
        let words = (0..<1000).map { _ in UInt64.random(in: 0...UInt64.max, using: &generator) }
        words.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let whole = positionedSum(base, count: 1000, first: 7)
            for cut in [0, 1, 3, 499, 998, 1000] {
                let end = positionedSum(base + 8 * cut, count: 1000 - cut, first: 7 + cut)
                #expect(end &+ positionedSum(base, count: cut, first: 7) == whole)
            }
            #expect(positionedSum(base, count: 1000, first: 8) != whole)
        }
    }

    @Test func aChangedBitOrAnExchangeChangesTheSum() {
        let words = (0..<64).map { UInt64($0 / 2) }
        let sum = positionedSum(words, count: 64, first: 0)
        for bit in 0..<64 {
            var changed = words
            changed[bit] ^= 1 << UInt64(bit)
            #expect(positionedSum(changed, count: 64, first: 0) != sum)
            changed = words
            changed.swapAt(bit, (bit + 2) % 64)
            #expect(positionedSum(changed, count: 64, first: 0) != sum)
        }
    }
}
