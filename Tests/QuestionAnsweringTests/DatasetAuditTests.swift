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
        let context = "서울특별시에서 고양이를 보았다. 서울특별시는 크고 고양이가 많다."
        func start(_ text: String) -> Int {
            CodePoints(context).firstOccurrence(of: CodePoints(text))?.lowerBound ?? -1
        }
        let answers = [["서울특별시에서", "서울"], ["서울", "서울특별시에서"], ["고양이를"], []]
        let questions = answers.enumerated().map { index, texts in
            Question(
                id: "q\(index)", text: "?", contextIndex: 0,
                answers: texts.map { Answer(text: $0, start: start($0)) })
        }
        let audit = DatasetAudit(Dataset(contexts: [context], questions: questions))
        #expect(audit.glued.map(\.id) == ["q0", "q2"] && audit.answerCount == 3)
    }

    /// Words that end in the syllables of a particle: only what the context shows is told.
    @Test(arguments: [
        ("870만", "870만 명이 870 곳에서 왔다."), ("시나가와", "시나가와 역은 시나가 아니다."),
        ("외교학과", "외교학과 졸업. 외교학을 배웠다."), ("칭짱철도", "칭짱철도 개통. 칭짱철을 탔다."),
        ("1445유로", "1445유로 지폐"), ("기고가", "기고가 겸 시인. 기고를 많이 했다."), ("법학과", "법학과 교수, 법학 박사"),
        ("거지도", "거지도, 거지 섬"), ("대원군은", "대원군은 섭정을 했다."), ("대원군은", "대원군은 대원군은 섭정을 했다."),
        ("대원군은", "대원군은행에서 대원군에게"), ("대원군은", "소대원군 대원군은 왕"),
    ])
    func wordsThatEndLikeAParticleAreNotTold(answer: String, context: String) {
        #expect(glued(answer, context).isEmpty)
    }

    @Test(arguments: [
        ("대원군은", "대원군은 대원군에게 갔다."), ("랭크까지", "랭크까지 갔다. 랭크가 높다."),
        ("공화당에서는", "공화당에서는 (공화당) 반대했다."),
    ])
    func whatTheContextShowsIsTold(answer: String, context: String) {
        #expect(glued(answer, context) == ["q"])
    }

    private func glued(_ answer: String, _ context: String) -> [String] {
        let question = Question(
            id: "q", text: "?", contextIndex: 0, answers: [Answer(text: answer, start: 0)])
        return DatasetAudit(Dataset(contexts: [context], questions: [question])).glued.map(\.id)
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
