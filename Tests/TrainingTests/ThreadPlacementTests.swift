import TestSupport
import Testing

@testable import Training

@Suite struct ThreadPlacementTests {
    private static func crowded(_ ranks: [(Set<Int>, Int)]) -> Set<Int> { ThreadPlacement(ranks).crowded }

    @Test func threadsWithACoreEachAreNotCrowded() {
        #expect(Self.crowded([]) == [])
        #expect(Self.crowded([([0, 1], 1), ([0, 1], 1)]) == [])
        #expect(Self.crowded([([0, 1, 2], 3), ([3], 1)]) == [])
    }

    @Test func ranksThatShareTooFewCoresAreNamedAndNoOthers() {
        #expect(Self.crowded([([0], 1), ([1], 1), ([0], 1)]) == [0, 2])
        #expect(Self.crowded([([0], 2), ([1, 2], 2)]) == [0])
        #expect(Self.crowded([([0], 2), ([1], 1), ([2], 2)]) == [0, 2])
    }

    @Test func aThreadMovesToAnotherCoreForOneThatHasNoChoice() {
        #expect(Self.crowded([([0, 1, 2], 1), ([0], 1), ([1], 1)]) == [])
        #expect(Self.crowded([([0, 1], 1), ([1, 2], 1), ([2, 3], 1), ([0], 1)]) == [])
        #expect(Self.crowded([([0, 1], 1), ([0], 1), ([1], 1)]) == [0, 1, 2])
    }

    /// By Hall's theorem, threads have a core each just when no set of ranks has more threads than cores.
    @Test func whatIsCrowdedIsSoByCountingToo() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let ranks = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                let cores = Set(
                    (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                        Int.random(in: 0..<6, using: &generator)
                    })
                return (cores, Int.random(in: 1...3, using: &generator))
            }
            let excess = (0..<1 << ranks.count).contains { subset in
                Self.isCrowded(ranks.indices.filter { subset >> $0 & 1 == 1 }, of: ranks)
            }
            let crowded = Self.crowded(ranks)
            #expect(crowded.isEmpty == !excess, "\(ranks)")
            #expect(crowded.isEmpty || Self.isCrowded(crowded.sorted(), of: ranks), "\(ranks)")
        }
    }

    private static func isCrowded(_ members: [Int], of ranks: [(Set<Int>, Int)]) -> Bool {
        let cores = members.reduce(into: Set<Int>()) { $0.formUnion(ranks[$1].0) }
        return members.reduce(0) { $0 + ranks[$1].1 } > cores.count
    }
}
