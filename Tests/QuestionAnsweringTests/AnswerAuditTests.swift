import QuestionAnswering
import Testing

struct AnswerAuditTests {
    private func dataset(context: String, _ answers: [[Answer]]) -> Dataset {
        let questions = answers.enumerated().map { index, answers in
            Question(id: "q\(index)", text: "?", contextIndex: 0, answers: answers)
        }
        return Dataset(contexts: [context], questions: questions, paths: ["train.json"])
    }

    @Test func answersInPlaceAreLeftAlone() throws {
        let answers = [[Answer(text: "한강", start: 0)], [Answer(text: "있다", start: 8)], []]
        let audit = try dataset(context: "🙂한강은 서울에 있다", [[Answer(text: "한강", start: 1)]] + answers.suffix(1))
            .auditingAnswers(strict: true)
        #expect(audit.trainable == [0, 1])
        #expect(audit.messages().isEmpty)
    }

    @Test func aMisplacedAnswerThatOccursOnceIsRepaired() throws {
        let audit = try dataset(
            context: "강은 한강이다", [[Answer(text: "한강", start: 40)], [Answer(text: "은", start: -1)]]
        )
        .auditingAnswers()
        #expect(audit.trainable == [0, 1])
        #expect(audit.dataset.questions.map { $0.answers[0].start } == [3, 1])
        #expect(audit.repaired.map(\.place.record) == ["question q0", "question q1"])
        #expect(audit.skipped.isEmpty)
    }

    @Test func aMisplacedAnswerThatIsAmbiguousOrAbsentIsSkipped() throws {
        let answers = [
            [Answer(text: "강", start: 1)], [Answer(text: "부산", start: 0)], [Answer(text: "", start: 0)],
            [Answer(text: "한강", start: 3)],
        ]
        let audit = try dataset(context: "강은 한강이다", answers).auditingAnswers()
        #expect(audit.trainable == [3])
        #expect(audit.skipped.map(\.place.record) == ["question q0", "question q1", "question q2"])
        let messages = audit.messages(limit: 1)
        #expect(messages.count == 3)
        #expect(messages[1].contains("q0") && messages[1].contains("train.json"))
        #expect(messages[2] == "and 2 more")
    }

    @Test func equivalentCodePointsAreNotTheAnswersText() throws {
        let audit = try dataset(context: "\u{1100}\u{1161}나", [[Answer(text: "가", start: 0)]])
            .auditingAnswers()
        #expect(audit.skipped.count == 1)
    }

    @Test func strictnessMakesAnyMisplacementAnError() {
        let data = dataset(context: "강은 한강이다", [[Answer(text: "한강", start: 0)]])
        let error = #expect(throws: DatasetError.self) { try data.auditingAnswers(strict: true) }
        #expect(error?.description.contains("question q0") == true)
    }
}
