import Testing

@testable import QuestionAnswering

struct BootstrapTests {
    private static func score(_ exact: Double, distance: Int = 0) -> QuestionScore {
        QuestionScore(
            questionID: "q", squad: AnswerScore(exactMatch: exact, f1: exact),
            korquad: AnswerScore(exactMatch: 1 - exact, f1: 0.5), editDistance: distance, isMissing: false)
    }

    /// Of a share p of n questions: the bounds of a binomial distribution, nearly normal at this n.
    @Test(arguments: [(1000, 700), (5774, 4000), (400, 40)])
    func intervalsOfAShareAreTheBinomialOnes(count: Int, right: Int) throws {
        let scores = (0..<count).map { Self.score($0 < right ? 1 : 0, distance: $0 < right ? 0 : 4) }
        let intervals = try #require(Bootstrap.intervals(of: scores, seed: 42, stream: 0))
        let share = Double(right) / Double(count)
        let spread = 1.959964 * (share * (1 - share) / Double(count)).squareRoot()
        // A thousandth of the resamples either way moves a bound by about a tenth of the spread.
        let near = 0.15 * spread * 100
        #expect(abs(intervals.exactMatch.lower - 100 * (share - spread)) < near)
        #expect(abs(intervals.exactMatch.upper - 100 * (share + spread)) < near)
        #expect(abs(intervals.korquadExactMatch.lower - (100 - intervals.exactMatch.upper)) < 1e-9)
        #expect(abs(intervals.editDistance.upper - (4 - intervals.exactMatch.lower / 25)) < 1e-9)
        #expect(intervals.korquadF1 == ConfidenceInterval(lower: 50, upper: 50))
        #expect(intervals.f1 == intervals.exactMatch)
    }

    @Test func theyAreTheSameOnEveryRunAndOtherForAnotherSeed() {
        let scores = (0..<100).map { Self.score(Double($0 % 7) / 6, distance: $0) }
        let first = Bootstrap.intervals(of: scores, seed: 42, stream: 1)
        #expect(first == Bootstrap.intervals(of: scores, seed: 42, stream: 1))
        #expect(first != Bootstrap.intervals(of: scores, seed: 43, stream: 1))
        #expect(first != Bootstrap.intervals(of: scores, seed: 42, stream: 2))
    }

    @Test func ofOneQuestionTheIntervalIsItsScore() throws {
        let intervals = try #require(Bootstrap.intervals(of: [Self.score(1)], seed: 1, stream: 0))
        #expect(intervals.exactMatch == ConfidenceInterval(lower: 100, upper: 100))
        #expect(Bootstrap.intervals(of: [QuestionScore](), seed: 1, stream: 0) == nil)
    }

    @Test func quantilesLieBetweenTheNearestValues() {
        let values = (0..<1000).map(Double.init)
        #expect(abs(Bootstrap.quantile(0.025, of: values) - 24.975) < 1e-9)
        #expect(abs(Bootstrap.quantile(0.975, of: values) - 974.025) < 1e-9)
        #expect(Bootstrap.quantile(0.975, of: [3]) == 3)
    }

    @Test func indexesAreSpreadEvenlyBelowTheirBound() {
        let random = CounterRandom(seed: 7, stream: 3)
        var counts = Array(repeating: 0, count: 7)
        for counter in 0..<UInt64(70_000) { counts[random.index(below: 7, counter)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
        #expect(random.bits(5) == CounterRandom(seed: 7, stream: 3).bits(5))
    }
}
