import Distributed
import TestSupport
import Testing

@testable import Training

@Suite struct ThreadBudgetTests {
    /// A rank on a host of eight cores.
    private static func rank(
        _ processors: Set<Int> = Set(0..<8), on host: String = "node", offered: Set<Int>? = nil,
        quota: Int? = nil, threads: Int? = nil
    ) -> RankCores {
        RankCores(
            host: host, online: 8, processors: processors, offered: offered, quota: quota,
            requested: threads)
    }

    private static func threads(_ ranks: [RankCores]) -> [Int] {
        ranks.indices.map { ThreadBudget(ranks, rank: $0).threads }
    }

    private static func notices(_ ranks: [RankCores]) -> [String] { ThreadBudget(ranks, rank: 0).notices }

    private static func repeated(_ rank: RankCores, _ count: Int) -> [RankCores] {
        Array(repeating: rank, count: count)
    }

    // MARK: Shares

    @Test(arguments: [(1, 8), (2, 4), (3, 2), (5, 1), (8, 1)])
    func ranksThatAreNotBoundDivideTheirHost(ranks: Int, share: Int) {
        let all = Self.repeated(Self.rank(), ranks)
        #expect(Self.threads(all) == Array(repeating: share, count: ranks))
        #expect(Self.notices(all).isEmpty)
    }

    @Test func hostsAreDividedByTheirOwnRanks() {
        let ranks = [Self.rank(on: "a"), Self.rank(on: "b"), Self.rank(on: "a")]
        #expect(Self.threads(ranks) == [4, 8, 4])
        #expect(Self.notices(ranks).isEmpty)
    }

    @Test func ranksBoundToCoresOfTheirOwnUseThose() {
        let ranks = [Self.rank([0, 1, 2]), Self.rank([3])]
        #expect(Self.threads(ranks) == [3, 1])
        #expect(Self.notices(ranks).isEmpty)
    }

    @Test func aRankThatMayRunAnywhereLeavesOthersTheirCores() {
        #expect(Self.threads([Self.rank([0]), Self.rank([0, 1])]) == [1, 1])
        let ranks = [Self.rank([0]), Self.rank([1]), Self.rank([0, 1, 2])]
        #expect(Self.threads(ranks) == [1, 1, 1])
        #expect(Self.notices(ranks).isEmpty)
    }

    @Test func aQuotaBelowTheCoresIsDividedInstead() {
        #expect(Self.threads([Self.rank(quota: 3)]) == [3])
        let ranks = Self.repeated(Self.rank(quota: 5), 2)
        #expect(Self.threads(ranks) == [2, 2])
        #expect(Self.notices(ranks).isEmpty)
        #expect(Self.threads(Self.repeated(Self.rank(quota: 64), 2)) == [4, 4])
        let bound = [Self.rank([0, 1, 2], quota: 3), Self.rank([3], quota: 3)]
        #expect(Self.threads(bound) == [2, 1])
    }

    @Test func threadsThatTheUserGivesCountBeforeShares() {
        let ranks = [Self.rank(threads: 6), Self.rank()]
        #expect(Self.threads(ranks) == [6, 2])
        #expect(Self.notices(ranks).isEmpty)
    }

