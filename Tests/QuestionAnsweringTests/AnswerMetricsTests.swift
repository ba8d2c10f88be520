import QuestionAnswering
import Testing

struct AnswerMetricsTests {
    private struct Reference: Decodable {
        let totals: [String: Double]
        let rows: [Row]
    }

    private struct Row: FixtureRow {
        let prediction: String?
        let golds: [String]
        let squad1: AnswerScore
        let squad2: AnswerScore
        let korquad: AnswerScore
        let distance: Int

        init(row: inout any UnkeyedDecodingContainer) throws {
            prediction = try row.decodeIfPresent(String.self)
            golds = try row.decode([String].self)
            squad1 = try Row.score(&row)
            squad2 = try Row.score(&row)
            korquad = try Row.score(&row)
            distance = try row.decode(Int.self)
        }

        private static func score(_ row: inout any UnkeyedDecodingContainer) throws -> AnswerScore {
            AnswerScore(exactMatch: try row.decode(Double.self), f1: try row.decode(Double.self))
        }
    }

    @Test func everyScoreIsThatOfTheReferenceScripts() throws {
        let reference: Reference = try fixture("metrics/scores.json")
        #expect(reference.rows.count == 2000)
        for (index, row) in reference.rows.enumerated() {
            let question = Question(
                id: "q", text: "?", contextIndex: 0, answers: row.golds.map { Answer(text: $0, start: 0) })
            func score(_ version: SquadVersion) -> QuestionScore {
                QuestionScore(row.prediction, question: question, version: version)
            }
            #expect(score(.version1).squad == row.squad1, "row \(index)")
            #expect(score(.version2).squad == row.squad2, "row \(index)")
            #expect(score(.version2).korquad == row.korquad, "row \(index)")
            #expect(score(.version2).editDistance == row.distance, "row \(index)")
        }
    }

    @Test(arguments: [SquadVersion.version1, .version2])
    func totalsAreThoseOfTheReferenceScripts(version: SquadVersion) throws {
        let reference: Reference = try fixture("metrics/scores.json")
        let questions = reference.rows.enumerated().map { index, row in
            Question(
                id: "q\(index)", text: "?", contextIndex: 0,
                answers: row.golds.map { Answer(text: $0, start: 0) })
        }
        let dataset = Dataset(contexts: ["c"], questions: questions, squadVersion: version)
        let pairs = reference.rows.enumerated().compactMap { index, row in
            row.prediction.map { (id: "q\(index)", text: $0) }
        }
        let metrics = AnswerMetrics(dataset: dataset, predictions: Predictions(pairs))
        let name = version == .version1 ? "squad1" : "squad2"
        #expect(metrics.exactMatch == reference.totals["\(name)_em"])
        #expect(metrics.f1 == reference.totals["\(name)_f1"])
        #expect(metrics.korquadExactMatch == reference.totals["korquad_em"])
        #expect(metrics.korquadF1 == reference.totals["korquad_f1"])
        #expect(metrics.editDistance == reference.totals["edit_distance"])
        #expect(Double(metrics.missing) == reference.totals["missing"])
        #expect(metrics.total == 2000)
    }

    @Test func questionsWhoseAnswersAreNotKnownAreLeftOut() {
        let questions = [
            Question(id: "p", text: "?", contextIndex: 0, answers: [], hasKnownAnswers: false),
            Question(id: "q", text: "?", contextIndex: 0, answers: [Answer(text: "답", start: 0)]),
        ]
        let metrics = AnswerMetrics(
            dataset: Dataset(contexts: ["답"], questions: questions),
            predictions: Predictions([(id: "p", text: "아님"), (id: "q", text: "답")]))
        #expect(metrics.total == 1 && metrics.exactMatch == 100)
    }

