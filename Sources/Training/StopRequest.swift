import Foundation
import Synchronization

/// Signals that ask the run to stop: SIGTERM, SIGINT, and SIGUSR1 as Slurm sends it before a job's time is up; SIGHUP
/// where the terminal has gone, SIGPIPE where nobody reads any more, SIGXCPU at a limit of time.
///
/// The first makes `isMade` true, for the run to save and end; a second of the former three ends the process at once,
/// as it would have without this. The others come again by themselves.
package enum StopRequest {
    private static let signals = [SIGTERM, SIGINT, SIGUSR1]
    private static let repeatedSignals = [SIGHUP, SIGPIPE, SIGXCPU]
    private static let count = Atomic<Int>(0)
    private static let ignoresMore = Atomic<Bool>(false)

    /// Whether this process was asked.
    package static var isMade: Bool { count.load(ordering: .acquiring) > 0 }

    /// Takes the signals from now on.
    package static func listen() {
        // What the handler uses is made here: a signal may come in the middle of anything.
        _ = isMade
        _ = ignoresMore.load(ordering: .relaxed)
        _ = StatusLine.isTerminalDrawn.load(ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { StopRequest.take($0) }
        // Calls that were interrupted go on.
        action.sa_flags = SA_RESTART
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in signals + repeatedSignals.filter({ !isIgnored($0) }) {
            sigaction(signal, &action, nil)
            sigaddset(&mask, signal)
        }
        // Whoever started this may have blocked them.
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    }

    /// Whether whoever started this wants it to outlive the signal, as nohup does.
    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        // SIG_IGN, which is no function.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Has an effect no longer: all is saved, and the process about to end.
    package static func ignoreMore() { ignoresMore.store(true, ordering: .releasing) }

    /// Only calls that a signal handler may make.
    private static func take(_ signal: Int32) {
        if ignoresMore.load(ordering: .relaxed) { return }
        if signal == SIGHUP || signal == SIGPIPE || signal == SIGXCPU {
            _ = count.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing)
            return
        }
        if count.add(1, ordering: .acquiringAndReleasing).oldValue > 0 {
            StatusLine.eraseInSignalHandler()
            Foundation.signal(signal, SIG_DFL)
            raise(signal)
        }
    }
}

/// The run has saved where it stands because a signal asked it to stop; every rank throws it.
package struct StoppedOnRequest: Error, CustomStringConvertible {
    package let step: Int

    /// sysexits' EX_TEMPFAIL: run again with `--resume`.
    package static let exitCode: Int32 = 75

    package var description: String {
        "stopped on request after step \(step), which is saved: run again with --resume to go on"
    }
}
