import TestSupport
import Testing

@testable import QuestionAnswering

struct AnswerBreakdownTests {
    private static func dataset(_ rows: [(String, String?)]) -> Dataset {
        let questions = rows.enumerated().map { index, row in
            Question(
                id: "q\(index)", text: row.0, contextIndex: 0,
                answers: row.1.map { [Answer(text: $0, start: 0)] } ?? [])
        }
        return Dataset(contexts: ["글"], questions: questions, squadVersion: .version2)
    }

    private static func breakdown(_ rows: [(String, String?)], _ texts: [String?]) -> AnswerBreakdown {
        let dataset = dataset(rows)
        let pairs = texts.enumerated().compactMap { index, text in text.map { (id: "q\(index)", text: $0) } }
        let scores = QuestionScore.all(dataset: dataset, predictions: Predictions(pairs))
        return AnswerBreakdown(dataset: dataset, scores: scores)
    }

    @Test func everyQuestionIsInOneGroupOfEachKind() {
        var random = SeededGenerator(seed: 8)
        let rows = (0..<200).map { _ in
            (
                ["누구인가?", "언제?", "몇 명?", "이름은?"].randomElement(using: &random) ?? "",
                ["이순신", "1988년", "서울", "12명", String(repeating: "가", count: 30), nil]
                    .randomElement(using: &random) ?? nil
            )
        }
        let texts = rows.map { Bool.random(using: &random) ? $0.1 : "서울" }
        let breakdown = Self.breakdown(rows, texts)
        let scores = AnswerMetrics(
            QuestionScore.all(
                dataset: Self.dataset(rows),
                predictions: Predictions(
                    texts.enumerated().compactMap { index, text in text.map { (id: "q\(index)", text: $0) } })
            ))
        for groups in [breakdown.byAnswerLength, breakdown.byQuestionWord, breakdown.byAnswerType] {
            #expect(groups.map(\.metrics.total).reduce(0, +) == 200)
            let mean = groups.reduce(0) { $0 + $1.metrics.f1 * Double($1.metrics.total) } / 200
            #expect(abs(mean - scores.f1) < 1e-9)
            for group in groups {
                guard let intervals = group.intervals else {
                    #expect(group.metrics.total == 0)
                    continue
                }
                #expect(intervals.f1.lower <= group.metrics.f1 + 1e-9)
                #expect(group.metrics.f1 <= intervals.f1.upper + 1e-9)
            }
        }
    }

    @Test func lengthsAreCountedInCodePoints() {
        let lengths = [1, 2, 3, 5, 6, 10, 11, 20, 21].map { count in
            AnswerLength(
                of: Question(
                    id: "q", text: "?", contextIndex: 0,
                    answers: [Answer(text: String(repeating: "🙂", count: count), start: 0)]))
        }
        #expect(
            lengths == [
                .upToTwo, .upToTwo, .upToFive, .upToFive, .upToTen, .upToTen, .upToTwenty, .upToTwenty,
                .longer,
            ])
        #expect(AnswerLength(of: Question(id: "q", text: "?", contextIndex: 0, answers: [])) == .unanswerable)
    }

    @Test func membersStandInTheOrderOfTheResultFiles() throws {
        let breakdown = Self.breakdown([("누구인가?", "서울")], ["서울"])
        let text = JSONValue.object(breakdown.members).compact
        let right = "100.0,100.0"
        let intervals =
            """
            {"exact_match":[\(right)],"f1":[\(right)],"korquad_exact_match":[\(right)],"korquad_f1":[\(right)],\
            "edit_distance":[0.0,0.0]}
            """
        let group =
            """
            {"count":1,"exact_match":100.0,"f1":100.0,"korquad_exact_match":100.0,"korquad_f1":100.0,\
            "edit_distance":0.0,"confidence_intervals":\(intervals)}
            """
        func object(_ names: [String], with one: String) -> String {
            let members = names.map { "\"\($0)\":" + ($0 == one ? group : "{\"count\":0}") }
            return "{" + members.joined(separator: ",") + "}"
        }
        let lengths = object(["1-2", "3-5", "6-10", "11-20", "21+", "unanswerable"], with: "1-2")
        let words = object(["누구", "언제", "어디", "무엇", "왜", "어떻게", "몇", "other"], with: "누구")
        let types = object(["number", "date", "name", "other"], with: "other")
        let expected =
            """
            {"by_answer_length":\(lengths),"by_question_word":\(words),"by_answer_type":\(types),\
            "confidence_intervals":\(intervals)}
            """
        #expect(text == expected)
    }
}
