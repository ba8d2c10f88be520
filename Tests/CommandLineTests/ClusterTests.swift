import Foundation
import TestSupport
import Testing

/// Hosts node1, node2, … of this machine, made from network namespaces.
private enum Hosts {
    private static let script = Paths.package.appending(path: "Tests/Cluster/hosts").path()
    /// So that several test runs can go on beside each other.
    private static let set = "t" + String(getpid() & 0xFFFF | 0x10000, radix: 16).dropFirst()

    static let areAvailable = Task {
        guard geteuid() == 0 else { return false }
        let isUp = (try? await command("up", "1", "1gbit").exitCode) == 0
        let isDown = (try? await command("down").exitCode) == 0
        return isUp && isDown
    }

    static func command(_ arguments: String...) async throws -> ProgramResult {
        try await Program.run(arguments, program: script, environment: ["DURE_HOSTS": set])
    }

    /// Calls `body` while node1 and node2 are there, which go with all that runs on them.
    ///
    /// - rate: of every link, both ways.
    static func withTwo(rate: String? = nil, _ body: () async throws -> Void) async throws {
        let up = try await command("up", "2", rate ?? "")
        do {
            try #require(up.exitCode == 0, "\(up.errorText)")
            try await body()
        } catch {
            _ = try await command("down")
            throw error
        }
        let down = try await command("down")
        #expect(down.exitCode == 0, "\(down.errorText)")
    }

    /// Starts `launch/cluster` on node1, or outside of all hosts.
    static func launch(
        _ hostfile: String, _ arguments: [String], outside: Bool = false,
        environment changes: [String: String?] = [:]
    ) throws -> RunningProgram {
        let environment: [String: String?] = [
            "DURE_HOSTS": set, "DURE_REMOTE_SHELL": "\(script) shell", "DURE_BINARY": Program.dure,
            "DURE_ALLOW_ROOT": "1",
        ]
        let launcher = Paths.launcher("cluster")
        let command = outside ? [launcher] : [script, "run", "node1", launcher]
        return try RunningProgram(
            command[0], command.dropFirst() + [hostfile] + arguments,
            environment: environment.merging(changes) { $1 })
    }

    static func processes(_ host: String) async throws -> [String] {
        try await Program.run(["ip", "netns", "pids", "\(set)-\(host)"], program: "/usr/bin/env").outputLines
    }

