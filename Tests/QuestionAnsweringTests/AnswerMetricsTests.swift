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
            let text = row.prediction ?? ""
            #expect(
                SquadMetrics.score(text, golds: row.golds, version: .version1) == row.squad1, "row \(index)")
            #expect(
                SquadMetrics.score(text, golds: row.golds, version: .version2) == row.squad2, "row \(index)")
            #expect(KorquadMetrics.score(text, golds: row.golds) == row.korquad, "row \(index)")
            #expect(AnswerMetrics.leastEditDistance(text, golds: row.golds) == row.distance, "row \(index)")
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
