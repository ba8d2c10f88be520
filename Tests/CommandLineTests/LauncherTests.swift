import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// `launch/local`: what it passes on, and how it ends where a rank or mpirun is killed.
    @Suite struct LauncherTests {
        /// The environment of launchers in tests; nil removes.
        private static let environment: [String: String?] = [
            "DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1",
        ]

        private static func run(
            _ arguments: [String], input: some Sequence<UInt8> = [],
            environment changes: [String: String?] = [:]
        ) async throws -> ProgramResult {
            try await Program.run(
                arguments, program: Paths.launcher("local"), input: input,
                environment: environment.merging(changes) { $1 })
        }

        @Test(arguments: [[], ["0"], ["-1"], ["two"], ["train"], ["1.5"]])
        func anythingButANumberOfRanksIsWrongUsage(arguments: [String]) async throws {
            let result = try await Self.run(arguments)
            expectFailure(result, 64, "(launch/local \(arguments.first ?? ""))")
            #expect(result.errorLines.count == 1)
        }

        @Test(arguments: ["1", "2"])
        func aProgramThatIsNotThereIsSaidToBeUnbuilt(ranks: String) async throws {
            let result = try await Self.run(
                [ranks, "--version"], environment: ["DURE_BINARY": "/none-such/dure"])
            expectFailure(result, 66, "(/none-such/dure)", "launch/build")
        }

        @Test(arguments: ["1", "2"])
        func aLibraryThatIsNotThereIsNamed(ranks: String) async throws {
            let folder = try TemporaryFolder()
            let program = try folder.write(
                script: """
                    echo "dure: error while loading shared libraries: libdnnl.so.2: cannot open" >&2
                    exit 127
                    """, to: "program")
            let result = try await Self.run([ranks, "--version"], environment: ["DURE_BINARY": program])
            expectFailure(
                result, 66, "needs libdnnl.so.2, which is not here (\(program))",
                "run launch/install-packages",
                "DURE_ONEDNN=no launch/build")
        }

        @Test(.enabled(if: geteuid() == 0, "only root is asked for its consent"))
        func rootMustAgree() async throws {
            let withoutConsent: [String: String?] = [
                "DURE_ALLOW_ROOT": nil, "OMPI_ALLOW_RUN_AS_ROOT": nil, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": nil,
            ]
            let result = try await Self.run(["2", "--version"], environment: withoutConsent)
            expectFailure(result, 64, "root", "DURE_ALLOW_ROOT=1")
            #expect(result.errorLines.count == 1)
            // mpirun is not needed for one rank, nor is its opinion.
            expectSuccess(try await Self.run(["1", "--version"], environment: withoutConsent))
        }

        @Test(arguments: ["0", "soon", "-5"])
        func aTimeToStartThatIsNoneIsWrongUsage(time: String) async throws {
            let result = try await Self.run(["2", "--version"], environment: ["DURE_START_TIMEOUT": time])
            expectFailure(result, 64, "(DURE_START_TIMEOUT=\(time))")
        }

        @Test(arguments: ["1", "2"])
        func argumentsArriveAsTheyAre(ranks: String) async throws {
            let work = try await Workspace()
            let output = "출력 폴더 '\"$HOME\" *;\\"
            let arguments = work.train(into: output, "--max-steps", "1", "--save-strategy", "no")
            expectSuccess(try await Self.run([ranks] + arguments))
            #expect(work.results(of: output).contains("final.h5"))
        }

        @Test(arguments: ["1", "2"])
        func theProgramsExitCodeAndItsOneMessageComeThrough(ranks: String) async throws {
            let work = try await Workspace()
            let arguments = [ranks] + work.train(into: "output", "--max-steps", "1", "--save-strategy", "no")
            let succeeding = try await Self.run(arguments)
            expectSuccess(succeeding)
            #expect(!succeeding.errorText.contains("dure-launch"))
            let broken = try work.folder.write("{\"data\": [".utf8, to: "broken.json")
            for (file, code) in [("/none-such", Int32(66)), (broken, 65)] {
                let failing = try await Self.run(arguments + ["--train-file", file])
                expectFailure(failing, code, file)
                #expect(failing.errorLines.count == 1, "\(failing.errorText)")
            }
        }

        @Test func aRankThatEndsWithoutAWordIsNamed() async throws {
            let work = try await Workspace()
            let program = try work.folder.write(
                script: "[ \"$OMPI_COMM_WORLD_RANK\" = 1 ] && exit 3\nexec '\(Program.dure)' \"$@\"",
                to: "program.sh")
            let result = try await Self.run(
                ["2"] + work.train(into: "output"), environment: ["DURE_BINARY": program])
            // "rank 1", unless mpirun ends before it has said which.
            expectFailure(result, 69, "rank", "ended with code 3 and without a word (launch/local)")
        }

        @Test func oneRankHasTheInputAndOutputOfTheLauncher() async throws {
            let work = try await Workspace()
            let arguments = ["tokenize", "--model", work.model]
            let text = "두레는 옛 마을의 풍습이다.\n끝"
            let result = try await Self.run(["1"] + arguments, input: text.utf8)
            expectSuccess(result)
            #expect(result.outputLines.count == 2)
            #expect(result.output == (try await Program.run(arguments, input: text.utf8)).output)
        }

        @Test func severalRanksWriteTheOutputOfOne() async throws {
            let work = try await Workspace()
            let one = try await Self.run(["1"] + work.evaluate(work.model, into: "one"))
            let two = try await Self.run(["2"] + work.evaluate(work.model, into: "two"))
            expectSuccess(two)
            #expect(!two.output.isEmpty && two.output == one.output)
        }
    }
}

