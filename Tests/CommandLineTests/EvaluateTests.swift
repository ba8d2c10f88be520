import TestSupport
import Testing

extension ProgramTests {
    @Suite struct EvaluateTests {
        @Test func scoreGivesTheMetricsThatEvaluateGave() async throws {
            let work = try await Workspace()
            let evaluation = try await Program.run(work.evaluate(work.model, into: "output"))
            expectSuccess(evaluation)
            #expect(
                work.folder.contents(of: "output")
                    == [
                        "eval_nbest_predictions.json", "eval_predictions.csv", "eval_predictions.json",
                        "eval_results.json",
                    ])
            let results = try JSON(evaluation.output)
            #expect(try work.resultsButSpeed("output") == results.members)
            for name in ["seconds", "questions_per_second", "windows_per_second", "tokens_per_second"] {
                #expect((try work.json("output/eval_results.json")[name]?.number ?? 0) > 0)
            }

            let score = try await Program.run([
                "score", "--dataset", work.validationFile, "--predictions",
                work.folder.file("output/eval_predictions.json"),
            ])
            expectSuccess(score)
            #expect(score.errors.isEmpty)
            for (name, value) in try JSON(score.output).members { #expect(results[name] == value, "\(name)") }
            for name in ["exact_match", "f1", "korquad_exact_match", "korquad_f1", "edit_distance"] {
                #expect(try JSON(score.output)[name]?.number != nil)
            }
        }

