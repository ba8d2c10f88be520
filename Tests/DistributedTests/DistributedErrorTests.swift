import Distributed
import Testing

@Suite struct DistributedErrorTests {
    @Test("ranks are listed by host, few hosts by name")
    func rankNames() {
        let few = [(1, "a"), (2, "b"), (3, "b"), (4, "b")].map { RankName(rank: $0, host: $1) }
        #expect(RankName.list(few) == "rank 1 on host a, ranks 2, 3 and 4 on host b")
        let many = (0..<11).map { RankName(rank: $0, host: "h\($0)") }
        #expect(RankName.list(many).hasSuffix("rank 7 on host h7, those of 3 more hosts"))
    }

    @Test("a time-out names activity, place, limit and the missing ranks")
    func timedOut() {
        let missing = [RankName(rank: 3, host: "b")]
        let error = DistributedError.timedOut(
            activity: "sum of gradients", place: "step 4", seconds: 2.5, missing: missing)
        #expect(
            error.description.hasPrefix(
                "no answer from rank 3 on host b within 2.5 s (sum of gradients, step 4): "))
        let none = DistributedError.timedOut(activity: "sum", place: "", seconds: 600, missing: [])
        #expect(none.description.hasPrefix("all ranks wait for each other since 600 s (sum): "))
        #expect(error.exitCode == 69)
    }
}
