import Kernels
import TestSupport
import Testing

extension Workspace {
    /// Fails unless two files of weights have the same bits.
    fileprivate func expectSame(_ first: String, _ second: String) async throws {
        let result = try await Program.run([
            "inspect", "--diff", "--json", folder.file(first), folder.file(second),
        ])
        expectSuccess(result)
        let found = try JSON(result.output)
        #expect(try #require(found["identicalCount"]?.number) > 30)
        for name in ["differing", "mismatches", "onlyInFirst", "onlyInSecond"] {
            #expect(found[name]?.list.isEmpty == true, "\(name)")
        }
    }

    /// The types of the tensors of a file of weights.
    fileprivate func types(_ name: String) async throws -> Set<String> {
        let result = try await Program.run(["inspect", "--json", folder.file(name)])
        expectSuccess(result)
        return Set(try #require(try JSON(result.output)["tensors"]).list.compactMap { $0["type"]?.text })
    }
}

extension ProgramTests {
    /// `--precision` and `--product-library`.
    @Suite struct PrecisionTests {
        private static let brain = ["--precision", "bf16", "--allow-slow-precision"]

        private static func run(_ ranks: Int, _ arguments: [String]) async throws -> ProgramResult {
            ranks == 1
                ? try await Program.run(arguments) : try await Program.run(ranks: ranks, arguments)
        }

        /// Losses of a few steps from the same start are apart by what rounding to 8 bits makes.
        @Test(arguments: [1, 2]) func trainingIsNearThatInSinglePrecision(ranks: Int) async throws {
            let work = try await Workspace()
            let more = [
                "--max-steps", "4", "--save-strategy", "steps", "--save-steps", "4", "--validation-file",
                work.validationFile,
            ]
            expectSuccess(try await Self.run(ranks, work.train(into: "single") + more))
            let result = try await Self.run(ranks, work.train(into: "brain") + more + Self.brain)
            expectSuccess(result)
            #expect(result.errorText.contains(" · bf16 products by "))
            let slow = result.errorLines.filter { $0.contains("--precision bf16 is slower than fp32") }
            #expect(slow.count == (Precision.slowBrain == nil ? 0 : 1))
            let losses = zip(try work.losses("brain"), try work.losses("single"))
            #expect(try work.losses("brain").count == 4)
            for (loss, expected) in losses { #expect(abs(loss - expected) < 0.02 * expected) }
            let settings = try #require(try work.json("brain/run.json")["settings"])
            #expect(settings["precision"] == "bf16" && settings["allow-slow-precision"] == true)
            #expect(settings["product-library"] == "openblas")
            #expect(try work.json("single/run.json")["settings"]?["precision"] == "fp32")
            for file in ["final.h5", "best.h5", "checkpoints/step-00000004.h5"] {
                #expect(try await work.types("brain/\(file)") == work.types("single/\(file)"))
            }
            #expect(try await work.types("brain/final.h5") == ["F32"])
        }

        @Test func ranksTrainAlike() async throws {
            let work = try await Workspace()
            for ranks in [1, 2] {
                let arguments = work.train(
                    into: "on\(ranks)", "--max-steps", "4", "--save-strategy", "no")
                expectSuccess(try await Self.run(ranks, arguments + Self.brain))
            }
            for (one, two) in zip(try work.losses("on1"), try work.losses("on2")) {
                #expect(abs(one - two) < 0.01 * one)
            }
        }

        @Test func aRunGoesOnToTheSameBits() async throws {
            let work = try await Workspace()
            let arguments = [
                "--max-steps", "6", "--save-strategy", "steps", "--save-steps", "3", "--threads", "1",
            ]
            expectSuccess(
                try await Program.run(ranks: 2, work.train(into: "whole") + arguments + Self.brain))
            let resume = ["--resume", work.folder.file("whole/checkpoints/step-00000003.h5")]
            let again = work.train(into: "output") + arguments + resume
            let refused = try await Program.run(again)
            expectFailure(
                refused, 64, "--precision \"fp32\" instead of \"bf16\"", "--allow-changed-settings")
            expectSuccess(try await Program.run(ranks: 2, again + Self.brain))
            try await work.expectSame("whole/final.h5", "output/final.h5")
            expectSuccess(try await Program.run(again + ["--allow-changed-settings"]))
        }

        @Test(arguments: [1, 2]) func evaluationIsNearThatInSinglePrecision(ranks: Int) async throws {
            let work = try await Workspace()
            expectSuccess(try await Self.run(ranks, work.evaluate(work.model, into: "single")))
            let twice = work.evaluate(work.model, into: "brain", "--model", work.model)
            expectSuccess(try await Self.run(ranks, twice + Self.brain))
            let lists = try ["single", "brain"].map {
                try work.json("\($0)/eval_nbest_predictions.json").members
            }
            #expect(lists[0].count == lists[1].count && !lists[0].isEmpty)
            for (question, list) in lists[0] {
                let single = try #require(list.list.first?["probability"]?.number)
                let brain = try #require(lists[1][question]?.list.first?["probability"]?.number)
                #expect(abs(single - brain) < 0.05, "\(question)")
            }
        }

        @Test func answersAreNearThoseInSinglePrecision() async throws {
            let work = try await Workspace()
            let question = [
                "answer", "--model", work.model, "--question", "두레는 무엇인가?", "--context",
                AnswerTests.context,
            ]
            let single = try await Program.run(question)
            let brain = try await Program.run(question + Self.brain)
            expectSuccess(brain)
            let scores = try [single, brain].map {
                try #require(JSON($0.output).list.first?["score"]?.number)
            }
            #expect(abs(scores[0] - scores[1]) < 0.05)
        }

        /// Where the machine has it, bf16 needs no leave.
        @Test func whatIsSlowHereNeedsLeave() async throws {
            let work = try await Workspace()
            let precision = ["--precision", "bf16"]
            for arguments in [
                work.train(into: "output", "--max-steps", "1", "--save-strategy", "no"),
                work.evaluate(work.model, into: "evaluation"),
                ["bench", "step", "--config", try work.configuration(), "--steps", "1", "--batch-size", "2"],
            ] {
                let result = try await Program.run(arguments + precision)
                if Precision.slowBrain == nil {
                    expectSuccess(result)
                } else {
                    expectFailure(result, 64, "--precision bf16", "--allow-slow-precision")
                }
            }
        }

        @Test func theOtherLibraryTrainsAlikeWhereItIsBuiltIn() async throws {
            let work = try await Workspace()
            let more = ["--max-steps", "3", "--save-strategy", "no"]
            let other = work.train(into: "other") + more + ["--product-library", "onednn"]
            guard ProductLibrary.oneDNN.isBuiltIn else {
                return expectFailure(
                    try await Program.run(other), 64, "--product-library onednn", "libdnnl-dev")
            }
            expectSuccess(try await Program.run(work.train(into: "own") + more))
            let result = try await Program.run(other)
            expectSuccess(result)
            #expect(result.errorText.contains(" · products by oneDNN "))
            for (one, two) in zip(try work.losses("own"), try work.losses("other")) {
                #expect(abs(one - two) < 1e-4 * one)
            }
        }

        @Test func gradientsAreCheckedInSinglePrecision() async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--debug", "--max-steps", "1", "--save-strategy", "no")
            let result = try await Program.run(arguments + Self.brain)
            expectSuccess(result)
            #expect(result.errorText.contains("fp32 whatever --precision says"))
            let single = try await Program.run(arguments)
            expectSuccess(single)
            #expect(!single.errorText.contains("whatever --precision"))
        }
    }
}