// MARK: Kills

/// What a run is doing when one of its ranks is killed.
private enum Phase: String, CaseIterable {
    case start, step, evaluation, saving

    /// Makes a run do little else.
    func arguments(_ work: Workspace) -> [String] {
        switch self {
        case .start, .step: ["--save-strategy", "no"]
        case .evaluation:
            [
                "--save-strategy", "no", "--validation-file", work.validationFile, "--eval-strategy", "steps",
                "--eval-steps", "1",
            ]
        case .saving: ["--save-strategy", "steps", "--save-steps", "1"]
        }
    }

    func wait(_ work: Workspace) async throws {
        switch self {
        case .start: _ = try await work.waitForRanks(1)
        case .step, .evaluation: try await work.waitForSteps()
        case .saving:
            try await work.wait(for: "a checkpoint") { !work.checkpoints("output").isEmpty }
        }
    }

    /// Milliseconds until the kill, at most.
    var longestDelay: Int { self == .start ? 1500 : 200 }
}

/// Names in the folder of memory in common, but for those of launchers, which others may use as well.
private var segments: Set<String> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []
    return Set(names.filter { !$0.hasPrefix("dure-launch.") })
}

/// A run under the launcher that something happens to.
private struct LauncherRun {
    let work: Workspace
    let running: RunningProgram
    /// What the launcher and mpirun make for themselves.
    private let temporary: String
    private let segmentsBefore = segments

    /// The launcher.
    var process: pid_t { running.process }

