import Distributed
import Foundation
import Logging
import Training

/// Runs `body` on every rank of the run that this process belongs to, alone when no launcher started it; MPI is
/// only initialised in the former case. Ends the process when `body` fails, and with it the run.
///
/// - timeout: seconds that ranks wait for each other.
/// - alone: whether MPI stays out of it even so.
/// - isQuiet: whether the logger leaves out what is merely information.
/// - remedy: says how to go on after a failure that may be over when the command is run again.
func withRanks(
    timeout: Double, alone: Bool = false, isQuiet: Bool = false,
    remedy: (_ ranks: Int) -> String? = { _ in nil },
    _ body: (any Communicator, Logger) throws -> Void
) throws {
    setLastWords { text in
        StatusLine.standardError.close()
        printMessage(text)
    }
    let communicator: any Communicator =
        !alone && MPICommunicator.isLaunched() ? try MPICommunicator(timeout: timeout) : SingleProcess()
    do {
        if communicator.size == 1 { try requireAlone(ProcessInfo.processInfo.environment) }
        try body(communicator, makeLogger(communicator, isQuiet: isQuiet))
        StatusLine.standardError.close()
        communicator.finalize()
    } catch let stop as StoppedOnRequest {
        // Launchers end the other ranks with a signal as soon as one has left.
        StopRequest.ignoreMore()
        StatusLine.standardError.close()
        if communicator.isRoot { printMessage("\(stop)") }
        // Under a launcher the command is the launcher's, which knows it.
        if !MPICommunicator.isLaunched(), let command = ResumeCommand.ofThisProcess {
            printMessage("to go on: \(command)")
        }
        communicator.finalize()
        leave(StoppedOnRequest.exitCode)
    } catch let failure as AgreedFailure {
        StatusLine.standardError.close()
        // Every rank knows, so all leave in order and one speaks.
        if failure.isOwn {
            Failure.report(failure)
            tell(remedy, communicator, failure.exitCode)
        }
        communicator.finalize()
        leave(failure.exitCode)
    } catch {
        StatusLine.standardError.close()
        let code = (error as? any ExitCoded)?.exitCode ?? 70
        if communicator.size > 1 {
            yieldToTheCause(error)
            if !isToldByOther(error) {
                Failure.report(error, of: communicator)
                tell(remedy, communicator, code)
            }
            communicator.abort(code: code)
        }
        Failure.report(error)
        tell(remedy, communicator, code)
        communicator.finalize()
        leave(code)
    }
}

/// Tells how to go on, but for a launcher of `launch/`, which knows its own command line.
private func tell(_ remedy: (Int) -> String?, _ communicator: any Communicator, _ code: Int32) {
    // Wrong usage and bad input stay what they are.
    guard code >= 69, ProcessInfo.processInfo.environment["DURE_LAUNCHER"] == nil,
        let text = remedy(communicator.size)
    else { return }
    printMessage("dure: \(text)")
}

/// Refuses to be one of several runs that write the same files: tasks of Slurm's `srun` that do not learn of each
/// other, which look like one process each.
private func requireAlone(_ environment: [String: String]) throws {
    guard let tasks = environment["SLURM_STEP_NUM_TASKS"].flatMap(Int.init), tasks > 1,
        // What mpirun starts in a step knows of its ranks.
        environment["OMPI_COMM_WORLD_SIZE"] == nil
    else { return }
    throw TrainingError.setting(
        flag: "SLURM_STEP_NUM_TASKS=\(tasks)",
        problem: "Slurm has started \(tasks) tasks that know nothing of each other",
        remedy: "start them with srun --mpi=pmix, where srun --mpi=list has it, or with mpirun")
}

/// A message that does not arrive is most likely lost with the rank that sent it: let that one speak, and the launcher
/// end this process before it does.
private func yieldToTheCause(_ error: any Error) {
    if case DistributedError.mpi = error { sleep(2) }
    if isToldByOther(error) { sleep(5) }
}

private func isToldByOther(_ error: any Error) -> Bool {
    if case DistributedError.toldByOther = error { return true }
    return false
}

/// Logs to stderr, from rank 0.
func makeLogger(_ communicator: any Communicator, isQuiet: Bool = false) -> Logger {
    var logger = Logger(label: "dure") { _ in StandardErrorLog() }
    logger.logLevel = communicator.isRoot ? isQuiet ? .warning : .info : .critical
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
