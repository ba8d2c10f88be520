import Foundation
import TestSupport
import Testing

extension Workspace {
    /// Checksums of the tensors of a checkpoint, by name.
    fileprivate func tensors(_ name: String) async throws -> [String: String] {
        let result = try await Program.run(["inspect", "--json", folder.file(name)])
        try #require(result.exitCode == 0, "\(name): \(result.errorText)")
        let tensors = try #require(try JSON(result.output)["tensors"]?.list)
        return Dictionary(
            uniqueKeysWithValues: tensors.map { ($0["name"]?.text ?? "", $0["checksum"]?.text ?? "") })
    }

    /// What a run logged, but for times and resumes, in order of event and step.
    fileprivate func log(_ output: String) throws -> [String] {
        try metrics(output).filter { $0["event"] != "resume" }.map { line in
            let kept = line.members.filter { !$0.key.contains("second") && $0.key != "imbalance" }
            return kept.map { "\($0.key)=\($0.value.text)" }.sorted().joined(separator: " ")
        }.sorted()
    }

    /// Arguments of a short run that evaluates and saves now and then and logs every four steps.
    fileprivate func resumable(into output: String, _ more: String...) -> [String] {
        [
            "train", "--model", model, "--train-file", trainFile, "--validation-file", validationFile,
            "--output-dir", folder.file(output), "--max-steps", "18", "--batch-size", "4",
            "--save-strategy", "steps", "--save-steps", "3", "--eval-strategy", "steps", "--eval-steps",
            "6", "--logging-steps", "4", "--threads", "1", "--max-seq-length", "64", "--doc-stride", "16",
        ] + more
    }

    fileprivate func checkpoints(_ output: String) -> [String] {
        folder.contents(of: "\(output)/checkpoints").filter { $0.hasSuffix(".h5") }.sorted()
    }

    fileprivate func expectWholeFiles(_ output: String) async throws {
        for name in checkpoints(output) where !name.hasPrefix(".") {
            let file = folder.file("\(output)/checkpoints/\(name)")
            let check = try await Program.run(["inspect", "--verify", file])
            #expect(check.exitCode == 0, "\(name): \(check.errorText)")
        }
    }
}

extension ProgramTests {
    @Suite struct ResumeTests {
        /// Kills of each kind. For more than the few of every day set DURE_TEST_RESUMES.
        private static let kills =
            ProcessInfo.processInfo.environment["DURE_TEST_RESUMES"].flatMap { Int($0) } ?? 5

