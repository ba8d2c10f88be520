import Foundation

/// How a program ended and what it said.
package struct ProgramResult: Sendable {
    /// 128 and the signal's number where a signal ended it, as shells count.
    package let exitCode: Int32
    package let output: [UInt8]
    package let errors: [UInt8]

    package var outputText: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errors, as: UTF8.self) }

    /// Lines as line feeds part them; Swift would take a return and a line feed for one character.
    package var outputLines: [String] { Self.lines(output) }
    package var errorLines: [String] { Self.lines(errors) }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A program did not end, or did not start.
package struct ProgramError: Error, CustomStringConvertible {
    package let description: String
}

/// Programs to run in tests.
package enum Program {
    /// The `dure` that was built along with the tests, or the one that `DURE_BINARY` names.
    package static let dure: String = {
        if let path = ProcessInfo.processInfo.environment["DURE_BINARY"] { return path }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "dure").path()
    }()

    /// Runs a program to its end.
    ///
    /// - environment: changes to the tests' own; nil removes.
    /// - timeout: guards against hanging, and says nothing about how fast the program should be.
    /// - Throws: `ProgramError` when it does not end in time, after ending it.
    package static func run(
        _ arguments: [String], program: String = dure, input: some Sequence<UInt8> = [],
        environment: [String: String?] = [:], timeout: Duration = .seconds(120)
    ) async throws -> ProgramResult {
        try await RunningProgram(program, arguments, input: input, environment: environment)
            .wait(timeout: timeout)
    }

    /// Runs `program` as ranks of this machine under `mpirun`.
    package static func run(
        ranks: Int, _ arguments: [String], program: String = dure, environment: [String: String?] = [:],
        timeout: Duration = .seconds(120)
    ) async throws -> ProgramResult {
        try await start(ranks: ranks, arguments, program: program, environment: environment).wait(
            timeout: timeout)
    }

    /// Starts `program` as ranks of this machine under `mpirun`.
    package static func start(
        ranks: Int, _ arguments: [String], program: String = dure, environment: [String: String?] = [:]
    ) throws -> RunningProgram {
        // Tests use more ranks than there are cores: one that waits must let the others run.
        var environment = environment.merging(["OMPI_MCA_mpi_yield_when_idle": "1"]) { own, _ in own }
        if geteuid() == 0 {
            environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
            environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        }
        let options = ["--oversubscribe", "--bind-to", "none", "-n", "\(ranks)", program]
        return try RunningProgram("/usr/bin/env", ["mpirun"] + options + arguments, environment: environment)
    }

    /// Ids of running processes with `text` in their command lines.
    package static func processes(mentioning text: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { process in
            let command = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            // Zeros stand between the arguments.
            return command.split(separator: 0).contains { String(decoding: $0, as: UTF8.self).contains(text) }
        }
    }
}

/// A program that was started. It must be waited for.
package final class RunningProgram {
    package let process: pid_t
    private let command: String
    private let folder: TemporaryFolder

    /// Starts a program in a process group of its own.
    ///
    /// - terminal: what its stderr is, instead of a file.
    package init(
        _ executable: String, _ arguments: [String], input: some Sequence<UInt8> = [],
        environment: [String: String?] = [:], terminal: PseudoTerminal? = nil
    ) throws {
        command = ([executable] + arguments).joined(separator: " ")
        folder = try TemporaryFolder()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let creating = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 0, try folder.write(input, to: "input"), O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, folder.file("output"), creating, 0o600)
        _ = try folder.write([UInt8](), to: "errors")
        posix_spawn_file_actions_addopen(
            &actions, 2, terminal?.path ?? folder.file("errors"),
            terminal == nil ? creating : O_RDWR | O_NOCTTY,
            0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Threads that run tests block signals, which programs would inherit.
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        let variables = Self.environment(environment).map { "\($0.key)=\($0.value)" }
        var process = pid_t()
        let code = Self.withPointers([executable] + arguments) { arguments in
            Self.withPointers(variables) { variables in
                posix_spawn(&process, executable, &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else {
            throw ProgramError(description: "cannot start \(command): \(String(cString: strerror(code)))")
        }
        self.process = process
    }

    /// Waits for the end; a program that does not come to one is ended.
    package func wait(timeout: Duration = .seconds(120)) async throws -> ProgramResult {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            if let exitCode = reap() {
                return ProgramResult(
                    exitCode: exitCode, output: try read("output"), errors: try read("errors"))
            }
            try await Task.sleep(for: .milliseconds(3))
        }
        let said = String(decoding: try read("errors"), as: UTF8.self)
        await end()
        throw ProgramError(description: "\(command) did not end within \(timeout). It said:\n\(said)")
    }

    /// mpirun ends its ranks when it is asked to end, but not when it is killed.
    private func end() async {
        for signal in [SIGTERM, SIGKILL] {
            kill(-process, signal)
            for _ in 0..<500 {
                if reap() != nil { return }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    private func reap() -> Int32? {
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    private func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: folder.file(name))))
    }

    /// Without what would make a program believe that mpirun started it.
    private static func environment(_ changes: [String: String?]) -> [String: String] {
        let launcher = ["OMPI_COMM_", "PMIX_", "PMI_"]
        var result = ProcessInfo.processInfo.environment.filter { name, _ in
            !launcher.contains { name.hasPrefix($0) }
        }
        for (name, value) in changes { result[name] = value }
        return result
    }

    private static func withPointers<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
