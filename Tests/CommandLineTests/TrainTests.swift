import TestSupport
import Testing

extension ProgramTests {
    @Suite struct TrainTests {
        static let metricsOfAStep: Set<String> = [
            "event", "step", "epoch", "loss", "learning_rate", "grad_norm", "start_accuracy", "end_accuracy",
            "samples_per_second", "tokens_per_second", "step_seconds", "compute_seconds",
            "communication_seconds",
        ]
        static let metricsOfAnEvaluation: Set<String> = [
            "event", "step", "loss", "exact_match", "f1", "korquad_exact_match", "korquad_f1",
            "edit_distance",
        ]

        @Test(arguments: [1, 2])
        func aRunLeavesWhatTheInterfaceSays(ranks: Int) async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--validation-file", work.validationFile, "--max-steps", "4",
                "--save-strategy", "steps", "--save-steps", "2")
            let result =
                ranks == 1 ? try await Program.run(arguments) : try await Program.run(ranks: ranks, arguments)
            expectSuccess(result)
            #expect(result.output.isEmpty)
            #expect(
                work.results(of: "output") == [
                    "best.h5", "checkpoints", "checkpoints/step-00000002.h5", "checkpoints/step-00000004.h5",
                    "eval_nbest_predictions.json", "eval_predictions.csv", "eval_predictions.json",
                    "eval_results.json", "events.out.tfevents", "final.h5",
                    "metrics.jsonl", "report.html", "run.json",
                ])

            let metrics = try work.metrics("output")
            let steps = metrics.filter { $0["event"] == "train" }
            #expect(steps.map { $0["step"] } == [1, 2, 3, 4])
            for step in steps { #expect(Self.metricsOfAStep.isSubset(of: step.members.keys)) }
            let evaluations = metrics.filter { $0["event"] == "eval" }
            #expect(evaluations.map { $0["step"] } == [4])
            for evaluation in evaluations {
                #expect(Self.metricsOfAnEvaluation.isSubset(of: evaluation.members.keys))
            }
            let saves = metrics.filter { $0["event"] == "save" }
            #expect(saves.map { $0["step"] } == [2, 4])
            #expect(saves.last?["path"] == "checkpoints/step-00000004.h5")

            let run = try work.json("output/run.json")
            #expect(run["ranks"]?.number == Double(ranks))
            #expect(run["hosts"]?.list.count == ranks)
            #expect(run["settings"]?["batch-size"] == 16)
            #expect(run["settings"]?["hidden-dropout-prob"]?.number?.isFinite == true)
            #expect(run["datasets"]?.members.count == 2)
            #expect(
                try work.json("output/eval_results.json")["f1"] == evaluations.last?["f1"])
        }

        @Test func linesOfMetricsAreMeansOverTheStepsBetween() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "each", "--max-steps", "5", "--save-strategy", "no")))
            expectSuccess(
                try await Program.run(
                    work.train(
                        into: "some", "--max-steps", "5", "--save-strategy", "no", "--logging-steps", "2")))
            let each = try work.losses("each")
            let some = try work.losses("some")
            try #require(each.count == 5 && some.count == 3)
            #expect(abs(some[0] - (each[0] + each[1]) / 2) < 1e-9)
            #expect(abs(some[2] - each[4]) < 1e-9)
        }

        @Test func trainingOnTheSampleLearns() async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--max-steps", "60", "--learning-rate", "2e-3", "--save-strategy", "no")
            expectSuccess(try await Program.run(arguments))
            let losses = try work.losses("output")
            let first = losses.prefix(5).reduce(0, +)
            #expect(losses.suffix(5).reduce(0, +) < 0.9 * first)
        }

        @Test func filesAreConcatenatedAndDoNotNeedAnswersInOrder() async throws {
            let work = try await Workspace()
            let one = try work.dataset("one.json", questions: [Workspace.question("a")])
            let two = try work.dataset("two.json", questions: [Workspace.question("b")])
            let arguments =
                ["train", "--model", work.model, "--output-dir", work.folder.file("output")]
                + ["--train-file", one, "--train-file", two, "--max-steps", "1"] + Workspace.windows
            expectSuccess(try await Program.run(arguments))
            #expect(try work.json("output/run.json")["features"] == 2)
        }

        @Test func aRunIntoTheFolderOfAnEarlierOneKeepsItsOwnCheckpoints() async throws {
            let work = try await Workspace()
            for steps in ["4", "2"] {
                let arguments = work.train(
                    into: "output", "--max-steps", steps, "--save-strategy", "steps", "--save-steps", "1",
                    "--save-total-limit", "2")
                expectSuccess(try await Program.run(arguments))
            }
            #expect(
                work.folder.contents(of: "output/checkpoints") == ["step-00000001.h5", "step-00000002.h5"])
        }

        @Test func aCheckpointIsAModelToTrainOn() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "first", "--max-steps", "2", "--save-strategy", "no")))
            let more =
                ["train", "--model", work.folder.file("first/final.h5"), "--train-file", work.trainFile]
                + ["--output-dir", work.folder.file("second"), "--max-steps", "1"] + Workspace.windows
            expectSuccess(try await Program.run(more))
            #expect(work.folder.contents(of: "second").contains("final.h5"))
        }

        @Test func aSharePutAsideIsValidatedOn() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "1", "--validation-split", "0.2")
            expectSuccess(try await Program.run(arguments))
            #expect(try work.json("output/eval_results.json")["total"] == 33)
            #expect(try work.json("output/run.json")["features"] == 132)
        }

        @Test func aMisplacedAnswerIsRepairedOrSkippedOrRefused() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset(
                "d.json",
                questions: [
                    Workspace.question("right"), Workspace.question("elsewhere", answer: "노동", start: 3),
                    Workspace.question("nowhere", answer: "없는 말", start: 3),
                ])
            let arguments =
                ["train", "--model", work.model, "--output-dir", work.folder.file("output")]
                + ["--train-file", dataset, "--max-steps", "1"] + Workspace.windows
            expectFailure(try await Program.run(arguments + ["--strict"]), 65, "elsewhere")
            let result = try await Program.run(arguments)
            expectSuccess(result)
            #expect(result.errorText.contains("nowhere"))
            #expect(try work.json("output/run.json")["features"] == 2)
        }
    }
}