        @Test(arguments: [(2, false), (1, false), (2, true)])
        func aRunThatIsKilledAgainAndAgainIsTheSameRun(ranks: Int, deterministic: Bool) async throws {
            let work = try await Workspace()
            let more = deterministic ? ["--deterministic-reduction", "--no-shared-memory"] : []
            expectSuccess(
                try await Program.run(ranks: ranks, work.resumable(into: "whole") + more))
            var generator = SeededGenerator(seed: UInt64(ranks))
            var kills = 0
            while kills < Self.kills {
                let running = try Program.start(
                    ranks: ranks, work.resumable(into: "output", "--resume") + more)
                _ = try await work.waitForRanks(ranks)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...500, using: &generator)))
                let killed = work.rankProcesses.filter { $0.isAlive }.randomElement(using: &generator)
                if let killed {
                    kill(killed.id, SIGKILL)
                    kills += 1
                }
                let result = try await running.wait()
                if result.exitCode == 0 {
                    // Finished before its time: what it has is looked at, and another begins.
                    try await expectSameRun(work)
                    try FileManager.default.removeItem(atPath: work.folder.file("output"))
                }
            }
            expectSuccess(
                try await Program.run(ranks: ranks, work.resumable(into: "output", "--resume") + more))
            try await expectSameRun(work)
        }

        private func expectSameRun(_ work: Workspace) async throws {
            #expect(try await work.tensors("output/final.h5") == work.tensors("whole/final.h5"))
            #expect(try await work.tensors("output/best.h5") == work.tensors("whole/best.h5"))
            #expect(try work.log("output") == work.log("whole"))
            #expect(work.checkpoints("output") == work.checkpoints("whole"))
            #expect(work.folder.contents(of: "output").allSatisfy { !$0.hasPrefix(".") })
        }

        @Test(arguments: [1, 3]) func anotherNumberOfRanksGoesOn(ranks: Int) async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(ranks: 2, work.resumable(into: "whole")))
            let begun = try await Program.run(
                ranks: 2, work.resumable(into: "output", "--save-total-limit", "9"))
            expectSuccess(begun)
            for name in work.checkpoints("output") where !name.hasSuffix("9.h5") {
                try FileManager.default.removeItem(atPath: work.folder.file("output/checkpoints/\(name)"))
            }
            let result = try await Program.run(ranks: ranks, work.resumable(into: "output", "--resume"))
            expectSuccess(result)
            #expect(result.errorText.contains("\(ranks) ranks instead of 2"))
            let (whole, output) = (try work.losses("whole"), try work.losses("output"))
            #expect(whole.count == output.count)
            for (one, other) in zip(whole, output) { #expect(abs(one - other) < 1e-5 * one) }
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGUSR1]) func aSignalSavesAndStops(signal: Int32) async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
            let running = try RunningProgram(Program.dure, arguments)
            try await work.waitForSteps()
            kill(running.process, signal)
            let result = try await running.wait()
            #expect(result.exitCode == 75, "\(result.errorText)")
            #expect(result.errorText.contains("run again with --resume"))
            #expect(messages(result).isEmpty)
            #expect(work.checkpoints("output").count == 1)
            try await work.expectWholeFiles("output")
            #expect(work.folder.contents(of: "output").allSatisfy { !$0.hasPrefix(".") })
        }

        @Test func aSignalToMpirunStopsAllRanksAndTheRunGoesOn() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(ranks: 2, work.resumable(into: "whole")))
            let running = try Program.start(ranks: 2, work.resumable(into: "output"))
            _ = try await work.waitForRanks(2)
            try await Task.sleep(for: .milliseconds(150))
            kill(running.process, SIGUSR1)
            let result = try await running.wait()
            #expect(result.exitCode == 75, "\(result.errorText)")
            expectSuccess(try await Program.run(ranks: 2, work.resumable(into: "output", "--resume")))
            #expect(try await work.tensors("output/final.h5") == work.tensors("whole/final.h5"))
        }

        @Test func aSignalToOneRankStopsAll() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
            let running = try Program.start(ranks: 3, arguments)
            try await work.waitForSteps()
            kill(try #require(work.rankProcesses.last).id, SIGTERM)
            let result = try await running.wait()
            #expect(result.exitCode == 75, "\(result.errorText)")
            #expect(work.checkpoints("output").count == 1)
        }

        @Test func aSecondSignalStopsAtOnce() async throws {
            let work = try await Workspace()
            // A step that takes its time.
            let configuration = try work.configuration(
                ["hidden_size": 256, "num_hidden_layers": 12, "intermediate_size": 1024], name: "slow.json")
            let model = work.folder.file("slow")
            expectSuccess(
                try await Program.run([
                    "init", "--config", configuration, "--vocab", work.vocabulary, "--output", model,
                ]))
            let running = try RunningProgram(
                Program.dure,
                [
                    "train", "--model", model, "--train-file", work.trainFile, "--output-dir",
                    work.folder.file("output"), "--batch-size", "2000", "--max-steps", "1",
                ] + Workspace.windows)
            try await work.wait(for: "the run to begin") {
                (try? work.bytes("output/metrics.jsonl")) != nil
            }
            kill(running.process, SIGTERM)
            try await Task.sleep(for: .milliseconds(50))
            kill(running.process, SIGTERM)
            let result = try await running.wait()
            #expect(result.exitCode == 128 + SIGTERM)
            #expect(work.checkpoints("output").isEmpty)
        }

        @Test func twoRunsDoNotShareAFolder() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
            let running = try RunningProgram(Program.dure, arguments)
            try await work.waitForSteps()
            let second = try await Program.run(work.train(into: "output", "--max-steps", "1"))
            expectFailure(second, 73, "another run is writing", "process \(running.process)")
            kill(running.process, SIGKILL)
            _ = try await running.wait()
            expectSuccess(try await Program.run(work.train(into: "output", "--max-steps", "1")))
        }

        @Test func aDamagedNewestCheckpointIsReportedAndTheOneBeforeUsed() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "whole")))
            expectSuccess(try await Program.run(work.resumable(into: "output")))
            let newest = work.folder.file("output/checkpoints/step-00000018.h5")
            try FileManager.default.removeItem(atPath: work.folder.file("output/final.h5"))
            try Data(contentsOf: URL(filePath: newest)).dropLast(1000).write(to: URL(filePath: newest))
            let result = try await Program.run(work.resumable(into: "output", "--resume"))
            expectSuccess(result)
            #expect(result.errorText.contains("step-00000018.h5"))
            #expect(result.errorText.contains("going on after step 15"))
            #expect(try await work.tensors("output/final.h5") == work.tensors("whole/final.h5"))
            #expect(try work.log("output") == work.log("whole"))
        }

        @Test func changedSettingsAreRefusedByNameUnlessAllowed() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "output")))
            let before = try work.bytes("output/metrics.jsonl")
            let changed = work.resumable(into: "output", "--resume", "--learning-rate", "0.001")
            let refused = try await Program.run(changed)
            expectFailure(refused, 64, "--learning-rate", "--allow-changed-settings")
            #expect(try work.bytes("output/metrics.jsonl") == before)
            let allowed = try await Program.run(changed + ["--allow-changed-settings"])
            expectSuccess(allowed)
            let other = try await Program.run(
                work.resumable(into: "output", "--resume", "--train-file", work.validationFile))
            expectFailure(other, 64, "--train-file")
        }

        @Test func whatDecidesWhichIsBestIsRefusedByNameUnlessAllowed() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "output")))
            let before = try work.bytes("output/metrics.jsonl")
            let changes = [
                ["--validation-file", work.trainFile], ["--decode", "argmax"], ["--n-best-size", "3"],
                ["--max-answer-length", "3"], ["--blank-longer-than", "9"], ["--version-2-with-negative"],
                ["--null-score-diff-threshold", "1"], ["--eval-steps", "3"],
                ["--early-stopping-patience", "2"], ["--load-best-model-at-end"],
            ]
            for change in changes {
                let refused = try await Program.run(work.resumable(into: "output", "--resume") + change)
                let name =
                    change[0] == "--validation-file" ? "questions or windows to validate on" : change[0]
                expectFailure(refused, 64, name, "--allow-changed-settings")
            }
            #expect(try work.bytes("output/metrics.jsonl") == before)
            let allowed = try await Program.run(
                work.resumable(
                    into: "output", "--resume", "--allow-changed-settings", "--n-best-size", "3",
                    "--save-steps", "9"))
            expectSuccess(allowed)
            #expect(allowed.errorText.contains("going on with --n-best-size 3 instead of 20"))
            #expect(allowed.errorText.contains("--save-steps 9 instead of 3: neither the training nor"))
            #expect(allowed.errorText.contains(/the best so far, after step \d+, has a loss of/))
        }

        @Test func aFinishedRunIsKeptWhateverItSaved() async throws {
            let work = try await Workspace()
            let arguments =
                work.train(into: "output", "--save-strategy", "no")
                + ["--validation-file", work.validationFile]
            expectSuccess(try await Program.run(arguments + ["--max-steps", "3"]))
            let left = work.results(of: "output").filter { !$0.contains("/") }
            let first = try work.bytes("output/final.h5")
            let evaluated = try await Program.run(work.evaluate(work.model, into: "output"))
            expectSuccess(evaluated)
            #expect(evaluated.errorText.contains("output/earlier-1"))
            let again = try await Program.run(arguments + ["--max-steps", "2"])
            expectSuccess(again)
            #expect(again.errorText.contains("kept what an earlier run had left in"))
            #expect(try work.bytes("output/earlier-2/final.h5") == first)
            #expect(work.results(of: "output/earlier-2") == left)
            #expect(
                work.results(of: "output/earlier-1")
                    == left.filter { $0.hasPrefix("eval_") })
        }

        @Test(arguments: [1, 2]) func aFolderThatIsMovedEndsTheRunWithAllInIt(ranks: Int) async throws {
            let work = try await Workspace()
            let arguments = { (output: String, steps: String) in
                work.train(
                    into: output, "--max-steps", steps, "--save-strategy", "no", "--lr-scheduler-type",
                    "constant")
            }
            let running = try Program.start(ranks: ranks, arguments("output", "10000000"))
            try await work.waitForSteps()
            let away = work.folder.file("away")
            try FileManager.default.moveItem(atPath: work.folder.file("output"), toPath: away)
            let result = try await running.wait()
            expectFailure(result, 74, "output, now \(away)", "run again with --resume")
            #expect(try !work.folder.names.contains("output"))
            let name = try #require(work.checkpoints("away").first)
            let step = try #require(Int(name.dropFirst("step-".count).dropLast(".h5".count)))
            expectSuccess(
                try await Program.run(ranks: ranks, arguments("away", "\(step + 1)") + ["--resume"]))
            #expect(try work.losses("away").count == step + 1)
        }

        @Test func aCheckpointCanBeNamed() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "whole")))
            let named = work.folder.file("whole/checkpoints/step-00000015.h5")
            let result = try await Program.run(work.resumable(into: "output", "--resume", named))
            expectSuccess(result)
            #expect(try await work.tensors("output/final.h5") == work.tensors("whole/final.h5"))
            let weights = try await Program.run(
                work.resumable(into: "other", "--resume", work.folder.file("whole/final.h5")))
            expectFailure(weights, 65, "no state of training")
            let missing = try await Program.run(
                work.resumable(into: "other", "--resume", work.folder.file("none.h5")))
            expectFailure(missing, 66, "none.h5")
            #expect(try !work.folder.names.contains("other"))
        }

        @Test func aNewRunKeepsWhatAnEarlierOneLeft() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "output")))
            let first = try await work.tensors("output/final.h5")
            let again = try await Program.run(work.resumable(into: "output", "--seed", "7"))
            expectSuccess(again)
            #expect(again.errorText.contains("earlier-1"))
            #expect(try await work.tensors("output/earlier-1/final.h5") == first)
            #expect(work.checkpoints("output/earlier-1") == work.checkpoints("output"))
            // An earlier run that was longer does not lead it astray.
            let short = try await Program.run(work.resumable(into: "output") + ["--max-steps", "4"])
            expectSuccess(short)
            #expect(work.checkpoints("output") == ["step-00000003.h5", "step-00000004.h5"])
            let resumed = try await Program.run(
                work.resumable(into: "output", "--resume") + ["--max-steps", "4"])
            expectSuccess(resumed)
            #expect(resumed.errorText.contains("going on after step 4"))
        }

        @Test func compressedCheckpointsAreSmallerAndTheSame() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.resumable(into: "whole")))
            expectSuccess(
                try await Program.run(
                    work.resumable(into: "output", "--checkpoint-compression", "gzip")))
            let name = "checkpoints/step-00000018.h5"
            #expect(try await work.tensors("output/\(name)") == work.tensors("whole/\(name)"))
            #expect(try work.bytes("output/\(name)").count < work.bytes("whole/\(name)").count)
        }

        /// Calls that change files, of a run that saves three times, at which to kill it. All of them with
        /// DURE_TEST_WRITES=all.
        private static var calls: StrideTo<Int> {
            let all = ProcessInfo.processInfo.environment["DURE_TEST_WRITES"] == "all"
            return stride(from: 1, to: .max, by: all ? 1 : 83)
        }

        @Test(.enabled("processes cannot be traced here") { WriteKiller.isPossible })
        func aRunThatIsKilledAtAnyWriteGoesOn() async throws {
            let work = try await Workspace()
            func arguments(_ output: String) -> [String] {
                work.train(
                    into: output, "--max-steps", "3", "--save-strategy", "steps", "--save-steps", "1",
                    "--save-total-limit", "1", "--batch-size", "4", "--threads", "1", "--no-feature-cache")
            }
            expectSuccess(try await Program.run(arguments("whole")))
            let whole = try await work.tensors("whole/final.h5")
            var killed = 0
            for number in Self.calls {
                try? FileManager.default.removeItem(atPath: work.folder.file("output"))
                let outcome = try WriteKiller.run([Program.dure] + arguments("output"), killAt: number)
                guard outcome.wasKilled else {
                    #expect(outcome.exitCode == 0)
                    break
                }
                killed += 1
                let place: Comment = "before call \(number), \(outcome.call)"
                try await work.expectWholeFiles("output")
                let result = try await Program.run(arguments("output") + ["--resume"])
                #expect(result.exitCode == 0, place)
                #expect(try await work.tensors("output/final.h5") == whole, place)
                #expect(work.checkpoints("output") == ["step-00000003.h5"], place)
                #expect(work.folder.contents(of: "output").allSatisfy { !$0.hasPrefix(".") }, place)
            }
            #expect(killed > 4)
            print("killed at \(killed) calls")
        }
    }
}
