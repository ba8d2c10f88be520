import TestSupport
import Testing

@testable import QuestionAnswering

struct MinimumRiskTests {
    private struct Row: FixtureRow {
        let candidates: [Entry]
        let answer: String
        let risk: Double

        init(row: inout any UnkeyedDecodingContainer) throws {
            candidates = try row.decode([Entry].self)
            answer = try row.decode(String.self)
            risk = try row.decode(Double.self)
        }
    }

    private struct Entry: FixtureRow {
        let text: String
        let probability: Float

        init(row: inout any UnkeyedDecodingContainer) throws {
            text = try row.decode(String.self)
            probability = try row.decode(Float.self)
        }
    }

    /// Candidates at made-up places that are as long as their texts; the empty one is the null answer.
    private static func answers(_ entries: [(String, Float)]) -> [ScoredAnswer] {
        entries.enumerated().map { index, entry in
            let start = entry.0.isEmpty ? 0 : 100 * (index + 1)
            return ScoredAnswer(
                text: entry.0, start: start, end: start + entry.0.unicodeScalars.count, startLogit: 1,
                endLogit: 2, probability: entry.1)
        }
    }

    @Test func theChoiceIsThatOfTryingEverything() throws {
        let rows: [Row] = try fixture("answers/decoding.json")
        #expect(rows.count == 600)
        for (index, row) in rows.enumerated() {
            let candidates = Self.answers(row.candidates.map { ($0.text, $0.probability) })
            let answer = MinimumRisk.answer(from: candidates)
            #expect(isSameText(answer?.text ?? "", row.answer), "row \(index)")
            #expect(abs(risk(of: row.answer, candidates) - row.risk) < 1e-9)
        }
    }

    private func risk(of text: String, _ candidates: [ScoredAnswer]) -> Double {
        candidates.reduce(0) { $0 + Double($1.probability) * Double(editDistance($1.text, text)) }
    }

    @Test func noTextOfTheListHasLessRisk() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let candidates = Self.answers(
                (0..<Int.random(in: 1...20, using: &random)).map { _ in
                    let length = Int.random(in: 0...9, using: &random)
                    let text = (0..<length).map { _ in "강산은는 \"".randomElement(using: &random) ?? "강" }
                    return (String(text), Float.random(in: 0...1, using: &random))
                })
            let chosen = risk(of: MinimumRisk.answer(from: candidates)?.text ?? "", candidates)
            #expect(candidates.allSatisfy { chosen <= risk(of: $0.text, candidates) + 1e-6 })
            #expect(chosen <= risk(of: "", candidates) + 1e-6)
        }
    }

    @Test func aTrimmedFormCarriesTheNarrowerSpan() throws {
        // No candidate is 거북선, but it is nearest to all three.
        let answer = try #require(
            MinimumRisk.answer(from: Self.answers([("‘거북선", 0.34), ("거북선을", 0.33), ("거북선의 배", 0.33)])))
        #expect(answer.text == "거북선")
        #expect(answer.start == 101 && answer.end == 104)
    }

    @Test func theEmptyAnswerCompetesByItsRiskAlone() {
        #expect(MinimumRisk.answer(from: Self.answers([("가나", 0.2), ("다라", 0.2), ("", 0.6)])) == nil)
        #expect(MinimumRisk.answer(from: Self.answers([("가나", 0.5), ("가나다", 0.1), ("", 0.4)]))?.text == "가나")
        // Nothing in common: three answers of two code points are 2 apart, and all of them 2 from nothing.
        let apart = Self.answers([("가나", 0.4), ("다라", 0.35), ("마바", 0.25)])
        #expect(MinimumRisk.answer(from: apart)?.text == "가나")
    }

    @Test func sameTextsCountTogether() {
        let candidates = Self.answers([("강원", 0.4), ("서울", 0.35), ("서울", 0.25)])
        #expect(MinimumRisk.answer(from: candidates)?.start == 200)
    }

    @Test func withoutACandidateTheAnswerIsEmpty() {
        #expect(MinimumRisk.answer(from: []) == nil)
        let placeholder = ScoredAnswer(
            text: "empty", start: 0, end: 0, startLogit: 0, endLogit: 0, probability: 1)
        #expect(MinimumRisk.answer(from: [placeholder]) == nil)
    }
}
