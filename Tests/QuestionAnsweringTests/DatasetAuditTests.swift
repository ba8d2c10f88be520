import QuestionAnswering
import Testing

struct DatasetAuditTests {
    private func dataset(_ contexts: [String], _ questions: [(context: Int, text: String)]) -> Dataset {
        Dataset(
            contexts: contexts,
            questions: questions.enumerated().map { index, question in
                Question(id: "q\(index)", text: question.text, contextIndex: question.context, answers: [])
            }, paths: ["train.json"])
    }

    @Test func aQuestionIsRepeatedWhereTextAndContextAreTheSame() {
        let audit = DatasetAudit(
            dataset(["가", "나", "가"], [(0, "a"), (1, "a"), (2, "a"), (0, "b"), (0, "a")]))
        #expect(audit.repeated.map(\.id) == ["q2", "q4"])
        #expect(audit.repeated.map(\.first) == ["q0", "q0"])
    }

    @Test func textsAreComparedByCodePoints() {
        // Canonically equivalent, but not the same.
        let parts = "\u{1112}\u{1161}\u{11AB}"
        let audit = DatasetAudit(dataset(["가"], [(0, "한"), (0, parts)]))
        #expect(audit.repeated.isEmpty)
        #expect(audit.decomposed == ["q1"])
        let overlap = DatasetOverlap(dataset(["한"], [(0, "a")]), dataset([parts], [(0, "a")]))
        #expect(overlap.sharedContext.isEmpty && overlap.contextCount == 0)
    }

    @Test func whatTwoDatasetsShareIsCounted() {
        let overlap = DatasetOverlap(
            dataset(["가", "나"], [(0, "a"), (1, "b")]),
            dataset(["나", "다", "가", "나"], [(0, "a"), (1, "a"), (2, "a"), (3, "b")]))
        #expect(overlap.sharedContext == ["q0", "q2", "q3"])
        #expect(overlap.sharedQuestion == ["q2", "q3"])
        #expect(overlap.contextCount == 2)
    }

    @Test func emptyQuestionsAreOfWhiteSpace() {
        #expect(DatasetAudit(dataset(["가"], [(0, ""), (0, "?"), (0, " \u{3000}\t")])).empty == ["q0", "q2"])
    }

    @Test func particlesAreTakenFromFirstAnswers() {
        let answers = [["서울특별시에서", "서울"], ["서울", "서울특별시에서"], ["고양이를"], []]
        let questions = answers.enumerated().map { index, texts in
            Question(
                id: "q\(index)", text: "?", contextIndex: 0, answers: texts.map { Answer(text: $0, start: 0) }
            )
        }
        let audit = DatasetAudit(Dataset(contexts: ["가"], questions: questions))
        #expect(audit.glued.map(\.id) == ["q0", "q2"] && audit.answerCount == 3)
    }

    @Test func everyPlaceOfAMisplacedAnswerIsFound() throws {
        let answers = [("가", 0), ("나", 5), ("다", 0), ("라", 3)]
        let original = Dataset(
            contexts: ["나가나가라"],
            questions: answers.enumerated().map { index, answer in
                Question(
                    id: "q\(index)", text: "?", contextIndex: 0,
                    answers: [Answer(text: answer.0, start: answer.1)])
            }, paths: ["train.json"])
        let audit = try original.auditingAnswers()
        let places = audit.places(in: original, limit: 10)
        #expect(places.map(\.questionID) == ["q0", "q1", "q2", "q3"])
        #expect(places.map(\.occurrences) == [[1, 3], [0, 2], [], [4]])
        #expect(places.map(\.start) == [0, 5, 0, 3] && places[0].path == "train.json")
        #expect(audit.places(in: original, limit: 2).count == 2)
    }
}
