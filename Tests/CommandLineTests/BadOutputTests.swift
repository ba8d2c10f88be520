import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Results that cannot be written. Disks are filled by a limit on the size of files, which works for
    /// everybody, and by a small file system where one may be mounted.
    @Suite struct BadOutputTests {
        @Test func aFolderThatCannotBe() async throws {
            let work = try await Workspace()
            let file = try work.folder.write("something".utf8, to: "file")
            for output in [file, "\(file)/folder", "/proc/dure/output", ""] {
                let commands = [
                    ["train", "--model", work.model, "--train-file", work.trainFile, "--output-dir", output],
                    ["evaluate", "--model", work.model, "--dataset", work.trainFile, "--output-dir", output],
                    ["init", "--config", try work.configuration(), "--vocab", work.vocabulary]
                        + ["--output", output],
                ]
                for command in commands { expectFailure(try await Program.run(command), 73, output) }
            }
            let train =
                ["train", "--model", work.model, "--train-file", work.trainFile, "--output-dir", file]
            expectFailure(try await Program.run(ranks: 2, train), 73, file)
            #expect(try work.bytes("file") == Array("something".utf8))
        }

        @Test func aFolderThatMayNotBeWritten() async throws {
            let work = try await Workspace()
            // Permissions do not bind the administrator.
            if geteuid() == 0 { return }
            let output = work.folder.file("locked")
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
            try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: output)
            expectFailure(try await Program.run(work.train(into: "locked")), 73, "locked")
            expectFailure(try await Program.run(work.evaluate(work.model, into: "locked")), 73, "locked")
            #expect(work.folder.contents(of: "locked").isEmpty)
        }

        @Test func aFolderWhereAFileShouldGo() async throws {
            let work = try await Workspace()
            let path = work.folder.file("output/eval_results.json")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            expectFailure(
                try await Program.run(work.evaluate(work.model, into: "output")), 73, "eval_results.json")
        }

        /// Runs the program so that no file may become larger than `kilobytes`.
        private func run(
            _ work: Workspace, limit kilobytes: Int, _ arguments: [String], ranks: Int = 1
        ) async throws -> ProgramResult {
            // sh counts in blocks of 512 bytes.
            let script = try work.folder.write(
                script: "trap '' XFSZ\nulimit -f \(2 * kilobytes)\nexec '\(Program.dure)' \"$@\"",
                to: "limited.sh")
            guard ranks > 1 else { return try await Program.run(arguments, program: script) }
            return try await Program.run(ranks: ranks, arguments, program: script)
        }

        @Test func aDiskThatIsFullLeavesNothingOfWhatWasNew() async throws {
            let work = try await Workspace()
            let initialize =
                ["init", "--config", try work.configuration(), "--vocab", work.vocabulary]
                + ["--output", work.folder.file("new/model")]
            expectFailure(try await run(work, limit: 100, initialize), 74, "model.safetensors")
            let evaluate = work.evaluate(work.model, into: "new/evaluation")
            expectFailure(try await run(work, limit: 1, evaluate), 74, "eval_predictions.json")
            let train = work.train(into: "new/run")
            expectFailure(try await run(work, limit: 1, train), 74, "run.json")
            expectFailure(try await run(work, limit: 1, train, ranks: 2), 74, "run.json")
            #expect(try !work.folder.names.contains("new"))
        }

        @Test(arguments: [1, 2])
        func aDiskThatIsFullLeavesWhatWasThereBefore(ranks: Int) async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.train(into: "run", "--max-steps", "2")))
            let names = work.results(of: "run").filter { !$0.hasSuffix("checkpoints") }
            let files = ["final.h5", "checkpoints/step-00000002.h5"]
            let before = try files.map { try work.bytes("run/\($0)") }
            let again = work.train(into: "run", "--max-steps", "3")
            let result = try await run(work, limit: 100, again, ranks: ranks)
            expectFailure(result, 74, "checkpoints/step-00000003.h5")
            let final = work.train(into: "run", "--max-steps", "3", "--save-strategy", "no")
            expectFailure(try await run(work, limit: 100, final, ranks: ranks), 74, "final.h5")
            #expect(try files.map { try work.bytes("run/earlier-1/\($0)") } == before)
            let kept = work.results(of: "run/earlier-1").filter { !$0.hasSuffix("checkpoints") }
            #expect(kept == names)
            // What the first of the two had logged.
            #expect(work.results(of: "run/earlier-2").contains("metrics.jsonl"))
            expectSuccess(
                try await Program.run(["inspect", "--verify", work.folder.file("run/earlier-1/final.h5")]))
        }

        @Test func aSmallFileSystem() async throws {
            let work = try await Workspace()
            let disk = work.folder.file("disk")
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
            let mounting = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", disk]
            guard geteuid() == 0, try await Program.run(mounting, program: "/usr/bin/env").exitCode == 0
            else {
                print("No file system can be mounted here: disks are filled by a limit on files alone.")
                return
            }
            do {
                try await fill(work)
            } catch {
                Issue.record(error)
            }
            let result = try await Program.run(["umount", disk], program: "/usr/bin/env")
            #expect(result.exitCode == 0, "\(result.errorText)")
        }

        private func fill(_ work: Workspace) async throws {
            // Room for the weights, but not for the training state, which is three times as large.
            let arguments = work.train(into: "disk/run", "--max-steps", "2", "--save-strategy", "no")
            expectSuccess(try await Program.run(arguments))
            let before = try work.bytes("disk/run/final.h5")
            let again = work.train(into: "disk/run", "--max-steps", "2")
            expectFailure(try await Program.run(again), 74, "step-00000002.h5", "No space left")
            expectFailure(try await Program.run(arguments), 74, "final.h5", "No space left")
            #expect(try work.bytes("disk/run/earlier-1/final.h5") == before)
            // Whether a report found room does not matter.
            let left = work.results(of: "disk/run/earlier-1").filter { $0 != "report.html" }
            #expect(left == ["events.out.tfevents", "final.h5", "metrics.jsonl", "run.json"])
        }
    }
}
