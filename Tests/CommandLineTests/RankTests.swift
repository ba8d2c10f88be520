import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct RankTests {
        @Test func lossesAreTheSameOnAnyNumberOfRanks() async throws {
            let work = try await Workspace()
            let more = [
                "--max-steps", "30", "--learning-rate", "1e-3", "--save-strategy", "no",
                "--micro-batch-tokens", "500",
            ]
            expectSuccess(try await Program.run(work.train(into: "alone") + more))
            let alone = try work.losses("alone")
            #expect(alone.count == 30)
            for ranks in 1...4 {
                let arguments = work.train(into: "\(ranks)") + more
                expectSuccess(try await Program.run(ranks: ranks, arguments))
                let losses = try work.losses("\(ranks)")
                try #require(losses.count == alone.count)
                for (loss, expected) in zip(losses, alone) {
                    #expect(abs(loss - expected) < 1e-5 * expected, "on \(ranks) ranks")
                }
            }
        }

        @Test(arguments: [1, 2])
        func theSameCommandGivesTheSameBits(ranks: Int) async throws {
            let work = try await Workspace()
            var checksums: Set<String> = []
            for run in ["first", "second"] {
                let arguments = work.train(
                    into: run, "--max-steps", "12", "--learning-rate", "1e-3", "--save-strategy", "no")
                expectSuccess(try await Program.run(ranks: ranks, arguments))
                let result = try await Program.run([
                    "inspect", "--json", work.folder.file("\(run)/final.h5"),
                ])
                checksums.insert(try #require(try JSON(result.output)["checksum"]?.text))
                #expect(try work.losses(run) == work.losses("first"))
            }
            #expect(checksums.count == 1)
        }

        @Test func deterministicRunsGiveTheSameBitsOnAnyNumberOfRanks() async throws {
            let work = try await Workspace()
            func checksum(_ run: String, ranks: Int, _ more: String...) async throws -> String {
                let arguments = work.train(
                    into: run, "--max-steps", "20", "--learning-rate", "1e-3", "--save-strategy", "no",
                    "--deterministic-reduction")
                expectSuccess(try await Program.run(ranks: ranks, arguments + more))
                let result = try await Program.run([
                    "inspect", "--json", work.folder.file("\(run)/final.h5"),
                ])
                return try #require(try JSON(result.output)["checksum"]?.text)
            }
            let alone = try await checksum("alone", ranks: 1, "--threads", "3")
            #expect(try await checksum("two", ranks: 2, "--threads", "2") == alone)
            #expect(
                try await checksum("messages", ranks: 2, "--no-shared-memory", "--no-shard-optimizer")
                    == alone)
            #expect(try await checksum("four", ranks: 4, "--threads", "1", "--no-shared-memory") == alone)
            #expect(
                try work.losses("four") == work.losses("alone")
                    && work.losses("two") == work.losses("alone"))
        }

        @Test func deterministicRunsNeedRanksThatDivideTheBatch() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                ranks: 3, work.train(into: "run", "--deterministic-reduction"))
            #expect(result.exitCode == 64)
            #expect(result.errorLines.filter { $0.contains("dure: error:") }.count == 1)
            #expect(result.errorText.contains("(--deterministic-reduction on 3 ranks)"))
        }

        @Test func perDeviceBatchesMakeTheBatchOfAllRanks() async throws {
            let work = try await Workspace()
            let more = ["--max-steps", "3", "--save-strategy", "no"]
            expectSuccess(try await Program.run(work.train(into: "whole", "--batch-size", "12") + more))
            let arguments = work.train(
                into: "parts", "--per-device-train-batch-size", "3", "--gradient-accumulation-steps", "2")
            expectSuccess(try await Program.run(ranks: 2, arguments + more))
            #expect(try work.json("parts/run.json")["settings"]?["batch-size"] == 12)
            for (loss, expected) in zip(try work.losses("parts"), try work.losses("whole")) {
                #expect(abs(loss - expected) < 1e-5 * expected)
            }
        }

        @Test func moreRanksThanFeaturesTrainAndEvaluate() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset("one.json")
            let train =
                ["train", "--model", work.model, "--train-file", dataset, "--validation-file", dataset]
                + ["--max-steps", "3"] + Workspace.windows
            let alone = train + ["--output-dir", work.folder.file("alone"), "--logging-steps", "1"]
            expectSuccess(try await Program.run(alone))
            let many = train + ["--output-dir", work.folder.file("many"), "--logging-steps", "1"]
            let result = try await Program.run(ranks: 3, many)
            expectSuccess(result)
            let idle =
                "warning: a step has 1 feature for 3 ranks: 2 have none (1 feature to train on): start fewer ranks"
            #expect(result.errorLines.filter { $0.contains(idle) }.count == 1)
            for (loss, expected) in zip(try work.losses("many"), try work.losses("alone")) {
                #expect(abs(loss - expected) < 1e-5 * expected)
            }

            let evaluate = [
                "evaluate", "--model", work.folder.file("alone/final.h5"), "--dataset", dataset,
            ]
            for ranks in [1, 3] {
                let output = ["--output-dir", work.folder.file("evaluation\(ranks)")] + Workspace.windows
                expectSuccess(try await Program.run(ranks: ranks, evaluate + output))
            }
            #expect(
                try work.bytes("evaluation1/eval_nbest_predictions.json")
                    == work.bytes("evaluation3/eval_nbest_predictions.json"))
        }

        @Test func onlyTheFirstRankSpeaks() async throws {
            let work = try await Workspace()
            let alone = try await Program.run(work.evaluate(work.model, into: "alone"))
            let many = try await Program.run(ranks: 3, work.evaluate(work.model, into: "many"))
            expectSuccess(many)
            #expect(many.output == alone.output)
            // Where ranks outnumber the cores, there is one more to say.
            let said = many.errorLines.filter { !$0.contains("warning: ranks 0-2 have") }
            #expect(said.count == alone.errorLines.count && many.errorLines.count <= said.count + 1)
            let score = [
                "score", "--dataset", work.validationFile, "--predictions",
                work.folder.file("alone/eval_predictions.json"),
            ]
            let scored = try await Program.run(ranks: 2, score)
            expectSuccess(scored)
            #expect(scored.output == (try await Program.run(score)).output)
        }

        @Test func withoutALauncherMPIIsNeverInitialised() async throws {
            let work = try await Workspace()
            // No transport of this name exists, so whoever initialises MPI fails.
            let broken = ["OMPI_MCA_pml": "none-such"]
            let arguments = work.train(into: "output", "--max-steps", "1")
            let launched = try await Program.run(ranks: 1, arguments, environment: broken)
            #expect(launched.exitCode != 0)
            expectSuccess(try await Program.run(arguments, environment: broken))
            expectSuccess(
                try await Program.run(work.evaluate(work.model, into: "output"), environment: broken))
        }
    }
}