    /// Whatever the bindings, only ranks of a single thread ever compete for cores or a quota.
    @Test func sharesNeverExceedTheCores() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            let quota = Bool.random(using: &generator) ? Int.random(in: 1...8, using: &generator) : nil
            let ranks = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                let cores = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                    Int.random(in: 0..<8, using: &generator)
                }
                return Self.rank(Set(cores), quota: quota)
            }
            let threads = Self.threads(ranks)
            #expect(threads.allSatisfy { $0 >= 1 })
            let crowded = ThreadPlacement(zip(ranks, threads).map { ($0.processors, $1) }).crowded
            #expect(crowded.allSatisfy { threads[$0] == 1 }, "\(ranks)")
            #expect(threads.reduce(0, +) <= max(quota ?? .max, ranks.count), "\(ranks)")
            let isTooMuch = !crowded.isEmpty || threads.reduce(0, +) > quota ?? .max
            #expect(Self.notices(ranks).isEmpty == !isTooMuch, "\(ranks)")
        }
    }

    // MARK: Warnings

    @Test func ranksOnOneCoreAreNamed() {
        let ranks = [Self.rank([0]), Self.rank([1, 2]), Self.rank([0])]
        #expect(Self.threads(ranks) == [1, 2, 1])
        #expect(
            Self.notices(ranks) == [
                "ranks 0,2 have 2 threads but may only run on core 0 of 8 (node): start with mpirun --bind-to "
                    + "none, or start at most 1 rank here"
            ])
    }

    @Test func bindingDoesNotHelpWhereTheLauncherHasNoMore() {
        let ranks = Self.repeated(Self.rank([0], offered: [0]), 2)
        #expect(
            Self.notices(ranks) == [
                "ranks 0-1 have 2 threads but may only run on core 0 of 8 (node): start at most 1 rank here"
            ])
    }

    @Test func threadsBeyondTheCoresOfARankAreHonouredWithAWarning() {
        let bound = [Self.rank([0, 1], threads: 4)]
        #expect(Self.threads(bound) == [4])
        #expect(
            Self.notices(bound) == [
                "rank 0 has 4 threads but may only run on cores 0-1 of 8 (node): give --threads 2"
            ])
        let each = [Self.rank([0], threads: 2), Self.rank([1], threads: 2)]
        #expect(
            Self.notices(each) == [
                "ranks 0-1 have 4 threads but may only run on cores 0-1 of 8 (node): start with mpirun --bind-to "
                    + "none, or give --threads 1 or fewer ranks"
            ])
    }

    @Test func moreThreadsThanTheHostHasCoresAreWarnedOf() {
        let ranks = Self.repeated(Self.rank(threads: 8), 2)
        #expect(Self.threads(ranks) == [8, 8])
        #expect(
            Self.notices(ranks) == [
                "ranks 0-1 have 16 threads for 8 cores (node): give --threads 4 or fewer ranks"
            ])
        let many = Self.repeated(Self.rank(), 9)
        #expect(
            Self.notices(many) == [
                "ranks 0-8 have 9 threads for 8 cores (node): start at most 8 ranks here"
            ])
    }

    @Test func moreThreadsThanTheQuotaAreWarnedOf() {
        #expect(
            Self.notices([Self.rank(quota: 2, threads: 4)]) == [
                "rank 0 has 4 threads for a control group's quota of 2 cores (node): give --threads 2"
            ])
        #expect(
            Self.notices(Self.repeated(Self.rank(quota: 1), 2)) == [
                "ranks 0-1 have 2 threads for a control group's quota of 1 core (node): start at most 1 rank here"
            ])
    }

    @Test func coresThatABindingLeavesIdleAreWarnedOf() {
        let all = Set(0..<8)
        let ranks = [Self.rank([0], offered: all), Self.rank([1], offered: all)]
        #expect(Self.threads(ranks) == [1, 1])
        #expect(
            Self.notices(ranks) == [
                "ranks 0-1 may only run on 2 of the 8 cores that mpirun has, the rest stay idle (node): start with "
                    + "mpirun --bind-to none"
            ])
        // Not where the user says how many, a quota allows no more, or all are used.
        #expect(Self.notices([Self.rank([0], offered: all, threads: 1)]).isEmpty)
        #expect(Self.notices(ranks.map { Self.rank($0.processors, offered: all, quota: 2) }).isEmpty)
        #expect(Self.notices([Self.rank([0], offered: [0, 1]), Self.rank([1], offered: [0, 1])]).isEmpty)
        #expect(Self.notices([Self.rank(offered: all)]).isEmpty)
    }

    @Test func aLargeClusterIsNotListedWhole() {
        let ranks = (0..<100).map { Self.rank(on: "node\($0)", threads: 9) }
        let notices = Self.notices(ranks)
        #expect(notices.count == 4 && notices.last == "97 more hosts likewise")
        #expect(notices.first?.contains("node0") == true)
        #expect(Self.notices(Array(ranks.prefix(4))).count == 4)
    }

    // MARK: Ranks that run

    @Test func ranksTellEachOtherWhatTheyMayUse() throws {
        let own = RankCores(requested: nil)
        let cores = min(own.processors.count, own.quota ?? .max)
        #expect(try ThreadBudget(communicator: SingleProcess()).threads == cores)
        let budgets = try valuesOnRanks(2) { try ThreadBudget(communicator: $0) }
        #expect(budgets.map(\.threads) == [max(1, cores / 2), max(1, cores / 2)])
        let requested = try valuesOnRanks(2) { try ThreadBudget(communicator: $0, requested: 1000) }
        #expect(requested.allSatisfy { $0.threads == 1000 && $0.notices == requested[0].notices })
        #expect(requested[0].notices.first?.contains("ranks 0-1 have 2000 threads") == true)
    }
}
