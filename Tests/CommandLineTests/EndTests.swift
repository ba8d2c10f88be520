import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// How the program ends, whatever ends it: all is saved, nothing hangs, and one is told how to go on.
    @Suite struct EndTests {
        private static func shell(_ script: String, _ arguments: [String]) async throws -> ProgramResult {
            try await Program.run(["-c", script, Program.dure] + arguments, program: "/bin/bash")
        }

        private static func checkpoints(_ work: Workspace) -> [String] {
            work.folder.contents(of: "output/checkpoints").filter { $0.hasPrefix("step-") }
        }

        private static func endless(_ work: Workspace) -> [String] {
            work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
        }

        @Test(arguments: [SIGHUP, SIGPIPE, SIGXCPU])
        func aSignalThatComesByItselfSavesHoweverOftenItComes(signal: Int32) async throws {
            let work = try await Workspace()
            let running = try RunningProgram(Program.dure, Self.endless(work))
            try await work.waitForSteps()
            for _ in 0..<3 { kill(running.process, signal) }
            let result = try await running.wait()
            #expect(result.exitCode == 75, "\(result.errorText)")
            #expect(Self.checkpoints(work).count == 1)
        }

        @Test func aRunThatIsToOutliveItsTerminalDoes() async throws {
            let work = try await Workspace()
            let arguments = ["-c", "trap '' HUP; exec \"$0\" \"$@\"", Program.dure] + Self.endless(work)
            let running = try RunningProgram("/bin/bash", arguments)
            try await work.waitForSteps()
            kill(running.process, SIGHUP)
            let before = try work.bytes("output/metrics.jsonl").count
            try await work.wait(for: "more steps") {
                try work.bytes("output/metrics.jsonl").count > before + 4000
            }
            kill(running.process, SIGTERM)
            #expect(try await running.wait().exitCode == 75)
        }

        /// As `dure train … | tee log` ends with Ctrl-C.
        @Test(arguments: [nil, "1", "2"] as [String?])
        func aReaderThatHasGoneSavesAndStops(ranks: String?) async throws {
            let work = try await Workspace()
            let launcher = ranks.map { [Paths.launcher("local"), $0] } ?? [Program.dure]
            let command = launcher + Self.endless(work)
            let result = try await Program.run(
                ["-c", "\"$@\" 2>&1 | head -n 3; exit ${PIPESTATUS[0]}", "bash"] + command,
                program: "/bin/bash",
                environment: ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1"])
            #expect(result.exitCode == 75, "\(result.errorText)")
            #expect(Self.checkpoints(work).count == 1)
            try await work.expectNoProcesses()
        }

        @Test func aLimitOnTheSizeOfFilesIsAnErrorOfWriting() async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--max-steps", "100000", "--save-strategy", "steps", "--save-steps", "5")
            let result = try await Self.shell("ulimit -f 200; exec \"$0\" \"$@\"", arguments)
            expectFailure(result, 74, "step-00000005.h5")
        }

        @Test func aFailureTellsTheCommandThatGoesOn() async throws {
            let work = try await Workspace()
            let output = "output"
            let first = work.train(
                into: output, "--max-steps", "5", "--save-strategy", "steps", "--save-steps", "5")
            expectSuccess(try await Program.run(first))
            let size = try work.bytes("output/checkpoints/step-00000005.h5").count
            // No room for a second file of that size.
            let script = "ulimit -f \(size / 1024 - 1); exec \"$0\" \"$@\""
            let more = work.train(
                into: output, "--max-steps", "10", "--save-strategy", "steps", "--save-steps", "5",
                "--resume",
                "--allow-changed-settings")
            let result = try await Self.shell(script, more)
            expectFailure(result, 74)
            let line = try #require(
                result.errorLines.first { $0.contains("step 5 is saved; to go on from there: ") })
            #expect(line.contains(" train --model ") && line.hasSuffix(" --resume"), "\(line)")
        }

        /// OpenBLAS cannot start its threads then, and waits for them at an ordinary end.
        @Test(arguments: [150_000, 200_000, 400_000])
        func nothingHangsWhereMemoryIsShort(kilobytes: Int) async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "1", "--save-strategy", "no")
            let script = "ulimit -c 0; ulimit -v \(kilobytes); SWIFT_BACKTRACE=enable=no exec \"$0\" \"$@\""
            _ = try await Self.shell(script, arguments)
            _ = try await Self.shell(script, ["--help"])
        }

        @Test(arguments: [
            ["--version"], ["--help"], ["help", "train"], ["completion", "bash"], ["help", "--json"],
        ])
        func aResultThatCannotBeWrittenIsAnError(arguments: [String]) async throws {
            let written = try await Program.run(arguments)
            let result = try await Self.shell("exec \"$0\" \"$@\" >/dev/full", arguments)
            guard written.exitCode == 0 else { return }
            expectFailure(result, 74, "(stdout)")
        }
    }
}

// MARK: Launchers

