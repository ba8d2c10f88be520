import Checkpoints
import QuestionAnswering
import TestSupport
import Testing

@testable import Reports

@Suite struct ComparisonPageTests {
    @Test func curvesLieOverEachOtherAndTheBestIsMarked() throws {
        let temporary = try TemporaryFolder()
        let one = try RunCase(name: "one", in: temporary)
        let two = try RunCase(
            name: "two", in: temporary,
            metrics: [RunCase.train(5), RunCase.evaluation(5, loss: 2, f1: 60)],
            settings: ["learning-rate": 3e-5, "batch-size": 16])
        let page = PageChecker(try ComparisonPage([one.report(), two.report()]).html)
        #expect(page.problems == [])
        let charts = try #require(page.object("charts") as? [[String: Any]])
        let series = try #require(charts[0]["series"] as? [[String: Any]])
        #expect(series.compactMap { $0["label"] as? String } == ["one", "two"])
        #expect(page.text.contains("★ 70.00") && page.text.contains("★ 2.0000"))
        #expect(page.text.contains("3e-05") && page.text.contains("learning-rate"))
        #expect(!page.text.contains("batch-size") && !page.text.contains("output-dir"))
    }

    @Test func runsThatAreTheSameDifferInNothing() throws {
        let run = try RunCase()
        let page = PageChecker(try ComparisonPage([run.report(), run.report()]).html)
        #expect(page.problems == [] && page.text.contains("all settings are the same"))
        #expect(page.text.contains("run (2)"))
    }

    @Test func aSettingThatOneDoesNotNameHasItsDefault() throws {
        let temporary = try TemporaryFolder()
        let one = try RunCase(name: "one", in: temporary)
        let two = try RunCase(name: "two", in: temporary, settings: ["label-smoothing": 0])
        func text(_ defaults: [(String, JSONValue)]) throws -> String {
            PageChecker(try ComparisonPage([one.report(), two.report()], defaults: defaults).html).text
        }
        #expect(try !text([("label-smoothing", 0.0)]).contains("label-smoothing"))
        #expect(try text([]).contains("label-smoothing"))
    }

    @Test(arguments: [
        (["/a/x", "/a/y"], ["x", "y"]), (["/a/x", "/b/x"], ["a/x", "b/x"]),
        (["/a/b/x", "/c/b/x", "/z"], ["a/b/x", "c/b/x", "z"]),
        (["/x", "/x", "/x"], ["x", "x (2)", "x (3)"]),
        (["/"], ["/"]), (["/x", "/y/x"], ["x", "y/x"]),
    ])
    func namesTellRunsApart(folders: [String], labels: [String]) {
        #expect(ComparisonPage.labels(folders) == labels)
    }

    @Test func harmfulNamesAreHarmless() throws {
        let temporary = try TemporaryFolder()
        let one = try RunCase(name: "a<script>&\"", in: temporary, metrics: nil)
        let two = try RunCase(name: "b", in: temporary)
        let page = PageChecker(try ComparisonPage([one.report(), two.report()]).html)
        #expect(page.problems == [] && page.counts["script"] == 3)
        #expect(page.text.contains("a<script>&\": There is no metrics.jsonl"))
    }
}