        @Test func everyQuestionHasAnAnswerAndCandidates() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.evaluate(work.model, into: "output", "--n-best-size", "7")))
            let predictions = try work.json("output/eval_predictions.json").members
            let candidates = try work.json("output/eval_nbest_predictions.json").members
            #expect(predictions.count == 38)
            #expect(Set(predictions.keys) == Set(candidates.keys))
            for (id, list) in candidates {
                #expect((1...7).contains(list.list.count))
                #expect(list.list.first?["text"] == predictions[id])
                for candidate in list.list {
                    #expect(
                        Set(candidate.members.keys) == ["start_logit", "end_logit", "text", "probability"])
                }
            }
        }

        @Test func aQuestionMayHaveNoAnswerWhenThatIsAllowed() async throws {
            let work = try await Workspace()
            let arguments = work.evaluate(
                work.model, into: "output", "--version-2-with-negative", "--null-score-diff-threshold",
                "-1000")
            expectSuccess(try await Program.run(arguments))
            #expect(try work.json("output/eval_predictions.json").members.values.allSatisfy { $0 == "" })
            #expect(try work.json("output/eval_null_odds.json").members.count == 38)
        }

        @Test func theThresholdForNoAnswerIsFittedToTheDataset() async throws {
            let work = try await Workspace()
            let unanswerable: JSON = [
                "id": "none", "question": "두레는 어디에 있는가?", "answers": [], "is_impossible": true,
            ]
            let dataset = try work.dataset(
                "d.json", questions: (0..<6).map { Workspace.question(.text("q\($0)")) } + [unanswerable])
            func evaluate(_ output: String, _ more: String...) async throws -> JSON {
                let result = try await Program.run(
                    [
                        "evaluate", "--model", work.model, "--dataset", dataset, "--output-dir",
                        work.folder.file(output), "--version-2-with-negative",
                    ] + Workspace.windows + more)
                expectSuccess(result)
                return try JSON(result.output)
            }
            let fitted = try await evaluate("fitted", "--calibrate")
            let threshold = try #require(fitted["null_score_diff_threshold"]?.number)
            #expect(fitted["best_f1_thresh"]?.number == threshold)
            let best = try #require(fitted["best_f1"]?.number)
            #expect(abs((fitted["f1"]?.number ?? -1) - best) < 1e-9)
            let given = try await evaluate("given", "--null-score-diff-threshold", "\(Float(threshold))")
            #expect(given["f1"] == fitted["f1"])
            #expect(given["best_f1"] == nil)
            for other in ["-1000", "1000", "0"] {
                let result = try await evaluate("other", "--null-score-diff-threshold", other)
                #expect((result["f1"]?.number ?? 101) <= best + 1e-9)
            }
            let alone = try await Program.run(
                work.evaluate(work.model, into: "refused", "--calibrate"))
            expectFailure(alone, 64, "--version-2-with-negative")
        }

        @Test func predictionsAreTheSameBytesOnAnyNumberOfRanks() async throws {
            let work = try await Workspace()
            // So few tokens at once that there is something to deal out, and that the last is not full.
            let few = ["--micro-batch-tokens", "200"]
            for ranks in 1...4 {
                let arguments = work.evaluate(work.model, into: "\(ranks)") + few
                expectSuccess(try await Program.run(ranks: ranks, arguments))
            }
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "0") + few))
            for name in ["eval_predictions.json", "eval_predictions.csv", "eval_nbest_predictions.json"] {
                let alone = try work.bytes("0/\(name)")
                for ranks in 1...4 { #expect(try work.bytes("\(ranks)/\(name)") == alone, "\(ranks)") }
            }
            let results = try work.resultsButSpeed("0")
            for ranks in 1...4 { #expect(try work.resultsButSpeed("\(ranks)") == results, "\(ranks)") }
        }

        @Test func aCheckpointAnswersAsTheFolderItCameFrom() async throws {
            let work = try await Workspace()
            // A rate so low that no weight changes.
            let arguments = work.train(
                into: "run", "--max-steps", "1", "--learning-rate", "1e-30", "--save-strategy", "no")
            expectSuccess(try await Program.run(arguments))
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "folder")))
            expectSuccess(
                try await Program.run(work.evaluate(work.folder.file("run/final.h5"), into: "checkpoint")))
            #expect(
                try work.bytes("folder/eval_nbest_predictions.json")
                    == work.bytes("checkpoint/eval_nbest_predictions.json"))
        }

        @Test func questionsWithoutAnswerAreToldBeforeTheFirstStep() async throws {
            let work = try await Workspace()
            let none: JSON = ["id": "none", "question": "언제?", "answers": [], "is_impossible": true]
            let dataset = try work.dataset("half.json", questions: [Workspace.question("a"), none])
            var train = work.train(
                into: "run", "--max-steps", "1", "--save-strategy", "no", "--validation-file", dataset,
                "--metric-for-best-model", "korquad_f1")
            train[4] = dataset
            let result = try await Program.run(train)
            expectSuccess(result)
            for words in [
                "1 of 2 questions to train on have no answer", "1 of 2 questions to answer have no answer",
                "(--metric-for-best-model korquad_f1)",
            ] {
                let lines = result.errorLines.filter { $0.contains("dure: warning: ") && $0.contains(words) }
                #expect(lines.count == 1, "\(words): \(result.errorText)")
            }
            // With the flag nothing is left to tell, also where features were kept.
            let version2 = try await Program.run(train + ["--version-2-with-negative"])
            #expect(!version2.errorText.contains("have no answer, but no answer"), "\(version2.errorText)")
            let evaluate = [
                "evaluate", "--model", work.model, "--dataset", dataset, "--output-dir",
                work.folder.file("evaluation"),
            ]
            let evaluated = try await Program.run(evaluate + Workspace.windows)
            expectSuccess(evaluated)
            #expect(evaluated.errorText.contains("warning: 1 of 2 questions to answer have no answer"))
        }

        @Test func predictionsThatAreMissingAreCounted() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset(
                "d.json", questions: [Workspace.question("a"), Workspace.question("b")])
            let predictions = try work.folder.write(#"{"a": "두레"}"#.utf8, to: "p.json")
            let result = try await Program.run(["score", "--dataset", dataset, "--predictions", predictions])
            expectSuccess(result)
            let metrics = try JSON(result.output)
            #expect(metrics["missing"] == 1)
            #expect(metrics["total"] == 2)
            #expect(metrics["exact_match"] == 50)
            #expect(result.errorText.contains("warning: 1 of 2 questions have no prediction"))
        }
    }
}
