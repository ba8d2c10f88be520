import Distributed
import TestSupport
import Testing

@Suite struct CommunicatorTests {
    /// Everything a rank learns from one of each exchange.
    private struct Heard: Equatable {
        var doubles: [Double]
        var broadcast: [UInt8]
        var gathered: [[UInt8]]?
        var everywhere: [[UInt8]]
        var isRoot: Bool
    }

    private static func exchange(_ ranks: any Communicator, root: Int) throws -> Heard {
        let own = ranks.rank + 1
        var doubles = [Double(own) / 8]
        try ranks.sum(&doubles)
        var bytes = [UInt8](repeating: UInt8(own), count: 3)
        try bytes.withUnsafeMutableBytes { try ranks.broadcast($0, from: root) }
        let part = [UInt8](repeating: UInt8(own), count: ranks.rank)
        return Heard(
            doubles: doubles, broadcast: bytes, gathered: try ranks.gather(part),
            everywhere: try ranks.allGather(part), isRoot: ranks.isRoot)
    }

    @Test("a single process hears what it says")
    func singleProcess() throws {
        let ranks = SingleProcess()
        #expect((ranks.rank, ranks.size) == (0, 1) && (ranks.rankOnHost, ranks.ranksOnHost) == (0, 1))
        let heard = try Self.exchange(ranks, root: 0)
        let expected = Heard(
            doubles: [0.125], broadcast: [1, 1, 1], gathered: [[]], everywhere: [[]],
            isRoot: true)
        #expect(heard == expected)
        #expect(ranks.gather([7, 8]) == [[7, 8]] && ranks.allGather([9]) == [[9]])
        ranks.abort(code: 1)
        ranks.finalize()
    }

    @Test(
        "several ranks hear the same sums, the root's bytes and parts of any length", arguments: [1, 2, 3, 5])
    func severalRanks(_ size: Int) throws {
        let root = size - 1
        let heard = try onRanks(size) { try Self.exchange($0, root: root) }.map { try $0.get() }
        let numbers = Array(1...size)
        let parts = (0..<size).map { [UInt8](repeating: UInt8($0 + 1), count: $0) }
        for (rank, heard) in heard.enumerated() {
            let expected = Heard(
                doubles: [Double(numbers.reduce(0, +)) / 8],
                broadcast: [UInt8](repeating: UInt8(root + 1), count: 3),
                gathered: rank == 0 ? parts : nil, everywhere: parts, isRoot: rank == 0)
            #expect(heard == expected, "rank \(rank)")
        }
        #expect(heard.count == size)
    }

    @Test("ranks with one label are a run of their own, in the same order")
    func parts() throws {
        let heard = try valuesOnRanks(5, hosts: [0, 0, 0, 1, 1]) { ranks in
            let part = try ranks.split(by: ranks.rank % 2)
            var numbers = [Double(ranks.rank)]
            try part.sum(&numbers)
            let members = try part.allGather([UInt8(ranks.rank)])
            // The whole goes on as it was.
            try ranks.sum(&numbers)
            return (part.rank, part.ranksOnHost, members.map { $0[0] }, numbers[0])
        }
        #expect(heard.map(\.0) == [0, 0, 1, 1, 2])
        #expect(heard.map(\.1) == [2, 1, 2, 1, 1])
        #expect(heard.map(\.2) == [[0, 2, 4], [1, 3], [0, 2, 4], [1, 3], [0, 2, 4]])
        #expect(heard.allSatisfy { $0.3 == 3 * 6 + 2 * 4 })
    }
}
