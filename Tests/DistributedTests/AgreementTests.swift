import Distributed
import TestSupport
import Testing

@Suite struct AgreementTests {
    private struct BadData: ExitCoded, CustomStringConvertible {
        var exitCode: Int32 { 65 }
        let description: String
    }

    private struct Surprise: Error {}

    @Test("what works on every rank goes on with each rank's own result", arguments: [1, 2, 4])
    func goesOn(_ size: Int) throws {
        let results = onRanks(size) { ranks in try ranks.together { ranks.rank * 10 } }
        #expect(try results.map { try $0.get() } == (0..<size).map { $0 * 10 })
    }

    @Test("ranks that fail make all ranks throw the first one's error, which is one rank's own")
    func oneFailure() {
        let results = onRanks(4) { ranks in
            try ranks.together {
                if ranks.rank >= 2 { throw BadData(description: "두레 \(ranks.rank)") }
            }
        }
        for (rank, result) in results.enumerated() {
            guard let failure = failure(of: result) else {
                Issue.record("rank \(rank) went on")
                continue
            }
            #expect(failure.rank == 2 && failure.isOwn == (rank == 2))
            #expect(failure.exitCode == 65 && failure.description == "두레 2")
        }
        #expect(results.count == 4)
    }

    @Test("all ranks know the smallest of their values")
    func smallest() throws {
        let values = [7, Int.max, -3, 7]
        let results = onRanks(4) { ranks in try ranks.minimum(values[ranks.rank]) }
        #expect(try results.map { try $0.get() } == [-3, -3, -3, -3])
    }

    @Test("after a failure that was caught, ranks are still in step")
    func staysInStep() throws {
        let results = onRanks(3) { ranks in
            for culprit in 0..<3 {
                _ = try? ranks.together { if ranks.rank == culprit { throw Surprise() } }
            }
            var total = [Double(ranks.rank)]
            try ranks.sum(&total)
            return total[0]
        }
        #expect(try results.map { try $0.get() } == [3, 3, 3])
    }

    @Test("an error without an exit code counts as a bug")
    func unknownError() {
        let results = onRanks(2) { ranks in try ranks.together { throw Surprise() } }
        let failures = results.compactMap { failure(of: $0) }
        #expect(failures.map(\.exitCode) == [70, 70] && failures.map(\.rank) == [0, 0])
    }

    @Test("a single process throws the error itself")
    func singleProcess() throws {
        #expect(throws: Surprise.self) { try SingleProcess().together { throw Surprise() } }
        #expect(try SingleProcess().together { 5 } == 5)
        try SingleProcess().requireEqual(7, "weights")
    }

    @Test("work of the root runs on rank 0 alone, and its failure is everyone's")
    func rootAlone() throws {
        let results = onRanks(3) { ranks in
            var ran = false
            try ranks.onRoot { ran = true }
            return ran
        }
        #expect(try results.map { try $0.get() } == [true, false, false])
        let failed = onRanks(3) { ranks in
            try ranks.onRoot { throw BadData(description: "disk full") }
        }
        #expect(failed.compactMap { failure(of: $0) }.map(\.isOwn) == [true, false, false])
    }

    @Test("a number that differs between ranks is named on every rank, with the ranks that disagree")
    func requireEqual() {
        let same = onRanks(3) { try $0.requireEqual(.max, "weights") }
        #expect(same.allSatisfy { failure(of: $0) == nil })
        // The highest bit alone, on two ranks of four.
        let different = onRanks(4, hosts: [0, 0, 1, 2]) { ranks in
            try ranks.requireEqual(ranks.rank % 2 == 1 ? 1 << 63 : 0, "weights")
        }
        let failures = different.compactMap { failure(of: $0) }
        let names = [RankName(rank: 1, host: "host0"), RankName(rank: 3, host: "host2")]
        let expected = DistributedError.replicasDiffer(what: "weights", ranks: names)
        #expect(failures.map(\.isOwn) == [false, true, false, false])
        for failure in failures {
            #expect(failure.exitCode == 69 && failure.rank == 1)
            #expect(failure.description == expected.description)
            #expect(failure.description.contains("rank 1 on host host0, rank 3 on host host2"))
        }
    }

    private func failure<Value>(of result: Result<Value, any Error>) -> AgreedFailure? {
        guard case .failure(let error) = result else { return nil }
        return error as? AgreedFailure
    }
}
