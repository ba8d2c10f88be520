import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// `dure train --debug` and `--overfit-batch`.
    @Suite struct DebugTests {
        private static let sections = [
            "== Training data", "== Feature: question dure-001-1, window 0", "== Weights",
            "== Gradients against finite differences, on feature dure-001-1/0",
            "== Step 1: activations and their gradients",
        ]

        @Test func sectionsComeInOrderAndTrainingIsTheSame() async throws {
            let work = try await Workspace()
            let more = ["--max-steps", "3", "--save-strategy", "no"]
            expectSuccess(try await Program.run(work.train(into: "plain") + more))
            let result = try await Program.run(work.train(into: "debug", "--debug") + more)
            expectSuccess(result)
            #expect(result.output.isEmpty)
            #expect(
                result.errorLines.filter { $0.hasPrefix("== ") }
                    == Self.sections
                    + [
                        "== Step 2: activations and their gradients",
                        "== Step 3: activations and their gradients",
                    ])
            #expect(try work.losses("debug") == work.losses("plain"))
            #expect(try work.bytes("debug/final.h5").count == work.bytes("plain/final.h5").count)
            for text in ["【", "the gold answer exactly", " > ", "gradient 0", "  right"] {
                #expect(result.errorText.contains(text), "\(text)")
            }
            #expect(try work.json("debug/run.json")["settings"]?["debug"] == nil)
        }

        /// A launcher's process that would fail as soon as it asked MPI for anything.
        @Test func mpiIsLeftAlone() async throws {
            let work = try await Workspace()
            let broken = ["OMPI_MCA_pml": "none-such"]
            let arguments = work.train(into: "output", "--max-steps", "1", "--save-strategy", "no")
            let plain = try await Program.run(ranks: 1, arguments, environment: broken)
            #expect(plain.exitCode != 0)
            let result = try await Program.run(ranks: 1, arguments + ["--debug"], environment: broken)
            expectSuccess(result)
            #expect(result.errorText.contains("== Weights"))
        }

        @Test func severalRanksAreRefused() async throws {
            let work = try await Workspace()
            expectFailure(
                try await Program.run(ranks: 2, work.train(into: "output", "--debug")), 64, "--debug",
                "2 ranks")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func aWeightThatIsNoNumberIsNamed() async throws {
            let work = try await Workspace()
            let name = "bert.encoder.layer.1.attention.output.dense.weight"
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            // Row 2, column 5 of 32.
            file[name].bytes.replaceSubrange(4 * (2 * 32 + 5)..<4 * (2 * 32 + 6), with: [0, 0, 0xC0, 0x7F])
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            let result = try await Program.run(work.train(into: "output", "--debug"))
            expectFailure(result, 65, work.model, "tensor \(name)", "[2, 5]", "nan")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func aNumberThatOverflowsIsNamedByItsPlace() async throws {
            let work = try await Workspace()
            let name = "bert.encoder.layer.1.intermediate.dense.weight"
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            let huge = withUnsafeBytes(of: Float(3e38).bitPattern.littleEndian) { Array($0) }
            file[name].bytes = Array(repeating: huge, count: file[name].bytes.count / 4).flatMap { $0 }
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            let arguments = work.train(
                into: "output", "--debug", "--no-shuffle", "--batch-size", "2", "--max-steps", "2")
            expectFailure(
                try await Program.run(arguments), 65, "step 1", "layer 1", "intermediate dense", "forward",
                "feature dure-001-1/0")
        }

        @Test func misplacedAnswersAreNamedWithTheirPlaces() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset(
                "d.json", context: "두레는 마을의 공동 노동 조직이다. 두레의 노동은 많았다.",
                questions: [
                    Workspace.question("right"), Workspace.question("moved", answer: "마을", start: 3),
                    Workspace.question("twice", answer: "노동", start: 1),
                    Workspace.question("nowhere", answer: "없는 말", start: 3),
                ])
            let arguments =
                ["train", "--model", work.model, "--output-dir", work.folder.file("output"), "--debug"]
                + ["--train-file", dataset, "--max-steps", "1"] + Workspace.windows
            let result = try await Program.run(arguments)
            expectSuccess(result)
            let text = result.errorLines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(
                separator: " ")
            #expect(
                text.contains("1 where they should be, 1 misplaced and repaired, 2 misplaced and left out"))
            #expect(text.contains("question moved: answer \"마을\" does not stand at 3: found at 4"))
            #expect(text.contains("question twice: answer \"노동\" does not stand at 1"))
            #expect(text.contains("it stands at 11, 24"))
            #expect(text.contains("question nowhere: answer \"없는 말\" does not stand at 3"))
        }

        #if DURE_TEST_FAULTS
            @Test func aWrongGradientIsABugAndNamed() async throws {
                let work = try await Workspace()
                // The first block's second LayerNorm, whether there are two blocks: calls go backward.
                let result = try await Program.run(
                    work.train(into: "output", "--debug"),
                    environment: ["DURE_TEST_FAULT": "layerNormScale:2"])
                let name = "bert.encoder.layer.0.output.LayerNorm.weight"
                expectFailure(result, 70, name, "finite difference", "bug")
                #expect(result.errorLines.filter { $0.hasPrefix("  wrong") }.count == 1)
                #expect(try !work.folder.names.contains("output"))
            }
        #endif

        @Test(arguments: [1, 2])
        func aFewFeaturesAreLearntOnAnyNumberOfRanks(ranks: Int) async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--overfit-batch", "4", "--learning-rate", "1e-2", "--max-steps", "100")
            let result =
                ranks == 1 ? try await Program.run(arguments) : try await Program.run(ranks: ranks, arguments)
            expectSuccess(result)
            #expect(result.errorText.contains("overfitting 4 feature(s)"))
            #expect(result.errorText.contains("near 0: this model and this data can be learnt"))
            let settings = try work.json("output/run.json")["settings"]
            #expect(settings?["overfit-batch"] == 4 && settings?["hidden-dropout-prob"] == 0)
            #expect(try work.json("output/eval_results.json")["exact_match"] == 100)
            #expect(try work.losses("output").count == 100)
            #expect(work.results(of: "output").filter { $0.hasPrefix("checkpoints/") }.count == 1)
        }

        @Test func goingOnWithAnotherNumberIsAnotherTraining() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "output", "--overfit-batch", "4", "--max-steps", "2")))
            expectFailure(
                try await Program.run(
                    work.train(into: "output", "--overfit-batch", "5", "--max-steps", "4", "--resume")), 64,
                "--overfit-batch 5 instead of 4")
        }

        @Test func debuggingAndOverfittingGoTogether() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                work.train(
                    into: "output", "--overfit-batch", "2", "--debug", "--learning-rate", "1e-6",
                    "--save-strategy", "no", "--logging-steps", "100", "--max-steps", "5"))
            expectSuccess(result)
            #expect(result.errorText.contains("== Training data"))
            #expect(result.errorText.contains("not near 0"))
            #expect(!result.errorText.contains("  - --debug"))
        }
    }
}
