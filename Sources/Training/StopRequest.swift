import Foundation
import Synchronization

/// Signals that ask the run to stop: SIGTERM, SIGINT, and SIGUSR1 as Slurm sends it before a job's time is up.
///
/// The first makes `isMade` true, for the run to save and end; the second ends the process at once, as it would
/// have without this.
package enum StopRequest {
    private static let signals = [SIGTERM, SIGINT, SIGUSR1]
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
        for signal in signals {
            sigaction(signal, &action, nil)
            sigaddset(&mask, signal)
        }
        // Whoever started this may have blocked them.
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    }

    /// Has an effect no longer: all is saved, and the process about to end.
    package static func ignoreMore() { ignoresMore.store(true, ordering: .releasing) }

    /// Only calls that a signal handler may make.
    private static func take(_ signal: Int32) {
        if ignoresMore.load(ordering: .relaxed) { return }
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
