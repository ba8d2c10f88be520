import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Flags that train less, or with less.
    @Suite struct FineTuningTests {
        @Test func layersComputedAgainTrainTheSameOnRanks() async throws {
            let work = try await Workspace()
            for (name, flag) in [
                ("kept", "--no-gradient-checkpointing"), ("again", "--gradient-checkpointing"),
            ] {
                expectSuccess(
                    try await Program.run(ranks: 2, work.train(into: name, "--max-steps", "4", flag)))
            }
            let losses = try ["kept", "again"].map { name in
                try work.metrics(name).compactMap { $0["loss"]?.number }
            }
            #expect(losses[0] == losses[1] && losses[0].count == 4)
            let same = try await Program.run([
                "inspect", "--diff", work.folder.file("kept/final.h5"), work.folder.file("again/final.h5"),
            ])
            #expect(same.outputText.contains("identical tensors: 39"))
        }

        @Test(arguments: [1, 2]) func whatIsFrozenStaysAsTheModelFolderHasIt(ranks: Int) async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(
                    ranks: ranks,
                    work.train(into: "run", "--max-steps", "3", "--freeze-embeddings", "--freeze-layers", "1")
                ))
            let result = try await Program.run([
                "inspect", "--diff", work.folder.file("run/final.h5"), work.model,
            ])
            #expect(!result.outputText.contains("embeddings"))
            #expect(!result.outputText.contains("encoder.layer.0."))
            #expect(result.outputText.contains("encoder.layer.1."))
        }

        @Test func moreLayersThanThereAreAreRefused() async throws {
            let work = try await Workspace()
            let result = try await Program.run(work.train(into: "run", "--freeze-layers", "3"))
            expectFailure(result, 64, "--freeze-layers 3", "the model has 2 layers")
            #expect(work.results(of: "run").isEmpty)
        }

        @Test func onlyTheFirstQuestionsAreTakenWhereAskedTo() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                work.train(
                    into: "run", "--validation-file", work.validationFile, "--max-steps", "2",
                    "--max-train-samples", "7", "--max-eval-samples", "3"))
            expectSuccess(result)
            #expect(result.errorText.contains("training on 7 features"))
            #expect(try work.json("run/eval_predictions.json").members.count == 3)
            let evaluation = try await Program.run(
                work.evaluate(work.folder.file("run/final.h5"), into: "answers", "--max-eval-samples", "5"))
            expectSuccess(evaluation)
            #expect(try JSON(evaluation.output)["total"]?.number == 5)
            let lost = try await Program.run(work.train(into: "run", "--max-eval-samples", "3"))
            expectFailure(lost, 64, "--max-eval-samples needs --validation-file or --validation-split")
        }

        @Test func aRunGoesOnWithWhatItBeganWithAlone() async throws {
            let work = try await Workspace()
            let more = ["--label-smoothing", "0.1", "--layerwise-lr-decay", "0.9", "--freeze-layers", "1"]
            let train = work.train(
                into: "run", "--max-steps", "4", "--save-strategy", "steps", "--save-steps", "2")
            expectSuccess(try await Program.run(train + more))
            let checkpoint = ["--resume", work.folder.file("run/checkpoints/step-00000002.h5")]
            let other = try await Program.run(train + checkpoint + ["--label-smoothing", "0.2"])
            expectFailure(
                other, 64, "--label-smoothing 0.2 instead of 0.1", "--layerwise-lr-decay 1 instead of 0.9",
                "--freeze-layers 0 instead of 1")
            expectSuccess(try await Program.run(train + checkpoint + more))
        }
    }
}
