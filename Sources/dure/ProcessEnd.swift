import COpenMP
import Distributed
import Foundation

/// Makes the process independent of how it was started. The binding of threads was taken back before this, or there
/// would be nothing to take it back by.
func prepareProcess() {
    _ = dure_count_removed_binding_variables()
    // A file that grows beyond its limit is a failure to write like any other.
    signal(SIGXFSZ, SIG_IGN)
}

/// Ends the process at once. What libraries do at an ordinary end may never come to one: OpenBLAS waits for threads
/// that it could not start.
func leave(_ code: Int32) -> Never {
    // Some file systems tell only now that there is no room.
    guard fflush(nil) == 0, close(STDOUT_FILENO) == 0 else {
        let error = StandardStreamError.cannotWrite(errno)
        guard code == 0 else { _exit(code) }
        Failure.report(error)
        _exit(error.exitCode)
    }
    _exit(code)
}

/// Ends the process with a result.
func leave(printing result: String) -> Never {
    do {
        try printResult(verbatim: result)
        leave(0)
    } catch {
        Failure.report(error)
        leave((error as? any ExitCoded)?.exitCode ?? 70)
    }
}
