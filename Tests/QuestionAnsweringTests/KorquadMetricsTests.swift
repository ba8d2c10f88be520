import QuestionAnswering
import Testing

struct KorquadMetricsTests {
    @Test func listedSymbolsSeparateAndPunctuationVanishes() {
        #expect(KorquadMetrics.score("《아리랑》(노래)", golds: ["아리랑 노래"]).exactMatch == 1)
        #expect(KorquadMetrics.score("3.14%", golds: ["314"]).exactMatch == 1)
        #expect(KorquadMetrics.score("아-리랑", golds: ["아 리랑"]) == AnswerScore(exactMatch: 0, f1: 1))
    }

    @Test func f1CountsCodePointsOtherThanWhiteSpace() {
        let score = KorquadMetrics.score("서울특별시에서", golds: ["서울 특별시"])
        #expect(score.exactMatch == 0)
        #expect(score.f1 == 2 * (5.0 / 7) * 1 / (5.0 / 7 + 1))
    }

    @Test func noCommonCodePointScoresZeroAlsoWhenBothAreEmpty() {
        #expect(KorquadMetrics.score("", golds: ["!"]) == AnswerScore(exactMatch: 1, f1: 0))
        #expect(KorquadMetrics.score("가", golds: ["\u{1100}\u{1161}"]) == AnswerScore(exactMatch: 0, f1: 0))
    }
}
