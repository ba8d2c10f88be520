import Checkpoints
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Reports

@Suite struct RunReportTests {
    @Test func aFolderThatIsNoRunIsRefused() throws {
        let temporary = try TemporaryFolder()
        let missing = try #require(throws: CheckpointError.self) {
            _ = try RunReport(folder: temporary.file("missing"))
        }
        #expect(missing.category == .missingInput && missing.what.contains("no such folder"))
        let empty = try #require(throws: CheckpointError.self) { _ = try RunReport(folder: temporary.path) }
        #expect(empty.category == .missingInput && empty.what.contains("run.json"))
        let file = try temporary.write("x".utf8, to: "file")
        #expect(throws: CheckpointError.self) { _ = try RunReport(folder: file) }
    }

    @Test(arguments: ["", "{", "[]", #"{"settings":3}"#, #"{"ranks":2}"#, "\u{FEFF}x"])
    func aDamagedRecordIsRefused(text: String) throws {
        let run = try RunCase()
        try run.write(text, "run.json")
        let error = try #require(throws: CheckpointError.self) { _ = try run.report() }
        #expect(error.category == .badData && error.path.hasSuffix("run.json"))
    }

    @Test func damagedLinesAreLeftOutAndTold() throws {
        let run = try RunCase(
            metrics: [RunCase.train(10), #"{"event":"train","step":"#, "", RunCase.train(20), "nonsense"])
        let report = try run.report()
        #expect(report.metrics.training.map(\.step) == [10, 20])
        #expect(report.notices.first?.contains("line 2, 5") == true)
        #expect(PageChecker(RunPage(report).html).text.contains("2 line(s) of metrics.jsonl"))
    }

    @Test(arguments: ["nonsense\n", "{}\n{}\n", "\0\0\0", #"{"event":"train","step":-4}"#])
    func metricsWithoutALineOfARunAreRefused(text: String) throws {
        let run = try RunCase()
        try run.write(text, "metrics.jsonl")
        let error = try #require(throws: CheckpointError.self) { _ = try run.report() }
        #expect(error.category == .badData && error.item == "line 1")
    }

    @Test func linesOfLaterVersionsAndNullsAreTaken() throws {
        let run = try RunCase(metrics: [
            #"{"event":"future","step":1,"x":[{}]}"#,
            #"{"event":"train","step":10,"loss":null,"grad_norm":2,"rank_compute_seconds":[null,1.5]}"#,
        ])
        let report = try run.report()
        #expect(report.notices == [] && report.metrics.training.first?[.loss] == nil)
        #expect(report.metrics.training.first?.rankSeconds == [0, 1.5])
        #expect(PageChecker(RunPage(report).html).problems == [])
    }

    @Test func aDatasetThatChangedIsToldAndTheRestShown() throws {
        let run = try RunCase()
        _ = try run.temporary.write(#"{"data":[]}"#.utf8, to: "validation.json")
        let report = try run.report()
        #expect(report.questions == nil && report.notices.count == 1)
        #expect(report.notices[0].contains("no longer the one that the run had"))
        let page = PageChecker(RunPage(report).html)
        #expect(page.problems == [] && page.text.contains("no longer the one"))
        #expect(page.identifiers.contains("curves"))
    }

    @Test func aDatasetOrPredictionsThatAreMissingAreTold() throws {
        let run = try RunCase()
        try FileManager.default.removeItem(atPath: run.datasetPath)
        #expect(try run.report().notices.first?.contains("validation.json") == true)
        let other = try RunCase()
        try other.write("{", "eval_nbest_predictions.json")
        #expect(try other.report().notices.first?.contains("eval_nbest_predictions.json") == true)
        try FileManager.default.removeItem(atPath: other.path("eval_nbest_predictions.json"))
        let row = try #require(try other.report().questions?.rows.first)
        #expect(row.probability == nil && row.candidates.isEmpty)
        try FileManager.default.removeItem(atPath: other.path("eval_predictions.json"))
        #expect(try other.report().notices.first?.contains("eval_predictions.json") == true)
    }

    @Test func aRelativePathIsLookedForFromWhereTheRunStood() throws {
        let temporary = try TemporaryFolder()
        let run = try RunCase(
            name: "out", in: temporary,
            settings: ["output-dir": "./out/", "validation-file": "validation.json"],
            record: [("datasets", .object([("validation.json", "fnv1a64:0")]))])
        #expect(try run.report().notices.first?.contains("no longer") == true, "found, with another hash")
    }

    @Test func questionsOfASplitAreThoseThatWereAnswered() throws {
        let asked = (1...4).map { RunCase.Asked(id: "q\($0)") }
        let run = try RunCase(asked: asked)
        let record = try String(contentsOfFile: run.path("run.json"), encoding: .utf8)
        try run.write(
            record.replacingOccurrences(of: "\"validation-file\"", with: "\"x\"")
                .replacingOccurrences(of: "\"train.json\"", with: "\"\(run.datasetPath)\""), "run.json")
        try run.write(#"{"q4":"서울","q2":"부산"}"#, "eval_predictions.json")
        let questions = try #require(try run.report().questions)
        #expect(questions.rows.map(\.question.id) == ["q2", "q4"])
        #expect(questions.rows.map(\.place.outcome) == [.elsewhere, .exact])
    }

    @Test func theStepOfTheAnswersIsThatWithTheSameResults() throws {
        let run = try RunCase()
        #expect(try run.report().questions?.step == 20)
        try run.write(#"{"loss":9}"#, "eval_results.json")
        #expect(try run.report().questions?.step == nil)
    }

    @Test func manyQuestionsAreCutWrongOnesFirst() throws {
        let asked = (0..<QuestionData.mostQuestions + 50).map { index in
            RunCase.Asked(id: "q\(index)", answer: index >= QuestionData.mostQuestions ? "부산" : "서울")
        }
        let report = try RunCase(asked: asked).report()
        let questions = try #require(report.questions)
        let shown = QuestionData(questions).shown
        #expect(shown.count == QuestionData.mostQuestions && shown.count { $0.isWrong } == 50)
        #expect(PageChecker(RunPage(report).html).text.contains("wrong ones first"))
    }

    @Test func damagedFilesAreRefusedOrToldButNeverFatal() throws {
        for name in ["run.json", "metrics.jsonl", "eval_predictions.json", "eval_nbest_predictions.json"] {
            let run = try RunCase()
            let original = Array(try Data(contentsOf: URL(filePath: run.path(name))))
            let report = try Fuzzing(
                "report-\(name)", fileName: name, inputs: [original], style: .text, iterations: 120
            ).run(isExpected: { $0 is CheckpointError || $0 is DatasetError }) { path in
                try Data(contentsOf: URL(filePath: path)).write(to: URL(filePath: run.path(name)))
                let problems = PageChecker(try run.page()).problems
                #expect(problems == [], "\(name)")
            }
            #expect(report.findings == [])
        }
    }
}
