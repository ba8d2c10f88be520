import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// `--features`, `--clean` and `--split-sentences`.
    @Suite struct FeatureOptionsTests {
        private static let context =
            "(서울=연합뉴스) 홍길동 기자 = ■ 두레(農社)는 조선(朝鮮) 후기에 자리 잡은 마을의 공동 노동 조직이다. 모내기(移秧)를 함께 했다."

        private func dataset(_ work: Workspace) throws -> String {
            func question(_ id: JSON, _ answer: String) throws -> JSON {
                let range = try #require(Self.context.range(of: answer))
                return Workspace.question(
                    id, answer: answer,
                    start: Self.context[..<range.lowerBound].unicodeScalars.count)
            }
            return try work.dataset(
                "odd.json", context: Self.context,
                questions: [try question("a", "조선"), try question("b", "두레(農社)"), try question("c", "조직")])
        }

        private func evaluate(_ work: Workspace, _ dataset: String, _ output: String, _ more: [String])
            -> [String]
        {
            [
                "evaluate", "--model", work.model, "--dataset", dataset, "--output-dir",
                work.folder.file(output),
            ] + Workspace.windows + more
        }

        @Test func predictionsOfCleanedTextAreSlicesOfTheOriginal() async throws {
            let work = try await Workspace()
            let data = try dataset(work)
            let result = try await Program.run(
                evaluate(work, data, "output", ["--clean", "hanja,special,boilerplate"]))
            expectSuccess(result)
            #expect(result.errorText.contains("cleaning changed 1 of 1 contexts: hanja 3 (12 code points)"))
            #expect(result.errorText.contains("answers of 1 question(s)"))
            let candidates = try work.json("output/eval_nbest_predictions.json").members
            #expect(candidates.count == 3)
            var spansRemovals = false
            for text in candidates.values.flatMap(\.list).compactMap({ $0["text"]?.text }) {
                #expect(Self.context.contains(text), "\(text)")
                // Nothing removed begins or ends an answer.
                #expect(!"()■[".contains(text.prefix(1)) && !"農社朝鮮移秧".contains(text.suffix(1)))
                spansRemovals = spansRemovals || text.contains("(")
            }
            #expect(spansRemovals)
            expectSuccess(try await Program.run(evaluate(work, data, "plain", [])))
            #expect(
                try work.bytes("plain/eval_nbest_predictions.json")
                    != work.bytes("output/eval_nbest_predictions.json"))
        }

        @Test(arguments: [
            ["--clean", "hanja, special"], ["--features", "single-window"], ["--split-sentences"],
            ["--features", "single-window", "--clean", "boilerplate"],
        ])
        func ranksGiveTheSameBytes(options: [String]) async throws {
            let work = try await Workspace()
            let small = ["--max-seq-length", "48", "--doc-stride", "16"]
            for ranks in [1, 2] {
                expectSuccess(
                    try await Program.run(
                        ranks: ranks, work.evaluate(work.model, into: "\(ranks)") + options + small))
            }
            #expect(
                try work.bytes("1/eval_nbest_predictions.json") == work.bytes("2/eval_nbest_predictions.json")
            )
        }

        @Test func trainingWritesDownItsFlagsAndResumesWithThem() async throws {
            let work = try await Workspace()
            let data = try dataset(work)
            let options = ["--features", "single-window", "--clean", "special,hanja"]
            func train(_ more: [String]) -> [String] {
                work.train(
                    into: "run", "--train-file", data, "--max-steps", "4", "--save-strategy", "steps",
                    "--save-steps", "2")
                    + more
            }
            let first = try await Program.run(train(options))
            expectSuccess(first)
            #expect(first.errorText.contains("question(s) keep their original text"))
            let settings = try work.json("run/run.json")["settings"]
            #expect(settings?["features"] == "single-window" && settings?["clean"] == "hanja,special")
            #expect(settings?["split-sentences"] == .boolean(false))
            let losses = try work.losses("run")
            let checkpoint = try #require(
                work.folder.contents(of: "run/checkpoints").first { $0.contains("2.h5") })
            let resume = ["--resume", work.folder.file("run/checkpoints/\(checkpoint)")]
            expectSuccess(try await Program.run(train(options + resume)))
            #expect(try work.losses("run").suffix(2) == losses.suffix(2))
            let other = try await Program.run(train(resume))
            expectFailure(other, 64, "--features", "--clean", "--allow-changed-settings")
        }

        @Test func sentencesDecideWhereWindowsBegin() async throws {
            let work = try await Workspace()
            let small = ["--max-seq-length", "48", "--doc-stride", "8"]
            for (output, options) in [("plain", []), ("sentences", ["--split-sentences"])] {
                let result = try await Program.run(
                    work.evaluate(work.model, into: output) + small + options + [
                        "--feature-cache", work.folder.file("kept"),
                    ])
                expectSuccess(result)
                #expect(!result.errorText.contains("from the cache"))
            }
            #expect(work.folder.contents(of: "kept").count == 2)
            #expect(
                try work.bytes("plain/eval_nbest_predictions.json")
                    != work.bytes("sentences/eval_nbest_predictions.json"))
        }

        @Test func oneQuestionIsAnsweredFromTheOriginal() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                [
                    "answer", "--model", work.model, "--question", "두레는 무엇인가?", "--context", Self.context,
                    "--top-k", "5",
                ]
                    + Workspace.windows + [
                        "--features", "single-window", "--clean", "hanja,special,boilerplate",
                    ])
            expectSuccess(result)
            let scalars = Array(Self.context.unicodeScalars)
            for answer in try JSON(result.output).list {
                let (start, end) = (Int(answer["start"]?.number ?? -1), Int(answer["end"]?.number ?? -1))
                let slice = String(String.UnicodeScalarView(scalars[start..<end]))
                #expect(answer["answer"] == .text(slice))
            }
        }

        @Test func namesThatAreNoneAreUsageErrors() async throws {
            let work = try await Workspace()
            for name in ["hanga", "hanja,,special", "", "HANJA"] {
                let result = try await Program.run(
                    work.evaluate(work.model, into: "output", "--clean", name))
                expectFailure(result, 64, "--clean", "hanja, special, boilerplate")
            }
            expectFailure(
                try await Program.run(work.evaluate(work.model, into: "output", "--features", "other")), 64,
                "--features")
            expectFailure(
                try await Program.run(
                    work.evaluate(work.model, into: "o", "--features", "single-window", "--split-sentences")),
                64,
                "--split-sentences", "single-window")
        }
    }
}
