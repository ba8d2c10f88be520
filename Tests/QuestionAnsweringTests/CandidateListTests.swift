import Foundation
import TestSupport
import Testing

@testable import QuestionAnswering

struct CandidateListTests {
    private func candidate(_ text: String, _ start: Int, _ probability: Float, logit: Float = 0)
        -> ScoredAnswer
    {
        ScoredAnswer(
            text: text, start: start, end: start + text.unicodeScalars.count, startLogit: logit,
            endLogit: 2 * logit, probability: probability)
    }

    private func list(_ candidates: [ScoredAnswer], odds: Float? = nil) -> CandidateList {
        CandidateList(questionID: "q", candidates: candidates, nullOdds: odds)
    }

    private static let placeholder = ScoredAnswer(
        text: "empty", start: 0, end: 0, startLogit: 0, endLogit: 0, probability: 1)

    @Test func aSpanMissingFromAListCountsAsNothing() {
        let mean = CandidateList.averaged(
            [
                list([candidate("가", 3, 0.6, logit: 1), candidate("나", 4, 0.4)]),
                list([candidate("나", 4, 0.75), candidate("다", 5, 0.25, logit: 3)]),
            ], bestCount: 20)
        #expect(mean.candidates.map(\.text) == ["나", "가", "다"])
        #expect(mean.candidates.map(\.probability) == [Float(0.575), 0.3, 0.125])
        #expect(mean.candidates.map(\.startLogit) == [0, 1, 3])
        #expect(mean.nullOdds == nil)
    }

    @Test func theSameSpanOfTwoWindowsIsAddedUp() {
        let mean = CandidateList.averaged(
            [
                list([
                    candidate("가", 3, 0.5, logit: 4), candidate("가", 3, 0.25, logit: 2),
                    candidate("나", 4, 0.25),
                ]),
                list([candidate("나", 4, 1)]),
            ], bestCount: 20)
        #expect(mean.candidates.map(\.text) == ["나", "가"])
        #expect(mean.candidates[1].probability == 0.375 && mean.candidates[1].startLogit == 4)
    }

    @Test func equalOnesComeByStartThenLengthTheNullAnswerLast() {
        let lists = [
            list([candidate("", 0, 0.5), candidate("나다", 4, 0.5)], odds: 0),
            list([candidate("나", 4, 0.5), candidate("가", 3, 0.5), candidate("", 0, 0)], odds: -9),
        ]
        let texts = ["가", "나", "나다", ""]
        #expect(CandidateList.averaged(lists, bestCount: 20).candidates.map(\.text) == texts)
        #expect(CandidateList.averaged(lists.reversed(), bestCount: 20).candidates.map(\.text) == texts)
        // The null answer stays though it is not among the best.
        #expect(CandidateList.averaged(lists, bestCount: 2).candidates.map(\.text) == ["가", "나", ""])
    }

    @Test func nullOddsCompareTheMeanProbabilities() throws {
        let mean = CandidateList.averaged(
            [
                list([candidate("가", 3, 0.75), candidate("", 0, 0.25)], odds: log(Float(1.0 / 3))),
                list([candidate("", 0, 0.5), candidate("나", 4, 0.5)], odds: 0),
            ], bestCount: 20)
        #expect(abs(try #require(mean.nullOdds) - 0) < 1e-6)
        let sure = CandidateList.averaged(
            [list([candidate("가", 3, 1), candidate("", 0, 0)], odds: -200)] + [
                list([candidate("가", 3, 1), candidate("", 0, 0)], odds: -300)
            ], bestCount: 20)
        #expect(try #require(sure.nullOdds).isFinite && sure.nullOdds ?? 0 < -100)
    }

    @Test func theOddsOfOneModelTwiceAreItsOwn() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let scores = (0..<6).map { _ in Float.random(in: -5...5, using: &random) }
            let sum = scores.reduce(0) { $0 + exp($1) }
            let null = Int.random(in: 0..<6, using: &random)
            let candidates = scores.enumerated().map { index, score in
                candidate(index == null ? "" : "가", index == null ? 0 : 10 + index, exp(score) / sum)
            }.sorted { $0.probability > $1.probability }
            let best = scores.enumerated().filter { $0.offset != null }.map(\.element).max() ?? 0
            let one = list(candidates, odds: scores[null] - best)
            let mean = CandidateList.averaged([one, one, one], bestCount: 20)
            #expect(abs(try #require(mean.nullOdds) - (scores[null] - best)) < 1e-4)
            #expect(mean.candidates.map(\.text) == one.candidates.map(\.text))
        }
    }

    @Test func aListOfOneModelIsGivenBack() {
        let one = list([candidate("가", 3, 0.5), candidate("가", 3, 0.5)], odds: 3)
        #expect(CandidateList.averaged([one], bestCount: 1) == one)
    }

    @Test func thePlaceholderYieldsToCandidates() {
        let empty = list([Self.placeholder])
        let mean = CandidateList.averaged([empty, list([candidate("가", 3, 1)])], bestCount: 20)
        #expect(mean.candidates.map(\.text) == ["가"])
        #expect(CandidateList.averaged([empty, empty], bestCount: 20).candidates == [Self.placeholder])
    }
}
