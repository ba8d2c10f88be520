import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Odd data does not end a run: it is repaired or reported by id, and the rest is trained on.
    @Suite struct OddDatasetTests {
        private static let context = "🙂두레는 조선 후기의 마을 조직이며 두레와 품앗이는 다르다."

        private func train(_ work: Workspace, _ files: [String], _ more: String...) -> [String] {
            ["train", "--model", work.model, "--output-dir", work.folder.file("out")] + Workspace.windows
                + files.flatMap { ["--train-file", $0] } + ["--max-steps", "2"] + more
        }

        /// Answers of one form each; `answer_start` of "조선" is 5 in code points.
        @Test(arguments: [
            (#"{"text":"조선","answer_start":5}"#, ""), (#"[{"text":"조선","answer_start":"5"}]"#, ""),
            (#"[{"text":"조선","answer_start":5.0}]"#, ""),
            (
                #"[{"text":"조선","answer_start":6}]"#,
                "repaired: answer \"조선\" does not stand at 6: found at 5, "
                    + "answer_start counts UTF-16 units"
            ),
            (#"[{"text":"조선","answer_start":-5}]"#, "found at 5"),
            (#"[{"text":"조선","answer_start":123456789012}]"#, "found at 5"),
            (#"[{"text":"두레","answer_start":51}]"#, "which is 51 in bytes"),
            (#"[{"text":"없다","answer_start":5}]"#, "skipped: answer \"없다\""),
            (#"[{"text":"\u110C\u1169\u1109\u1165\u11AB","answer_start":5}]"#, "Unicode normalisation"),
            (#"[{"text":"","answer_start":5}]"#, "its text is empty"), ("null", "no answer is given"),
        ])
        func theRunGoesOn(answers: String, words: String) async throws {
            let work = try await Workspace()
            let text = #"""
                {"data":[{"paragraphs":[{"context":"\#(Self.context)","qas":[
                {"id":"odd-1","question":"어느 때?","answers":\#(answers)},
                {"id":"good","question":"어느 때?","answers":[{"text":"조선","answer_start":5}]}]}]}]}
                """#
            let path = try work.folder.write([0xEF, 0xBB, 0xBF] + Array(text.utf8), to: "odd.json")
            let result = try await Program.run(train(work, [path]))
            expectSuccess(result)
            let reports = result.errorLines.filter { $0.contains("odd-1") }
            #expect(reports.count == (words.isEmpty ? 0 : 1), "\(result.errorText)")
            #expect(words.isEmpty || result.errorText.contains(words), "\(result.errorText)")
            let strict = try await Program.run(train(work, [path], "--strict", "--no-feature-cache"))
            if words.isEmpty { expectSuccess(strict) } else { expectFailure(strict, 65, "odd-1") }
        }

        @Test func filesOfSeveralKindsAreTrainedOnTogether() async throws {
            let work = try await Workspace()
            let rows = (0..<4).map { number in
                #"{"guid":\#(number),"title":"두레","context":"\#(Self.context) \#(number)","question":"?","#
                    + #""is_impossible":false,"answers":{"text":["조선"],"answer_start":[5]}}"#
            }
            let lines = try work.folder.write(rows.joined(separator: "\n").utf8, to: "rows.txt")
            let news =
                #"{"data":[{"news_category":"문화","paragraphs":[{"context":"\#(Self.context)","qas":[{"id":77,"question":"?","answers":{"text":"조선","answer_start":5}}]}]}]}"#
            let file = try work.folder.write(news.utf8, to: "news.json")
            let result = try await Program.run(
                ranks: 2,
                train(
                    work, [lines, work.trainFile, file], "--validation-split", "0.2", "--split-by", "article")
            )
            expectSuccess(result)
            let inspected = try await Program.run(["inspect", lines])
            expectSuccess(inspected)
            let counts = try JSON(inspected.output)
            #expect(counts["kinds"]?["KLUE-MRC"] == 4 && counts["articles"] == 1 && counts["contexts"] == 4)
            let one = train(work, [lines], "--validation-split", "0.5", "--split-by", "article")
            expectFailure(try await Program.run(one), 65, "one article cannot be split")
            expectFailure(
                try await Program.run(train(work, [lines], "--split-by", "article")), 64, "--split-by")
        }

        @Test func testFilesAreAnsweredButNotScored() async throws {
            let work = try await Workspace()
            let text =
                #"{"data":[{"paragraphs":[{"context":"\#(Self.context)","qas":[{"guid":"t1","question":"?"}]}]}]}"#
            let path = try work.folder.write(text.utf8, to: "test.json")
            let evaluate =
                [
                    "evaluate", "--model", work.model, "--dataset", path, "--output-dir",
                    work.folder.file("out"),
                ]
                + Workspace.windows
            let result = try await Program.run(evaluate)
            expectSuccess(result)
            #expect(result.errorText.contains("the dataset has no answers"))
            let metrics = try JSON(result.output)
            #expect(metrics["f1"]?.number == nil && metrics["loss"]?.number == nil)
            #expect(try work.json("out/eval_predictions.json").members.keys.sorted() == ["t1"])
            let score = try await Program.run([
                "score", "--dataset", path, "--predictions", work.folder.file("out/eval_predictions.json"),
            ])
            expectFailure(score, 65, "test.json", "no answers")
            try FileManager.default.removeItem(atPath: work.folder.file("out"))
            expectFailure(
                try await Program.run(train(work, [path])), 65, "test.json", "no question has an answer")
            expectFailure(
                try await Program.run(train(work, [work.trainFile], "--validation-file", path)), 65,
                "to validate on")
            #expect(try !work.folder.names.contains("out"))
        }
    }
}
