import Checkpoints
import Foundation

/// This program once more, with other arguments, of which the output is read.
struct ChildProcess: ~Copyable {
    enum End {
        case exit(Int32)
        case signal(Int32)
        /// Somebody else has waited for it.
        case unknown
    }

    private let process: pid_t
    private let output: Int32

    /// Starts it, outside of the run of ranks that this process may belong to. An error names `path`, the file it is
    /// about.
    init(arguments: [String], path: String) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.cannotStart(path, errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var process = pid_t()
        let code = Self.spawn(arguments, output: ends[1], &process)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw Self.cannotStart(path, code)
        }
        self.process = process
        output = ends[0]
    }

    deinit { close(output) }

    /// All that the process writes; nil when it has not ended after `seconds`.
    func readOutput(seconds: Int) -> [UInt8]? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let milliseconds = min(left.components.seconds * 1000 + 1, 60_000)
            guard poll(&descriptor, 1, Int32(milliseconds)) > 0 else { continue }
            let count = read(output, &buffer, buffer.count)
            if count == 0 || count < 0 && errno != EINTR { return bytes }
            bytes += buffer.prefix(max(count, 0))
        }
    }

    /// Waits for the end, and brings it about where asked to.
    func end(killing: Bool) -> End {
        if killing { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) != process {
            guard errno == EINTR else { return .unknown }
        }
        let signal = status & 0x7F
        return signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal)
    }

    private static func cannotStart(_ path: String, _ code: Int32) -> CheckpointError {
        CheckpointError(
            .ioFailed, "cannot start another process to read it, \(String(cString: strerror(code)))",
            path: path,
            remedy: "check the limits of the process, then try again")
    }

    private static func spawn(_ arguments: [String], output: Int32, _ process: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // A crash is told by this process, in its own words.
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        return withPointers(["dure"] + arguments) { arguments in
            withPointers(environment()) { variables in
                posix_spawn(&process, "/proc/self/exe", &actions, &attributes, arguments, variables)
            }
        }
    }

    /// This process's, without what ties it to a run of ranks; one thread is enough.
    private static func environment() -> [String] {
        let launcher = ["OMPI_", "PMIX_", "PMI_", "OPENBLAS_"]
        let kept = ProcessInfo.processInfo.environment.filter { name, _ in
            !launcher.contains { name.hasPrefix($0) }
        }
        return kept.map { "\($0.key)=\($0.value)" } + ["OPENBLAS_NUM_THREADS=1", "SWIFT_BACKTRACE=enable=no"]
    }

    private static func withPointers<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
