import Checkpoints
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Reports

@Suite struct RunPageTests {
    @Test func aPageIsWellFormedAndLoadsNothing() throws {
        let page = PageChecker(try RunCase().page())
        #expect(page.problems == [])
        #expect(page.counts["script"] == 3 && page.counts["style"] == 1 && page.counts["h1"] == 1)
        for name in ["results", "curves", "time", "lengths", "questions", "settings"] {
            #expect(page.identifiers.contains(name), "\(name)")
        }
        #expect(page.text.contains("the last evaluation, after step 40, decides; best 70.00 after step 20"))
    }

    @Test(arguments: [
        (
            false, 40, "final.h5, after step 40",
            ["KorQuAD F1 68.00 final.h5, after step 40, decides; best 70.00 after step 20"]
        ),
        (true, 20, "final.h5, after step 20", ["KorQuAD F1 70.00 final.h5, after step 20, decides"]),
        (true, 30, "step 30", ["Weights step 30 final.h5, not evaluated"]),
        // Still under way, or of an older version.
        (true, nil, "the best by KorQuAD F1, after step 20", ["KorQuAD F1 70.00"]),
        (false, nil, "the last evaluation, after step 40", ["KorQuAD F1 68.00"]),
    ])
    func cardsAreOfTheCheckpointThatIsDelivered(
        loadsBest: Bool, step: Int?, origin: String, cards: [String]
    ) throws {
        let run = try RunCase(
            settings: ["load-best-model-at-end": .boolean(loadsBest)],
            record: step.map { [("final", ["step": .integer($0)])] } ?? [])
        let facts = try RunHeadline(run.report()).facts
        let scores = facts.prefix { $0.name != "Last training loss" }
        #expect(scores.allSatisfy { $0.remark?.contains(origin) == true || $0.value.contains(origin) })
        for card in cards {
            #expect(
                scores.contains { "\($0.name) \($0.value) \($0.remark ?? "")".hasPrefix(card) }, "\(scores)")
        }
        #expect(PageChecker(try run.page()).problems == [])
    }

    @Test func theEndOfARunSaysWhatItIsAndWhatWasBetter() throws {
        let last = try RunCase(record: [("final", ["step": 40])])
        #expect(
            try RunSummary(last.report(), folder: "out").lines == [
                "final.h5: step 40 · Loss 2.6000 · Exact match 40.00 · KorQuAD F1 68.00",
                "best by korquad_f1: 70.00 after step 20", "report: out/report.html",
            ])
        let best = try RunCase(
            settings: ["load-best-model-at-end": true], record: [("final", ["step": 20])])
        #expect(
            try RunSummary(best.report(), folder: "out/").lines == [
                "final.h5: step 20, the best by korquad_f1 · Loss 2.5000 · Exact match 40.00 · KorQuAD F1 70.00",
                "report: out/report.html",
            ])
        let unknown = try RunCase(metrics: [RunCase.train(10)], record: [("final", ["step": 10])])
        #expect(
            try RunSummary(unknown.report(), folder: "out").lines == [
                "final.h5: step 10, not evaluated", "report: out/report.html",
            ])
    }

    @Test func nothingButTheNamespaceLooksLikeAnAddress() throws {
        let page = try RunCase().page()
        let addresses = page.matches(of: /https?:\/\/[a-z0-9.\/]*/).map { String($0.output) }
        #expect(Set(addresses) == ["http://www.w3.org/2000/svg"])
        #expect(page.contains("default-src &#39;none&#39;; script-src &#39;nonce-"))
        #expect(!page.contains("unsafe-inline"))
    }

    @Test(arguments: [
        "</script><script>alert(1)</script>", "<!--<script>", "\u{2028}\u{2029}", "\"'><img src=x onerror=y>",
        "&lt;b&gt;&amp;", "]]>", "\u{0}\u{7}\u{7F}", "back\\slash \\u003c",
        "😀 \u{1112}\u{1161}\u{11AB} e\u{301}",
        "{{x}} ${x} `x`",
    ])
    func whatUsersWriteIsHarmless(text: String) throws {
        let context = "앞 \(text) 뒤"
        let asked = RunCase.Asked(
            id: "id \(text)", question: "무엇 \(text)?", gold: text, answer: "앞 \(text)", start: 2,
            candidates: [("앞 \(text)", 0.5), ("딴 \(text)", 0.1)])
        let run = try RunCase(
            asked: [asked], context: context,
            settings: ["model": .string("m/\(text)"), text.isEmpty ? "x" : text: .string(text)],
            record: [("run", .string(text))])
        let html = try run.page()
        let page = PageChecker(html)
        #expect(page.problems == [])
        #expect(page.counts["script"] == 3 && page.counts["img"] == nil && page.counts["b"] == nil)
        let questions = try #require(page.object("questions") as? [String: Any])
        #expect(
            try #require(questions["contexts"] as? [String]).elementsEqual([context]) { isSameText($0, $1) })
        let row = try #require((questions["rows"] as? [[Any]])?.first)
        #expect(isSameText(try #require(row[0] as? String), asked.id))
        #expect(isSameText(try #require(row[1] as? String), asked.question))
        // The gold answer as a place of the context, in units of UTF-16.
        let place = try #require((row[6] as? [[Int]])?.first)
        let units = Array(context.utf16)
        #expect(units[place[0]..<place[0] + place[1]].elementsEqual(text.utf16))
        #expect(!html.unicodeScalars.contains { $0 == "\u{2028}" && text.isEmpty })
    }

    @Test func scriptDataHasNoLineSeparatorsOrTags() {
        let text = JSONValue.string("</a>&\u{2028}\u{2029}\u{7F}é").embedded
        #expect(text == #""\u003c/a\u003e\u0026\u2028\u2029\u007fé""#)
    }

    @Test func aRunWithoutEvaluationShowsTheRest() throws {
        let run = try RunCase(metrics: [RunCase.train(10), RunCase.train(20)])
        let page = PageChecker(try run.page())
        #expect(page.problems == [] && page.object("questions") is NSNull)
        #expect(page.text.contains("has not been evaluated yet") && !page.identifiers.contains("questions"))
        #expect(try run.report().notices == [])
    }

    @Test func aRunThatHasJustBegunHasAPage() throws {
        let run = try RunCase(metrics: nil)
        #expect(PageChecker(try run.page()).problems == [])
        #expect(try run.report().notices.first?.contains("no metrics.jsonl") == true)
        try run.write("", "metrics.jsonl")
        #expect(try run.report().notices == [])
    }

    @Test func resumesAndSavesAreInTheData() throws {
        let page = PageChecker(try RunCase().page())
        #expect(page.object("saves") as? [Int] == [20] && page.object("resumes") as? [Int] == [20])
        let charts = try #require(page.object("charts") as? [[String: Any]])
        #expect(
            charts.compactMap { $0["name"] as? String } == [
                "loss", "scores", "accuracy", "rate", "norm", "samples", "tokens", "time",
            ])
        let loss = try #require(charts[0]["series"] as? [[String: Any]])
        #expect(loss.map { $0["values"] as? [Double] } == [[3, 2.8, 2.6, 2.4], [2.5, 2.6]])
        #expect(charts[0]["best"] as? Int == 20 && charts[1]["best"] as? Int == 20)
        #expect((page.object("axes") as? [[Int]])?.contains([10, 20, 30, 40]) == true)
    }

    @Test func longRunsAreThinnedOut() throws {
        let lines = (1...7001).map { RunCase.train($0, loss: Double($0 % 2)) }
        let run = try RunCase(metrics: lines)
        let curve = try run.report().curve(training: .loss, "")
        #expect(curve.steps.count == 1751 && curve.steps.last == 7001)
        #expect(curve.values.dropLast().allSatisfy { $0 == 0.5 })
    }

    @Test func aSettingThatWasChangedIsMarked() throws {
        let run = try RunCase(settings: ["learning-rate": 3e-4, "batch-size": .number(16)])
        let page = try RunPage(
            run.report(), defaults: [("learning-rate", 5e-5), ("batch-size", 16), ("model", .null)]
        ).html
        #expect(page.components(separatedBy: "class=\"changed\"").count == 2)
        #expect(PageChecker(page).text.contains("● 0.0003 (default 5e-05)"))
    }

    @Test func theSamePageIsTheSameBytes() throws {
        let run = try RunCase()
        #expect(try run.page() == run.page())
        try RunPage(run.report()).write(to: run.path("report.html"))
        #expect(try String(contentsOfFile: run.path("report.html"), encoding: .utf8) == run.page())
    }

    @Test func aFolderThatTakesNoFileIsAnError() throws {
        let run = try RunCase()
        let error = try #require(throws: CheckpointError.self) {
            try RunPage(run.report()).write(to: run.path("missing/report.html"))
        }
        #expect(error.category == .cannotCreate)
    }
}
