import Foundation

/// Runs a program and kills it just before one of the system calls by which it changes files, whichever of its
/// threads makes it.
package enum WriteKiller {
    package struct Outcome: Sendable {
        /// Calls seen, the one that was not made included.
        package let calls: Int
        package let wasKilled: Bool
        /// The name of the call that was not made.
        package let call: String
        package let exitCode: Int32
    }

    /// Whether this machine lets a process be traced this way.
    package static var isPossible: Bool {
        #if arch(x86_64)
            (try? run(["/bin/true"], killAt: nil)) != nil
        #else
            false
        #endif
    }

    /// - killAt: the number of the call, from 1; nil only counts.
    /// - Throws: `ProgramError` where tracing is not possible.
    package static func run(_ command: [String], killAt: Int?) throws -> Outcome {
        // All of tracing is one thread's business.
        let result = Handover()
        let thread = Thread {
            result.value = Result { try Tracer(command).run(killAt: killAt) }
            result.done.signal()
        }
        thread.start()
        result.done.wait()
        guard let outcome = result.value else { throw ProgramError(description: "no outcome") }
        return try outcome.get()
    }

    private final class Handover: @unchecked Sendable {
        let done = DispatchSemaphore(value: 0)
        var value: Result<Outcome, any Error>?
    }
}

/// ptrace(2), whose numbers the C library's headers hide from Swift.
private struct Tracer {
    private typealias Function = @convention(c) (Int, Int, Int, Int) -> Int
    private static let seize = 0x4206
    private static let interrupt = 0x4207
    private static let nextCall = 24
    private static let callInformation = 0x420E
    /// Stops at calls are marked; threads are traced from their start; and all end with this process.
    private static let options = 1 | 8 | 1 << 20

    private let ptrace: Function
    private let process: pid_t
    private let start: Int32

    /// x86-64's numbers of calls that change files.
    private static let calls: [UInt64: String] = [
        1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 75: "fdatasync", 76: "truncate",
        77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 87: "unlink", 258: "mkdirat",
        263: "unlinkat", 264: "renameat", 285: "fallocate", 296: "pwritev", 316: "renameat2",
    ]

    /// Starts a shell that becomes `command` when told to.
    init(_ command: [String]) throws {
        guard let symbol = dlsym(nil, "ptrace") else { throw ProgramError(description: "no ptrace") }
        ptrace = unsafeBitCast(symbol, to: Function.self)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ProgramError(description: "no pipe") }
        start = ends[1]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        let words = ["/bin/sh", "-c", "read line && exec \"$@\"", "sh"] + command
        let pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/bin/sh", &actions, nil, pointers, environ)
        close(ends[0])
        guard code == 0 else {
            close(ends[1])
            throw ProgramError(description: "cannot start \(command)")
        }
        self.process = process
    }

    func run(killAt: Int?) throws -> WriteKiller.Outcome {
        var status: Int32 = 0
        defer { close(start) }
        guard ptrace(Self.seize, Int(process), 0, Self.options) == 0,
            ptrace(Self.interrupt, Int(process), 0, 0) == 0, waitpid(process, &status, 0) == process
        else {
            kill(process, SIGKILL)
            waitpid(process, &status, 0)
            throw ProgramError(description: "the process cannot be traced")
        }
        write(start, "\n", 1)
        _ = ptrace(Self.nextCall, Int(process), 0, 0)
        return follow(killAt: killAt)
    }

    private func follow(killAt: Int?) -> WriteKiller.Outcome {
        var (calls, name, wasKilled) = (0, "", false)
        while true {
            var status: Int32 = 0
            // Threads are processes to ptrace.
            let thread = waitpid(-1, &status, 0x4000_0000)
            guard thread > 0 else { return outcome(0) }
            guard status & 0xFF == 0x7F else {
                if thread == process { return outcome(status) }
                continue
            }
            var signal = Int(status >> 8 & 0xFF)
            if signal == SIGTRAP | 0x80 {
                signal = 0
                if !wasKilled, let call = callBegun(by: thread) {
                    calls += 1
                    if calls == killAt {
                        (name, wasKilled) = (call, true)
                        kill(process, SIGKILL)
                        continue
                    }
                }
            } else if status >> 16 != 0 {
                signal = 0
            }
            _ = ptrace(Self.nextCall, Int(thread), 0, signal)
        }
        func outcome(_ status: Int32) -> WriteKiller.Outcome {
            let signal = status & 0x7F
            return WriteKiller.Outcome(
                calls: calls, wasKilled: wasKilled, call: name,
                exitCode: signal == 0 ? status >> 8 & 0xFF : 128 + signal)
        }
    }

    /// The name of the call that `thread` stands before, if it is one of those, and not one that only says something.
    private func callBegun(by thread: pid_t) -> String? {
        // struct ptrace_syscall_info: the kind of stop, then from byte 24 the call's number and arguments.
        var information = [UInt64](repeating: 0, count: 11)
        let size = information.count * 8
        let length = information.withUnsafeMutableBytes {
            ptrace(Self.callInformation, Int(thread), size, Int(bitPattern: $0.baseAddress))
        }
        guard length > 0, information[0] & 0xFF == 1, let name = Self.calls[information[3]] else {
            return nil
        }
        return name.hasPrefix("write") && information[4] <= 2 ? nil : name
    }
}
