import Distributed
import Foundation
import Logging
import Training

/// Runs `body` on every rank of the run that this process belongs to, alone when no launcher started it; MPI is
/// only initialised in the former case. Ends the process when `body` fails, and with it the run.
func withRanks(_ body: (any Communicator, Logger) throws -> Void) throws {
    let communicator: any Communicator =
        MPICommunicator.isLaunched() ? try MPICommunicator() : SingleProcess()
    do {
        try body(communicator, makeLogger(communicator))
        communicator.finalize()
    } catch let failure as AgreedFailure {
        // Every rank knows, so all leave in order and one speaks.
        if failure.isOwn { Failure.report(failure) }
        communicator.finalize()
        exit(failure.exitCode)
    } catch {
        Failure.report(error)
        let code = (error as? any ExitCoded)?.exitCode ?? 70
        if communicator.size > 1 { communicator.abort(code: code) }
        communicator.finalize()
        exit(code)
    }
}

/// Logs to stderr, from rank 0.
func makeLogger(_ communicator: any Communicator) -> Logger {
    var logger = Logger(label: "dure") { _ in StandardErrorLog() }
    logger.logLevel = communicator.isRoot ? .info : .critical
    return logger
}

/// Plain lines; what is not merely information says how grave it is.
private struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let prefix = event.level > .info ? "dure: \(event.level): " : ""
        printMessage("\(prefix)\(event.message)")
    }
}
