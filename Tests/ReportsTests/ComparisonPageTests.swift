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
        #expect(page.text.contains("★ 68.00") && page.text.contains("★ 2.0000"))
        #expect(page.text.contains("3e-05") && page.text.contains("learning-rate"))
        #expect(!page.text.contains("batch-size") && !page.text.contains("output-dir"))
    }

    private func other(
        _ temporary: TemporaryFolder, _ settings: [String: JSONValue] = [:],
        record: [(String, JSONValue)] = []
    ) throws -> ComparisonPage {
        let one = try RunCase(name: "one", in: temporary)
        let two = try RunCase(name: "two", in: temporary, settings: settings, record: record)
        return try ComparisonPage([one.report(), two.report()])
    }

    @Test(
        arguments: [
            ([("datasets", JSONValue.object([]))], "what two was validated on is not known"),
            ([("settings", ["validation-file": "other.json"])], "what two was validated on is not known"),
            (
                [
                    ("settings", ["validation-split": 0.1, "train-file": ["t.json"], "seed": 1]),
                    ("datasets", ["t.json": "fnv1a64:1"]),
                ], "not validated on the same data"
            ),
        ] as [([(String, JSONValue)], String)])
    func nobodyIsTheBestAcrossDifferentData(record: [(String, JSONValue)], why: String) throws {
        let page = try other(TemporaryFolder(), record: record)
        #expect(page.notices.count == 1 && page.notices[0].contains(why), "\(page.notices)")
        let text = PageChecker(page.html).text
        #expect(text.contains(why) && !text.contains("★ ") && text.contains("68.00"))
    }

    @Test(arguments: ["decode", "null-score-diff-threshold", "max-answer-length", "max-eval-samples"])
    func nobodyIsTheBestAmongAnswersOfOtherSettings(flag: String) throws {
        let page = try other(TemporaryFolder(), [flag: 7])
        #expect(page.notices.count == 1 && page.notices[0].hasPrefix("No ★: "))
        #expect(!PageChecker(page.html).text.contains("★ "))
    }

    @Test func aLossIsComparedOverTheSameWindowsOnly() throws {
        let page = try other(
            TemporaryFolder(), record: [("validation", ["windows": 3, "windows_checksum": "other"])])
        #expect(page.notices.count == 1 && page.notices[0].contains("for the loss"))
        let text = PageChecker(page.html).text
        #expect(text.contains("★ 68.00") && !text.contains("★ 2.6000"))
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
