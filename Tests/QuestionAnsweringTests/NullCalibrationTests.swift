import TestSupport
import Testing

@testable import QuestionAnswering

struct NullCalibrationTests {
    private struct Set: Decodable {
        let rows: [Row]
        let exact: Best
        let f1: Best
    }

    private struct Row: FixtureRow {
        let odds: Float
        let text: String
        let golds: [String]

        init(row: inout any UnkeyedDecodingContainer) throws {
            odds = try row.decode(Float.self)
            text = try row.decode(String.self)
            golds = try row.decode([String].self)
        }
    }

    private struct Best: FixtureRow {
        let score: Double
        let thresholds: [Float]

        init(row: inout any UnkeyedDecodingContainer) throws {
            score = try row.decode(Double.self)
            thresholds = try row.decode([Float].self)
        }
    }

    private static let settings = AnswerSettings(allowsNoAnswer: true)

    private static func data(_ rows: [(Float, String, [String])]) -> ([CandidateList], Dataset) {
        let lists = rows.enumerated().map { index, row in
            let answer = ScoredAnswer(
                text: row.1, start: 5, end: 5 + row.1.unicodeScalars.count, startLogit: 0, endLogit: 0,
                probability: 0.5)
            let null = ScoredAnswer(text: "", start: 0, end: 0, startLogit: 0, endLogit: 0, probability: 0.5)
            return CandidateList(questionID: "q\(index)", candidates: [answer, null], nullOdds: row.0)
        }
        let questions = rows.enumerated().map { index, row in
            Question(
                id: "q\(index)", text: "?", contextIndex: 0,
                answers: row.2.map { Answer(text: $0, start: 0) })
        }
        return (lists, Dataset(contexts: ["글"], questions: questions, squadVersion: .version2))
    }

    @Test func thresholdsAreThoseOfTheReferenceScript() throws {
        let sets: [Set] = try fixture("answers/calibration.json")
        #expect(sets.count == 24)
        for set in sets {
            let (lists, dataset) = Self.data(set.rows.map { ($0.odds, $0.text, $0.golds) })
            let calibration = NullCalibration(lists, dataset: dataset, settings: Self.settings)
            let exact = try #require(calibration.best(.exactMatch))
            let f1 = try #require(calibration.best(.f1))
            #expect(abs(exact.exactMatch - set.exact.score) < 1e-9)
            #expect(abs(f1.f1 - set.f1.score) < 1e-9)
            let nearest = { (best: Best) in best.thresholds.min { abs($0) < abs($1) } }
            #expect(exact.threshold == nearest(set.exact))
            #expect(f1.threshold == nearest(set.f1))
        }
    }

    @Test func theScoresAreThoseOfTheAnswersAtTheThreshold() throws {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<50 {
            // Odds in eighths, so that many are equal.
            let rows = (0..<40).map { _ in
                (
                    Float(Int.random(in: -16...16, using: &random)) / 8,
                    ["서울", "한강 다리"].randomElement(using: &random) ?? "서울",
                    [["서울"], ["한강"], []].randomElement(using: &random) ?? []
                )
            }
            let (lists, dataset) = Self.data(rows)
            let calibration = NullCalibration(lists, dataset: dataset, settings: Self.settings)
            func metrics(_ threshold: Float) -> AnswerMetrics {
                var settings = Self.settings
                settings.nullThreshold = threshold
                let predictions = AnswerChooser(settings: settings).predictions(from: lists)
                return AnswerMetrics(dataset: dataset, predictions: Predictions(predictions))
            }
            let best = try #require(calibration.best(.f1))
            let atBest = metrics(best.threshold)
            #expect(abs(atBest.f1 - best.f1) < 1e-9 && abs(atBest.exactMatch - best.exactMatch) < 1e-9)
            #expect(
                stride(from: Float(-3), through: 3, by: 0.125).allSatisfy { metrics($0).f1 <= best.f1 + 1e-9 }
            )
        }
    }

    @Test func whatFollowsTheChoiceCounts() throws {
        let (lists, dataset) = Self.data([(-3, "서울특별시", []), (-1, "서울", ["서울"]), (2, "서울", [])])
        var settings = Self.settings
        #expect(NullCalibration(lists, dataset: dataset, settings: settings).best(.f1)?.threshold == -1)
        #expect(NullCalibration(lists, dataset: dataset, settings: settings).best(.f1)?.f1 == 100 * 2.0 / 3)
        settings.blankLongerThan = 4
        #expect(NullCalibration(lists, dataset: dataset, settings: settings).best(.f1)?.f1 == 100)
    }

    @Test func withoutOddsThereIsNoThreshold() {
        let dataset = Self.data([(0, "서울", [])]).1
        let list = CandidateList(questionID: "q0", candidates: [], nullOdds: nil)
        #expect(NullCalibration([list], dataset: dataset, settings: Self.settings).best(.f1) == nil)
    }

    @Test func membersHaveTheNamesOfTheScript() {
        let threshold = NullThreshold(threshold: -1.5, exactMatch: 50, f1: 60)
        #expect(
            JSONValue.object(NullThreshold.members(exact: threshold, f1: threshold)).compact
                == #"{"best_exact":50.0,"best_exact_thresh":-1.5,"best_f1":60.0,"best_f1_thresh":-1.5}"#)
    }
}