    @Test func scoresOfQuestionsAreWhatTheMeansAreOf() {
        let questions = ["p", "q"].map {
            Question(id: $0, text: "?", contextIndex: 0, answers: [Answer(text: "서울", start: 0)])
        }
        let scores = QuestionScore.all(
            dataset: Dataset(contexts: ["서울"], questions: questions),
            predictions: Predictions([(id: "q", text: "서울시")]))
        #expect(scores.map(\.questionID) == ["p", "q"])
        #expect(scores.map(\.isMissing) == [true, false])
        #expect(scores.map(\.editDistance) == [2, 1])
        #expect(scores[1].korquad == AnswerScore(exactMatch: 0, f1: 0.8))
        #expect(AnswerMetrics(scores).korquadF1 == 40 && AnswerMetrics(scores).missing == 1)
    }

    private func dataset(_ golds: [[String]], version: SquadVersion = .version2) -> Dataset {
        let questions = golds.enumerated().map { index, texts in
            Question(
                id: "q\(index)", text: "?", contextIndex: 0, answers: texts.map { Answer(text: $0, start: 0) }
            )
        }
        return Dataset(contexts: ["c"], questions: questions, paths: ["d.json"], squadVersion: version)
    }

    /// An empty prediction would be right for the first two.
    @Test func aMissingPredictionEarnsNothing() {
        for version in [SquadVersion.version1, .version2] {
            let dataset = dataset([[], ["''"], ["서울"]], version: version)
            let metrics = AnswerMetrics(dataset: dataset, predictions: Predictions([]))
            #expect(metrics.exactMatch == 0 && metrics.f1 == 0 && metrics.missing == 3 && metrics.total == 3)
            #expect(metrics.korquadExactMatch == 0 && metrics.korquadF1 == 0)
            #expect(metrics.editDistance == 4.0 / 3)
        }
    }

    @Test func missingAndOtherPredictionsAreCounted() {
        let dataset = dataset([["서울"], ["부산"], []])
        let some = Predictions([(id: "q0", text: "서울"), (id: "x", text: "?"), (id: "y", text: "?")])
        let notices = ScoringNotices.unmatched(some, in: dataset)
        #expect(notices.count == 2)
        #expect(
            notices[0].hasPrefix("2 of 3 questions have no prediction") && notices[0].contains("SQuAD 2.0"))
        #expect(notices[1].hasPrefix("2 of 3 predictions are of no question"))
        let all = Predictions([(id: "q0", text: ""), (id: "q1", text: ""), (id: "q2", text: "")])
        #expect(ScoringNotices.unmatched(all, in: dataset).isEmpty)
    }

    @Test func unanswerableQuestionsAreToldWhereNoAnswerIsLeftEmpty() {
        let dataset = dataset([["서울"], []])
        func notice(_ settings: AnswerSettings) -> String? {
            ScoringNotices.unanswerable(in: dataset, settings: settings, purpose: "train on")
        }
        #expect(notice(AnswerSettings())?.hasPrefix("1 of 2 questions to train on have no answer") == true)
        #expect(notice(AnswerSettings(allowsNoAnswer: true)) == nil)
        #expect(notice(AnswerSettings(decoding: .argmax)) == nil)
        #expect(ScoringNotices.korquadF1(of: dataset)?.hasPrefix("1 of 2 questions have no answer") == true)
        #expect(ScoringNotices.korquadF1(of: dataset.selecting([0])) == nil)
    }

    @Test func membersStandInTheOrderOfTheResultFiles() {
        let question = Question(id: "q", text: "?", contextIndex: 0, answers: [Answer(text: "답", start: 0)])
        let metrics = AnswerMetrics(
            dataset: Dataset(contexts: ["답"], questions: [question]),
            predictions: Predictions([(id: "q", text: "답")]))
        #expect(
            metrics.json.compact == #"{"exact_match":100.0,"f1":100.0,"korquad_exact_match":100.0,"#
                + #""korquad_f1":100.0,"edit_distance":0.0,"total":1,"missing":0}"#)
    }
}