extension ProgramTests.EndTests {
    /// A run under `launch/local` that saves every few steps.
    private func launch(
        _ work: Workspace, _ arguments: [String], temporary: String = "/tmp"
    ) throws -> RunningProgram {
        try RunningProgram(
            Paths.launcher("local"), ["2"] + arguments,
            environment: ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "TMPDIR": temporary])
    }

    private func saving(_ work: Workspace, into output: String) -> [String] {
        work.train(
            into: output, "--max-steps", "10000000", "--save-strategy", "steps", "--save-steps", "5")
    }

    private func waitForCheckpoint(_ work: Workspace, in output: String) async throws {
        try await work.wait(for: "a checkpoint") {
            work.folder.contents(of: "\(output)/checkpoints").contains { $0.hasPrefix("step-") }
        }
    }

    @Test(arguments: [false, true])
    func aLostRankIsToldWithTheCommandThatGoesOn(isInFile: Bool) async throws {
        let work = try await Workspace()
        let output = "o'ut put"
        var arguments = saving(work, into: output)
        if isInFile {
            let index = try #require(arguments.firstIndex(of: "--output-dir"))
            let line = "max-steps: 7\n\"output-dir\": \"\(work.folder.file(output))\" # here\n"
            arguments.replaceSubrange(
                index...index + 1, with: ["--config", try work.folder.write(line.utf8, to: "c.yaml")])
        }
        let running = try launch(work, arguments)
        try await waitForCheckpoint(work, in: output)
        kill(try #require(work.rankProcesses.last).id, SIGKILL)
        let result = try await running.wait()
        let message = try #require(messages(result).first)
        let parts = message.split(separator: "then go on with: ")
        try #require(result.exitCode == 69 && parts.count == 2, "\(message)")
        // As a shell reads it.
        let read = try await Program.run(
            ["-c", "set -- \(parts[1]); shift 2; printf '%s\\0' \"$@\""], program: "/bin/bash")
        #expect(read.exitCode == 0)
        #expect(
            read.output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.suffix(
                arguments.count + 1) == (arguments + ["--resume"])[...])
    }

    @Test func aRankThatHangsIsToldWithTheCommandThatGoesOn() async throws {
        let work = try await Workspace()
        let running = try launch(work, saving(work, into: "output") + ["--collective-timeout", "3"])
        try await waitForCheckpoint(work, in: "output")
        kill(try #require(work.rankProcesses.last).id, SIGSTOP)
        let result = try await running.wait()
        expectFailure(result, 69, "no answer from rank 1 on host")
        #expect(
            result.errorText.contains(
                /dure: checkpoints are saved; go on with: .* --collective-timeout 3 --resume\n/))
        try await work.expectNoProcesses()
    }

    private func mpirun(_ work: Workspace) throws -> pid_t {
        try #require(
            Program.processes(mentioning: work.folder.path).first {
                (FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data()).starts(
                    with: "mpirun\0".utf8)
            })
    }

    @Test func aSecondSignalEndsRanksOfAnMpirunThatIsStopped() async throws {
        let work = try await Workspace()
        let running = try launch(work, saving(work, into: "output"))
        try await waitForCheckpoint(work, in: "output")
        kill(try mpirun(work), SIGSTOP)
        kill(try #require(work.rankProcesses.last).id, SIGSTOP)
        for _ in 0..<2 {
            kill(running.process, SIGTERM)
            try await Task.sleep(for: .milliseconds(300))
        }
        let result = try await running.wait()
        #expect(result.exitCode == 143, "\(result.errorText)")
        #expect(
            messages(result).allSatisfy { $0.contains("stopped by signal TERM") && $0.hasSuffix(" --resume") }
        )
        try await work.expectNoProcesses()
    }

    @Test func whatAKilledLauncherLeavesIsRemovedByTheNext() async throws {
        let work = try await Workspace()
        let temporary = work.folder.file("temporary")
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: false)
        let running = try launch(work, saving(work, into: "output"), temporary: temporary)
        try await waitForCheckpoint(work, in: "output")
        let segments = try #require(
            work.rankProcesses.first?.variable("OMPI_MCA_btl_vader_backing_directory"))
        kill(running.process, SIGKILL)
        _ = try await running.wait()
        func names() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: temporary).count }
        // The ranks go on for now.
        expectSuccess(try await launch(work, ["--version"], temporary: temporary).wait())
        #expect(try names() == 1 && FileManager.default.fileExists(atPath: segments))
        kill(try mpirun(work), SIGKILL)
        try await work.expectNoProcesses()
        expectSuccess(try await launch(work, ["--version"], temporary: temporary).wait())
        #expect(try names() == 0 && !FileManager.default.fileExists(atPath: segments))
    }

    @Test(arguments: ["local", "cluster"])
    func aTemporaryFolderThatCannotBeMadeIsNamed(launcher: String) async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("localhost slots=2\n".utf8, to: "hosts.txt")
        let result = try await Program.run(
            [launcher == "local" ? "2" : file, "--version"], program: Paths.launcher(launcher),
            environment: ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "TMPDIR": "/none-such"])
        expectFailure(result, 73, "(/none-such)", "TMPDIR")
        #expect(result.errorLines.count == 1, "\(result.errorText)")
    }
}