    init(_ work: Workspace, ranks: Int, _ more: [String]) throws {
        self.work = work
        let arguments = work.train(into: "output", "--max-steps", "10000000") + more
        temporary = work.folder.file("temporary")
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: false)
        running = try RunningProgram(
            Paths.launcher("local"), ["\(ranks)"] + arguments,
            environment: ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "TMPDIR": temporary])
    }

    /// Waits until the files of other programs have gone as well.
    private func expectNoFiles(_ ranksFolder: String, _ sourceLocation: SourceLocation) async throws {
        for _ in 0..<100 where !segments.isSubset(of: segmentsBefore) {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(segments.subtracting(segmentsBefore).isEmpty, sourceLocation: sourceLocation)
        #expect(!FileManager.default.fileExists(atPath: ranksFolder), sourceLocation: sourceLocation)
        let left = work.folder.contents(of: "temporary")
        #expect(left.isEmpty, sourceLocation: sourceLocation)
    }

    /// Sends a signal and waits for the end, which must come within `limit` and leave nothing but whole files.
    func signal(
        _ number: Int32, _ process: pid_t, within limit: Duration = .seconds(10),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> (result: ProgramResult, time: Duration) {
        let ranks = work.rankProcesses
        let variable = "OMPI_MCA_btl_vader_backing_directory"
        let ranksFolder = try #require(ranks.first?.variable(variable), sourceLocation: sourceLocation)
        #expect(ranksFolder.contains("/dure-launch."), sourceLocation: sourceLocation)
        let start = ContinuousClock.now
        kill(process, number)
        let result = try await running.wait()
        let time = ContinuousClock.now - start
        #expect(time < limit, sourceLocation: sourceLocation)
        try await work.expectNoProcesses(sourceLocation: sourceLocation)
        // Processes that nobody has waited for have no command lines; the system waits for those of parents
        // that have gone.
        #expect(ranks.filter(\.isNeglected).isEmpty, sourceLocation: sourceLocation)
        try await expectNoFiles(ranksFolder, sourceLocation)
        for name in work.checkpoints("output") {
            let file = work.folder.file("output/checkpoints/\(name)")
            let check = try await Program.run(["inspect", "--verify", file])
            #expect(check.exitCode == 0, "\(name): \(check.errorText)", sourceLocation: sourceLocation)
        }
        return (result, time)
    }
}

extension Workspace {
    /// Names of a run's checkpoints of the training state.
    fileprivate func checkpoints(_ output: String) -> [String] {
        folder.contents(of: "\(output)/checkpoints").filter { $0.hasSuffix(".h5") && !$0.hasPrefix(".") }
    }
}

extension ProgramTests.LauncherTests {
    /// How many ranks to kill. For more than the few of every day:
    ///
    ///     DURE_TEST_KILLS=50 swift test -c release --scratch-path .build/tests -Xswiftc -enable-testing \
    ///         --disable-xctest --filter LauncherTests
    private static let kills =
        ProcessInfo.processInfo.environment["DURE_TEST_KILLS"].flatMap { Int($0) } ?? 8

    @Test(arguments: 0..<max(kills, 0))
    func aRankThatIsKilledAtAnyMomentEndsTheRun(number: Int) async throws {
        var generator = SeededGenerator(seed: UInt64(number))
        let phase = Phase.allCases[number % Phase.allCases.count]
        let ranks = number / Phase.allCases.count % 2 + 2
        let delay = Int.random(in: 0...phase.longestDelay, using: &generator)
        let work = try await Workspace()
        let run = try LauncherRun(work, ranks: ranks, phase.arguments(work))
        try await phase.wait(work)
        try await Task.sleep(for: .milliseconds(delay))
        let killed = try #require(work.rankProcesses.randomElement(using: &generator))
        let (result, time) = try await run.signal(SIGKILL, killed.id)
        let comment: Comment =
            "kill \(number): rank \(killed.rank) of \(ranks), \(phase) + \(delay) ms: \(result.errorText.suffix(2000))"
        print("kill \(number): rank \(killed.rank) of \(ranks), \(phase) + \(delay) ms: ended in \(time)")
        #expect(result.exitCode == 69, comment)
        let messages = messages(result)
        #expect(messages.count == 1, comment)
        let host = ProcessInfo.processInfo.hostName
        #expect(
            messages.first?.contains("rank \(killed.rank) on host \(host) was killed by signal 9 (") ?? false,
            comment)
    }

    @Test func aRankThatHangsIsNamed() async throws {
        let work = try await Workspace()
        let run = try LauncherRun(work, ranks: 2, ["--save-strategy", "no", "--collective-timeout", "3"])
        try await work.waitForSteps()
        let stopped = try #require(work.rankProcesses.last)
        // The time given, that of the roll call, and that of mpirun.
        let (result, _) = try await run.signal(SIGSTOP, stopped.id, within: .seconds(30))
        expectFailure(result, 69, "no answer from rank \(stopped.rank) on host", "within 3 s")
    }

    @Test func ranksDoNotOutliveMpirun() async throws {
        let work = try await Workspace()
        let run = try LauncherRun(work, ranks: 2, ["--save-strategy", "no"])
        try await work.waitForSteps()
        let mpirun = try #require(
            Program.processes(mentioning: work.folder.path).first {
                (FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data()).starts(
                    with: "mpirun\0".utf8)
            })
        let (result, _) = try await run.signal(SIGKILL, mpirun)
        expectFailure(result, 69, "mpirun was killed by signal 9 (launch/local, after step")
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGUSR1]) func aSignalSavesAndStops(signal: Int32) async throws {
        let work = try await Workspace()
        let run = try LauncherRun(work, ranks: 2, ["--save-strategy", "no"])
        try await work.waitForSteps()
        let (result, _) = try await run.signal(signal, run.process)
        #expect(result.exitCode == 75, "\(result.errorText)")
        #expect(messages(result).isEmpty && result.errorText.contains("run again with --resume"))
        #expect(work.checkpoints("output").count == 1)
    }
}
