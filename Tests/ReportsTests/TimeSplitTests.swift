import TestSupport
import Testing

@testable import Reports

@Suite struct TimeSplitTests {
    private static func split(_ lines: [String]) throws -> TimeSplit {
        try #require(TimeSplit(try RunCase(metrics: lines).report().metrics.training))
    }

    private static func isNear(_ one: Double, _ other: Double) -> Bool { abs(one - other) < 1e-12 }

    @Test func eachRankWaitsForTheSlowest() throws {
        let split = try Self.split([
            RunCase.train(10, ranks: "[0.3,0.4]"), RunCase.train(20, ranks: "[0.3,0.4]"),
        ])
        #expect(split.isByRank && split.steps == 20 && split.ranks.count == 2)
        // The mean wait is 0.05, so the slowest took 0.4 on average.
        #expect(Self.isNear(split.ranks[0].compute, 0.3) && Self.isNear(split.ranks[0].waiting, 0.1))
        #expect(Self.isNear(split.ranks[1].waiting, 0))
        #expect(Self.isNear(split.ranks[0].communication, 0.05))
        #expect(split.ranks.allSatisfy { Self.isNear($0.total, 0.5) })
    }

    /// Ranks that are slowest by turns wait, though their means are equal.
    @Test func turnsOfBeingSlowestAreWaiting() throws {
        let split = try Self.split([RunCase.train(10, ranks: "[0.35,0.35]")])
        #expect(split.ranks.allSatisfy { Self.isNear($0.waiting, 0.05) })
    }

    @Test func anotherNumberOfRanksBeginsAnew() throws {
        let split = try Self.split([
            RunCase.train(10, ranks: "[0.3,0.4]"), RunCase.train(15, ranks: "[0.2,0.2,0.3]"),
        ])
        #expect(split.ranks.count == 3 && split.steps == 5)
    }

    @Test func runsWithoutTheRanksTimesHaveRankZero() throws {
        let split = try Self.split([RunCase.train(10, ranks: "[]")])
        #expect(!split.isByRank && split.ranks.count == 1)
        #expect(Self.isNear(split.ranks[0].compute, 0.32) && Self.isNear(split.ranks[0].communication, 0.1))
    }

    @Test func linesCountByTheirSteps() throws {
        let split = try Self.split([
            RunCase.train(30, ranks: "[0.1,0.1]"), RunCase.train(40, ranks: "[0.3,0.3]"),
        ])
        #expect(Self.isNear(split.ranks[0].compute, 0.15))
    }

    @Test func lengthsAreCountedInBars() throws {
        let lengths = LengthHistogram([
            (tokens: 1, question: 0, window: 0), (tokens: 8, question: 0, window: 1),
            (tokens: 9, question: 1, window: 0), (tokens: 384, question: 2, window: 0),
        ])
        #expect(lengths.width == 16 && lengths.counts.count == 24)
        #expect(lengths.counts[0] == 3 && lengths.counts[23] == 1 && lengths.longest == 384)
        #expect(lengths.questions == 3 && lengths.cutQuestions == 1)
        #expect(LengthHistogram([(tokens: Int, question: Int, window: Int)]()).counts.isEmpty)
    }
}
