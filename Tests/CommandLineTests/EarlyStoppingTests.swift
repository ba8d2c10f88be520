import TestSupport
import Testing

extension ProgramTests {
    /// Runs that end early and leave the best evaluation's weights.
    @Suite struct EarlyStoppingTests {
        /// Learns too fast, so that the loss soon rises.
        private static func train(_ work: Workspace, into output: String) -> [String] {
            work.train(
                into: output, "--validation-file", work.validationFile, "--eval-strategy", "steps",
                "--eval-steps", "1", "--save-strategy", "steps", "--save-steps", "3", "--learning-rate",
                "0.02",
                "--max-steps", "200", "--early-stopping-patience", "2", "--load-best-model-at-end")
        }

        private static func checksum(_ work: Workspace, _ name: String) async throws -> String {
            let result = try await Program.run(["inspect", "--json", work.folder.file(name)])
            return try #require(try JSON(result.output)["checksum"]?.text)
        }

        @Test(arguments: [1, 2]) func theBestIsLeftAndARunThatWasKilledEndsAlike(ranks: Int) async throws {
            let work = try await Workspace()
            let result = try await Program.run(ranks: ranks, Self.train(work, into: "whole"))
            expectSuccess(result)
            let evaluations = try work.metrics("whole").filter { $0["event"] == "eval" }
            let losses = evaluations.compactMap { $0["loss"]?.number }
            let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
            #expect(losses.count == best + 3 && losses.count < 200)
            #expect(result.errorText.contains("stopped early after step \(losses.count)"))
            #expect(try work.json("whole/eval_results.json")["loss"] == evaluations[best]["loss"])
            let final = try await Self.checksum(work, "whole/final.h5")
            let bestChecksum = try await Self.checksum(work, "whole/best.h5")
            #expect(final == bestChecksum)

            // What was left is what the weights that were left answer.
            let line = try #require(result.errorLines.first { $0.contains("to evaluate: ") })
            let command = try #require(line.components(separatedBy: "to evaluate: ").last)
            expectSuccess(try await Program.run(["-c", command], program: "/bin/bash"))
            let answers = try work.json("whole/eval_predictions.json")
            #expect(try work.json("whole/evaluation/eval_predictions.json") == answers)
            #expect(result.errorText.contains("final.h5: step \(best + 1), the best by loss · Loss "))
            #expect(result.errorLines.count { $0.contains("the best so far by loss") } >= 1)
            #expect(
                result.errorLines.count {
                    $0.contains("not the best: loss ") && $0.contains("after step \(best + 1)")
                }
                    == 2)

            // In two parts, the second from a checkpoint in the middle of the losses that are no better.
            expectSuccess(try await Program.run(ranks: ranks, Self.train(work, into: "parts")))
            let step = (losses.count - 1) / 3 * 3
            let name = "00000000\(step)".suffix(8)
            let resume = ["--resume", work.folder.file("parts/checkpoints/step-\(name).h5")]
            expectSuccess(try await Program.run(ranks: ranks, Self.train(work, into: "parts") + resume))
            let last = try work.metrics("parts").last { $0["event"] == "eval" }
            #expect(last?["step"]?.number == Double(losses.count))
            let parts = try await Self.checksum(work, "parts/final.h5")
            #expect(parts == final)
            #expect(try work.resultsButSpeed("parts") == (try work.resultsButSpeed("whole")))
        }
    }
}