    /// The launcher may be gone a moment before what it started is.
    static func expectNoProcesses(
        _ hosts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for host in hosts {
            for _ in 0..<200 {
                if try await processes(host).isEmpty { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            for id in try await processes(host) {
                let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
                Issue.record(
                    "\(host) still runs \(String(decoding: command, as: UTF8.self))",
                    sourceLocation: sourceLocation)
            }
        }
    }
}

/// Ranks on two hosts, their link, and what they are told of their exchange.
private struct Layout: CustomTestStringConvertible {
    let slots: Int
    var rate: String?
    let flags: [String]

    var testDescription: String { "2 × \(slots) \(flags.joined(separator: " ")) \(rate ?? "")" }

    static let all = [
        Layout(slots: 1, flags: ["--communication-progress", "thread"]),
        Layout(slots: 1, flags: ["--no-shard-optimizer", "--communication-progress", "kernels"]),
        Layout(slots: 2, rate: "200mbit", flags: ["--communication-progress", "kernels"]),
        Layout(slots: 2, flags: ["--no-shard-optimizer", "--communication-progress", "none"]),
        Layout(slots: 2, flags: ["--no-shared-memory", "--communication-progress", "thread"]),
    ]
}

extension Workspace {
    /// A file of node1 and node2 with as many ranks each.
    fileprivate func hostfile(slots: Int = 1) throws -> String {
        try folder.write("node1 slots=\(slots)\nnode2 slots=\(slots)\n".utf8, to: "hosts.txt")
    }

    /// The arguments of a training that goes on until something happens to it.
    fileprivate var endless: [String] {
        train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
    }

    fileprivate func checksum(_ output: String) async throws -> String {
        let result = try await Program.run(["inspect", "--json", folder.file("\(output)/final.h5")])
        return try #require(try JSON(result.output)["checksum"]?.text)
    }
}

extension ProgramTests {
    /// Trains and evaluates over several hosts with `launch/cluster`, and takes them away meanwhile.
    @Suite(
        .enabled("needs root, ip, tc, unshare and the right to add network namespaces") {
            await Hosts.areAvailable.value
        })
    struct ClusterTests {
        private static let short = ["--max-steps", "20", "--learning-rate", "1e-3", "--save-strategy", "no"]

        @Test(arguments: Layout.all)
        private func lossesAreThoseOfOneProcess(layout: Layout) async throws {
            let work = try await Workspace()
            let more = Self.short + ["--micro-batch-tokens", "500"] + layout.flags
            expectSuccess(try await Program.run(work.train(into: "alone") + more))
            let alone = try work.losses("alone")
            #expect(alone.count == 20)
            try await Hosts.withTwo(rate: layout.rate) {
                let hostfile = try work.hostfile(slots: layout.slots)
                let result = try await Hosts.launch(hostfile, work.train(into: "hosts") + more).wait()
                expectSuccess(result)
                try await Hosts.expectNoProcesses("node1", "node2")
            }
            let losses = try work.losses("hosts")
            try #require(losses.count == alone.count)
            for (loss, expected) in zip(losses, alone) { #expect(abs(loss - expected) < 1e-5 * expected) }
            let hosts = try work.json("hosts/run.json")["hosts"]?.list.map(\.text)
            #expect(hosts == ["node1", "node2"].flatMap { Array(repeating: $0, count: layout.slots) })
        }

        @Test func evaluationWritesTheSameBytes() async throws {
            let work = try await Workspace()
            let alone = try await Program.run(work.evaluate(work.model, into: "alone"))
            try await Hosts.withTwo {
                let arguments = work.evaluate(work.model, into: "hosts")
                let result = try await Hosts.launch(try work.hostfile(), arguments).wait()
                expectSuccess(result)
                #expect(result.output == alone.output)
            }
            let names = work.results(of: "alone")
            #expect(!names.isEmpty && work.results(of: "hosts") == names)
            for name in names where name != "eval_results.json" {
                #expect(try work.bytes("hosts/\(name)") == work.bytes("alone/\(name)"))
            }
            #expect(try work.resultsButSpeed("hosts") == work.resultsButSpeed("alone"))
        }

        @Test func deterministicRunsGiveTheSameBits() async throws {
            let work = try await Workspace()
            let more = Self.short + ["--deterministic-reduction"]
            expectSuccess(try await Program.run(work.train(into: "alone") + more))
            let alone = try await work.checksum("alone")
            try await Hosts.withTwo {
                for slots in [1, 2] {
                    let arguments = work.train(into: "\(slots)") + more
                    expectSuccess(try await Hosts.launch(work.hostfile(slots: slots), arguments).wait())
                    #expect(try await work.checksum("\(slots)") == alone)
                }
            }
        }
    }
}

// MARK: Failures

extension ProgramTests.ClusterTests {
    /// Runs until `event`, which must end the run with one message that holds `words` within `limit`.
    private func expectFailure(
        _ words: String..., after event: (Workspace) async throws -> Void, arguments: [String] = [],
        within limit: Duration, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let work = try await Workspace()
        try await Hosts.withTwo {
            let running = try Hosts.launch(try work.hostfile(), work.endless + arguments)
            try await work.waitForSteps()
            let start = ContinuousClock.now
            try await event(work)
            let result = try await running.wait()
            #expect(ContinuousClock.now - start < limit, sourceLocation: sourceLocation)
            #expect(result.exitCode == 69, "\(result.errorText)", sourceLocation: sourceLocation)
            let messages = messages(result)
            #expect(messages.count == 1, "\(messages)", sourceLocation: sourceLocation)
            for word in words {
                #expect(
                    messages.first?.contains(word) ?? false, "\(messages)", sourceLocation: sourceLocation)
            }
            // A rank that is cut off from all others ends by itself, later.
            try await work.wait(for: "the end of all ranks") { work.rankProcesses.isEmpty }
            try await Hosts.expectNoProcesses("node1", sourceLocation: sourceLocation)
        }
    }

    private func lastRank(_ work: Workspace) throws -> pid_t {
        let last = try #require(work.rankProcesses.last)
        #expect(last.rank == 1)
        return last.id
    }

    @Test func aRankThatIsKilledIsNamedWithItsHost() async throws {
        try await expectFailure(
            "rank 1 on host node2 was killed by signal 9", after: { kill(try lastRank($0), SIGKILL) },
            within: .seconds(10))
    }

    @Test func aRankThatHangsIsNamedWithItsHost() async throws {
        try await expectFailure(
            "no answer from rank 1 on host node2 within 3 s", after: { kill(try lastRank($0), SIGSTOP) },
            arguments: ["--collective-timeout", "3"], within: .seconds(30))
    }

    @Test func aHostThatDiesIsNamed() async throws {
        try await expectFailure(
            "node2", after: { _ in _ = try await Hosts.command("kill", "node2") }, within: .seconds(10))
    }

    @Test func aLinkThatIsCutIsNamedByTheRankBehindIt() async throws {
        try await expectFailure(
            "no answer from rank 1 on host node2 within 5 s",
            after: { _ in _ = try await Hosts.command("cut", "node2") },
            arguments: ["--collective-timeout", "5"], within: .seconds(60))
    }

    @Test func aHostThatCannotBeReachedIsNamed() async throws {
        let work = try await Workspace()
        let hostfile = try work.folder.write("node1\nnode3\n".utf8, to: "hosts.txt")
        try await Hosts.withTwo {
            let result = try await Hosts.launch(hostfile, work.endless).wait()
            CommandLineTests.expectFailure(result, 69, "host node3 cannot be reached")
        }
    }

    @Test func aProgramThatOneHostLacksIsNamedWithTheHost() async throws {
        let work = try await Workspace()
        let program = try program(work, onNode2: "exit 127")
        try await Hosts.withTwo {
            let running = try Hosts.launch(
                try work.hostfile(), work.endless, environment: ["DURE_BINARY": program])
            CommandLineTests.expectFailure(try await running.wait(), 66, "host node2", program)
        }
    }

    @Test func hostsThatAreToldDifferentThingsAreNamedWithThem() async throws {
        let work = try await Workspace()
        let program = try program(
            work, onNode2: "[ \"$1\" = train ] && exec \(Program.dure) \"$@\" --learning-rate 0.5")
        try await Hosts.withTwo {
            let running = try Hosts.launch(
                try work.hostfile(), work.endless, environment: ["DURE_BINARY": program])
            CommandLineTests.expectFailure(
                try await running.wait(), 69, "--learning-rate is not the same", "host node1: ",
                "host node2: 0.5")
            try await Hosts.expectNoProcesses("node1", "node2")
        }
    }

    /// A program that is dure, but does something else on node2 first.
    private func program(_ work: Workspace, onNode2 command: String) throws -> String {
        try work.folder.write(
            script: "if [ \"$(hostname)\" = node2 ]; then \(command); fi\nexec \(Program.dure) \"$@\"",
            to: "program.sh")
    }

    @Test func hostsThatCannotAnswerDoNotStart() async throws {
        let work = try await Workspace()
        try await Hosts.withTwo {
            // The hosts are started from here, and have no way back.
            let running = try Hosts.launch(
                try work.hostfile(), work.endless, outside: true, environment: ["DURE_START_TIMEOUT": "3"])
            let result = try await running.wait()
            CommandLineTests.expectFailure(
                result, 69, "did not start within 3 s (launch/cluster)", "DURE_INTERFACE",
                "(tried here: ")
            try await work.expectNoProcesses()
            try await Hosts.expectNoProcesses("node1", "node2")
        }
    }
}

extension ProgramTests {
    /// What `launch/cluster` says before it starts anything.
    @Suite struct HostfileTests {
        private func run(_ arguments: String...) async throws -> ProgramResult {
            try await Program.run(
                arguments, program: Paths.launcher("cluster"),
                environment: ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1"])
        }

        @Test(arguments: [
            "slots=2", "node2 slots=0", "node2 slots=two", "node2 slots", "node2:0", "node2 node3",
            "node2 slots=4 max_slots=2", "-oProxyCommand=true", "node1 slots=2 max-slots=3", "$(true)", "노드2",
            "node2 rack=3", "-l@node2", "other@node1",
        ])
        func aLineThatIsNotAHostIsNamed(line: String) async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write(
                "# hosts\n\nuser@node1 slots=2 # two\n\(line)\n".utf8, to: "hosts.txt")
            let result = try await run(file, "--version")
            expectFailure(result, 65, "hosts.txt, line 4)")
            #expect(result.errorLines.count == 1)
        }

        /// Files, and the hosts and ranks that mpirun makes of them.
        @Test(arguments: [
            ("node1\nnode2 slots=2\n", "node1 slots=1,node2 slots=2"),
            ("node1 slots = 2\r\n\r\n", "node1 slots=2"), ("node1:3 # three", "node1 slots=3"),
            ("node1 slots=2 max_slots=4\nnode2 max-slots=3", "node1 slots=2,node2 slots=3"),
            (
                "user@node1 slots=1\n  node2 // or\nnode1 slots= 2 max-slots =4",
                "user@node1 slots=3,node2 slots=1"
            ),
            ("node1 username=user cpu=2", "user@node1 slots=2"), ("node1\nnode1\n", "node1 slots=2"),
        ])
        func linesAreReadAsMpirunReadsThem(file: String, hosts: String) async throws {
            let folder = try TemporaryFolder()
            let shell = try folder.write(script: "[ \"$2\" = true ] || exec sh -c \"$2\"", to: "shell")
            _ = try folder.write(
                script: """
                    [ "$1" = --version ] && echo 'mpirun (Open MPI) 4.1.4' && exit
                    while [ "$1" != --hostfile ]; do shift; done
                    cat "$2" && echo "ranks $4"
                    """, to: "mpirun")
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
            let result = try await Program.run(
                [try folder.write(file.utf8, to: "hosts.txt"), "--version"],
                program: Paths.launcher("cluster"),
                environment: [
                    "DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "DURE_REMOTE_SHELL": shell,
                    "PATH": "\(folder.path):\(path)",
                ])
            #expect(result.exitCode == 0, "\(result.errorText)")
            #expect(result.outputLines.dropLast().joined(separator: ",") == hosts)
            let ranks = hosts.split(separator: ",").compactMap {
                $0.split(separator: "=").last.flatMap { Int($0) }
            }
            #expect(result.outputLines.last == "ranks \(ranks.reduce(0, +))")
        }

        /// mpirun waits for the shell, which does not end when it is asked to.
        @Test func oneSignalIsEnoughBeforeRanksHaveStarted() async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write("node7 slots=2\n".utf8, to: "hosts.txt")
            let shell = try folder.write(
                script: """
                    case "$*" in
                    *orted*|*prted*) trap '' TERM INT; : >'\(folder.file("begun"))'; exec sleep 300 ;;
                    *--version*) exec sh -c "$2" ;;
                    esac
                    """, to: "shell")
            let running = try RunningProgram(
                Paths.launcher("cluster"), [file, "train", "--output-dir", folder.file("output")],
                environment: [
                    "DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "DURE_REMOTE_SHELL": shell,
                ])
            for _ in 0..<3000 where !FileManager.default.fileExists(atPath: folder.file("begun")) {
                try await Task.sleep(for: .milliseconds(10))
            }
            kill(running.process, SIGTERM)
            let result = try await running.wait(timeout: .seconds(60))
            expectFailure(result, 143, "stopped by signal TERM", "run it again: ")
        }

        @Test func aFileWithoutHostsIsRefused() async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write("# none yet\n\n".utf8, to: "hosts.txt")
            expectFailure(try await run(file, "--version"), 65, "hosts.txt")
        }

        @Test func aFileThatIsNotThereIsNamed() async throws {
            expectFailure(try await run("/none-such", "--version"), 66, "(/none-such)")
        }

        @Test(arguments: ["libdnnl.so.2", "libhdf5_serial.so.103"])
        func aLibraryThatAHostLacksIsNamedWithTheHost(library: String) async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write("node7 slots=2\n".utf8, to: "hosts.txt")
            // What the loader says.
            let shell = try folder.write(
                script: """
                    [ "$2" = true ] && exit 0
                    echo "/dure: error while loading shared libraries: \(library): cannot open" >&2
                    exit 127
                    """, to: "shell")
            let result = try await Program.run(
                [file, "--version"], program: Paths.launcher("cluster"),
                environment: [
                    "DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1", "DURE_REMOTE_SHELL": shell,
                ])
            expectFailure(
                result, 66, "host node7 lacks \(library), which the program needs (\(Program.dure))",
                "run launch/install-packages there")
            #expect(result.errorText.contains("DURE_ONEDNN=no") == library.hasPrefix("libdnnl"))
        }

        @Test func hostsLookForLibrariesWhereRanksWill() async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write("node7\n".utf8, to: "hosts.txt")
            let shell = try folder.write(
                script: "[ \"$2\" = true ] || { env -u LD_LIBRARY_PATH sh -c \"$2\"; exit 1; }", to: "shell")
            let program = try folder.write(
                script: "printf %s \"$LD_LIBRARY_PATH\" >'\(folder.file("path"))'", to: "program")
            _ = try await Program.run(
                [file, "--version"], program: Paths.launcher("cluster"),
                environment: [
                    "DURE_BINARY": program, "DURE_ALLOW_ROOT": "1", "DURE_REMOTE_SHELL": shell,
                    "LD_LIBRARY_PATH": "/none-such/it's:/b $c",
                ])
            #expect(
                try String(contentsOfFile: folder.file("path"), encoding: .utf8) == "/none-such/it's:/b $c")
        }

        @Test func bothAHostfileAndWhatToRunAreNeeded() async throws {
            expectFailure(try await run(), 64, "(launch/cluster )")
            expectFailure(try await run("hosts.txt"), 64, "(launch/cluster hosts.txt)")
        }
    }
}
