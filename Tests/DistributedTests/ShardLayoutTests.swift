import Distributed
import TestSupport
import Testing

@Suite struct ShardLayoutTests {
    /// Random layouts; ranks on random hosts.
    private static func forEachCase(_ body: (ShardLayout, RankGroups) -> Void) {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<150 {
            let ranks = Int.random(in: 1...9, using: &generator)
            let count = Int.random(
                in: 1...(Bool.random(using: &generator) ? 400 : 900_000), using: &generator)
            let bucket = Int.random(in: 1...2 * count, using: &generator)
            let hosts = (0..<ranks).map { _ in Int.random(in: 0...3, using: &generator) }
            body(
                ShardLayout(
                    count: count, ranks: ranks, bucketSize: bucket,
                    table: Bool.random(using: &generator) ? 0 : Int.random(in: 0...count, using: &generator)),
                RankGroups(groupOfRank: hosts))
        }
    }

    @Test("buckets go from the end to the beginning, and every element has one owner")
    func owners() {
        Self.forEachCase { layout, _ in
            #expect(layout.buckets.reversed().flatMap { $0 }.elementsEqual(0..<layout.count))
            for (index, bucket) in layout.buckets.enumerated() {
                let shares = (0..<layout.ranks).map { layout.share(of: index, rank: $0) }
                #expect(shares.flatMap { $0 }.elementsEqual(bucket))
                let blocks = shares.map { ($0.count + layout.block - 1) / layout.block }
                #expect((blocks.max() ?? 0) - (blocks.min() ?? 0) <= 1)
            }
            for rank in 0..<layout.ranks {
                let owned = layout.owned(by: rank)
                #expect(owned == owned.sorted { $0.lowerBound < $1.lowerBound })
                #expect(owned.allSatisfy { $0.lowerBound % layout.block == 0 })
            }
        }
    }

    @Test("a table has buckets of its own, and what comes after it the smallest")
    func table() {
        // BERT-base: 30,000 rows of 768.
        let table = 30_000 * 768
        let layout = ShardLayout(count: 108_000_000, ranks: 2, bucketSize: 6_250_000, table: table)
        let sizes = layout.buckets.filter { $0.upperBound > table }.map(\.count)
        #expect(layout.buckets.allSatisfy { $0.upperBound <= table || $0.lowerBound > table - layout.block })
        #expect(sizes.last.map { $0 < 500_000 } == true && sizes.max().map { $0 > 6_000_000 } == true)
        // Each about twice as large as the one that is needed before it; the first is what is left.
        for (larger, smaller) in zip(sizes.dropFirst(), sizes.dropFirst(2)) {
            #expect(larger <= 2 * smaller && larger >= smaller)
        }
    }

    @Test("in every group each element has one rank that handles it, its owner where that belongs to it")
    func handlers() {
        Self.forEachCase { layout, groups in
            for members in groups.groups {
                var handled = [Int](repeating: 0, count: layout.count)
                for rank in members {
                    let ranges = layout.handled(by: rank, in: groups)
                    #expect(ranges == ranges.sorted { $0.lowerBound < $1.lowerBound })
                    for index in ranges.joined() { handled[index] += 1 }
                    #expect(
                        layout.owned(by: rank).elementCount
                            == ranges.intersection(layout.owned(by: rank)).elementCount)
                }
                #expect(handled.allSatisfy { $0 == 1 })
            }
        }
    }

    @Test("the grid of a model's layout does not depend on ranks and buckets, and has thousands of blocks")
    func grid() {
        let count = 109_000_000
        let blocks = [(1, 1), (2, 6_000_000), (7, 50_000_000)].map {
            ShardLayout(count: count, ranks: $0.0, bucketSize: $0.1).block
        }
        #expect(Set(blocks).count == 1)
        #expect((1_000...4_096).contains(count / blocks[0]))
        // Whole pages, so that what a rank does not own takes no memory.
        #expect(blocks[0] * 4 % 4_096 == 0)
    }

    @Test("groups keep the ranks' order and are numbered by their first")
    func groups() {
        let groups = RankGroups(groupOfRank: [7, 2, 7, 2, 5])
        #expect(groups.groups == [[0, 2], [1, 3], [4]])
        #expect((0..<5).map(groups.group(of:)) == [0, 1, 0, 1, 2])
        #expect(groups.members(with: 3) == [1, 3] && groups.member(3) == 1)
        #expect(groups.handler(of: 3, in: 1) == 3 && groups.handler(of: 3, in: 0) == 2)
        #expect(groups.handler(of: 3, in: 2) == 4 && groups.handler(of: 4, in: 1) == 1)
    }

    @Test("parts and intersections of ranges are those of their elements")
    func ranges() {
        var generator = SeededGenerator(seed: 8)
        func random() -> [Range<Int>] {
            var start = 0
            return (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                let first = start + Int.random(in: 0...4, using: &generator)
                start = first + Int.random(in: 1...9, using: &generator)
                return first..<start
            }
        }
        for _ in 0..<300 {
            let (a, b) = (random(), random())
            let low = Int.random(in: 0...30, using: &generator)
            let bounds = low..<low + Int.random(in: 0...30, using: &generator)
            #expect(Array(a.clamped(to: bounds).joined()) == a.joined().filter(bounds.contains))
            let common = Set(a.joined()).intersection(b.joined())
            #expect(Array(a.intersection(b).joined()) == common.sorted())
            #expect(a.elementCount == a.joined().count)
        }
    }
}
