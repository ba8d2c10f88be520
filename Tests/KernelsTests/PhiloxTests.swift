import Kernels
import Testing

@Suite struct PhiloxTests {
    /// philox4x32-10 in `kat_vectors` of Random123.
    @Test("blocks are the published known answers")
    func knownAnswers() {
        let ones = UInt32.max
        let answers: [(counter: Philox.Block, key: (UInt32, UInt32), expected: Philox.Block)] = [
            ((0, 0, 0, 0), (0, 0), (0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
            ((ones, ones, ones, ones), (ones, ones), (0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)),
            (
                (0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), (0xA409_3822, 0x299F_31D0),
                (0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
            ),
        ]
        for answer in answers { #expect(Philox.block(answer.counter, key: answer.key) == answer.expected) }
    }

    @Test("a generator draws block after block of its own counters")
    func generatorCounts() {
        var generator = PhiloxGenerator(seed: 0x0123_4567_89AB_CDEF, purpose: .sampling, stream: 9)
        for index in 0..<5 as Range<UInt32> {
            let words = Philox.block((index, 0, 9, 3 << 28), key: (0x89AB_CDEF, 0x0123_4567))
            #expect(generator.next() == UInt64(words.0) << 32 | UInt64(words.1))
        }
    }

    @Test("seeds, purposes and streams differ, and equal ones repeat")
    func streamsDiffer() {
        func draws(_ seed: UInt64, _ purpose: PhiloxGenerator.Purpose, _ stream: UInt32) -> [UInt64] {
            var generator = PhiloxGenerator(seed: seed, purpose: purpose, stream: stream)
            return (0..<100).map { _ in generator.next() }
        }
        var seen = Set<UInt64>()
        for seed in [0, 1, 1 << 32, .max] as [UInt64] {
            for purpose in [.dropout, .shuffling, .initialization, .sampling] as [PhiloxGenerator.Purpose] {
                for stream in [0, 1, .max] as [UInt32] { seen.formUnion(draws(seed, purpose, stream)) }
            }
        }
        #expect(seen.count == 4 * 4 * 3 * 100)
        #expect(draws(42, .shuffling, 3) == draws(42, .shuffling, 3))
    }

    @Test("uniform draws fill the half-open unit interval evenly")
    func uniform() {
        var generator = PhiloxGenerator(seed: 42, purpose: .initialization)
        let count = 64_000
        var bins = [Int](repeating: 0, count: 64)
        for _ in 0..<count {
            let x = generator.nextUniform()
            guard (0..<1).contains(x) else {
                Issue.record("\(x) is outside")
                return
            }
            bins[Int(x * 64)] += 1
        }
        let expected = Double(count) / 64
        let chiSquare = bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // 63 degrees of freedom, standard deviation √126: five of them either side.
        #expect(abs(chiSquare - 63) < 5 * 126.0.squareRoot())
    }
}
