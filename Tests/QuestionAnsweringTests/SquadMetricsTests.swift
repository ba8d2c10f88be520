import Testing

@testable import QuestionAnswering

struct SquadMetricsTests {
    @Test func articlesGoOnlyAsWholeWords() {
        func words(_ text: String) -> [String] {
            SquadMetrics.normalizedWords(text).map { CodePoints.text(of: $0) }
        }
        #expect(words("The cat, an a-b  A!") == ["cat", "ab"])
        #expect(words("the한강 a 3a é.a") == ["the한강", "3a", "éa"])
        #expect(words("a\u{308} the\u{200B}x").count == 2)
    }

    @Test func theVersionsDifferWhereAnAnswerIsEmpty() {
        #expect(
            SquadMetrics.score("", golds: ["the"], version: .version1) == AnswerScore(exactMatch: 1, f1: 0))
        #expect(
            SquadMetrics.score("", golds: ["the"], version: .version2) == AnswerScore(exactMatch: 1, f1: 1))
        #expect(SquadMetrics.score("x", golds: [], version: .version2) == AnswerScore(exactMatch: 0, f1: 0))
        #expect(SquadMetrics.score("", golds: [], version: .version2) == AnswerScore(exactMatch: 1, f1: 1))
        #expect(
            SquadMetrics.score("", golds: ["", "x"], version: .version2) == AnswerScore(exactMatch: 0, f1: 0))
    }

    @Test func theBestGoldAnswerCounts() {
        let score = SquadMetrics.score("b c", golds: ["x", "b c d e", "b"], version: .version1)
        #expect(score.exactMatch == 0)
        #expect(score.f1 == 2 * 1 * 0.5 / 1.5)
    }
}
