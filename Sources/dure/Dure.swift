import ArgumentParser
import Checkpoints
import Distributed
import Foundation
import Training

@main
struct Dure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dure",
        abstract:
            "Fine-tunes BERT, ELECTRA and RoBERTa for Korean extractive question answering on CPU clusters.",
        discussion: "Run alone, or on N ranks as `mpirun -n N dure train …`.",
        version: dureVersion,
        subcommands: [
            InitCommand.self, PrepareCommand.self, TrainCommand.self, EvaluateCommand.self,
            AnswerCommand.self,
            ScoreCommand.self, TokenizeCommand.self, ExportCommand.self, InspectCommand.self,
            ReportCommand.self, BenchCommand.self, DoctorCommand.self, CompletionCommand.self,
            ProbeCommand.self,
        ])

    static func main() {
        reserveStandardStreams()
        prepareProcess()
        requireProcessor()
        ForeignHDF5.setProbe(HDF5Probe.check)
        let configured = readConfiguration()
        do {
            var command = try parse(configured.arguments)
            // What ranks cannot share, one does.
            guard isFirstRank || command is any RankedCommand else { leave(0) }
            if isFirstRank { configured.notices.forEach { printMessage("dure: warning: \($0)") } }
            try command.run()
            leave(0)
        } catch let error as any ExitCoded {
            Failure.report(error)
            leave(error.exitCode)
        } catch {
            Failure.exit(parsing: error, configured)
        }
    }

    /// The command that `arguments` ask for.
    static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        do {
            return try parseAsRoot(arguments)
        } catch {
            // What ArgumentParser does not know may take a flag back.
            let resolved = UndoneFlags.resolved(arguments)
            guard !exitCode(for: error).isSuccess, resolved != arguments else { throw error }
            return try parseAsRoot(resolved)
        }
    }

    private static func readConfiguration() -> ConfiguredArguments {
        do {
            return try ConfiguredArguments(Array(CommandLine.arguments.dropFirst()), ranks: rankCount)
        } catch let error as ConfigurationError {
            Failure.exit(configuration: error)
        } catch {
            Failure.exit(parsing: error)
        }
    }

    /// Whether this process is the first, or only, one that a launcher started; before MPI is initialised only
    /// the launcher's environment tells.
    fileprivate static var isFirstRank: Bool {
        let environment = ProcessInfo.processInfo.environment
        let rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap { environment[$0] }.first
        return rank == nil || rank == "0"
    }

    /// Nil where the launcher does not say.
    private static var rankCount: Int? {
        let environment = ProcessInfo.processInfo.environment
        guard MPICommunicator.isLaunched(environment: environment) else { return 1 }
        return ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"].lazy
            .compactMap { environment[$0].flatMap { Int($0) } }.first
    }
}

/// A command whose work is shared by all ranks of a run.
protocol RankedCommand: ParsableCommand {}

/// How a failure is told: one message of one line, once.
enum Failure {
    static func report(_ error: any Error) { report(text(of: error)) }

    /// Errors of Foundation that got here are in nobody's words.
    private static func text(of error: any Error) -> String {
        guard error is DecodingError || error is EncodingError || error is CocoaError || error is POSIXError
        else { return "\(error)" }
        return "something that should work failed (\(type(of: error))): report it with the command line"
    }

    /// A failure that only one rank knows of.
    static func report(_ error: any Error, of communicator: any Communicator) {
        if error is DistributedError { return report(error) }
        let name = "rank \(communicator.rank) on host \(communicator.host(of: communicator.rank))"
        let place = communicator.place.isEmpty ? "" : ", \(communicator.place)"
        report("\(name)\(place): \(text(of: error))")
    }

    /// Ends a process whose file of settings cannot be used.
    static func exit(configuration error: ConfigurationError) -> Never {
        // On a host that lacks the file another rank than the first may be the only one to know.
        if !Dure.isFirstRank { sleep(5) }
        report(error)
        leave(error.exitCode)
    }

    /// Ends a process whose command line could not be understood, or that only asked for help.
    ///
    /// - configured: the command line with what a file added.
    static func exit(parsing error: any Error, _ configured: ConfiguredArguments? = nil) -> Never {
        let code = Dure.exitCode(for: error)
        guard Dure.isFirstRank else {
            // Launchers end the others with the first that fails, which should have spoken by then.
            if !code.isSuccess { sleep(5) }
            leave(code.rawValue)
        }
        if code.isSuccess {
            if HelpRequest.isHelp(Dure.message(for: error)) { HelpRequest.given?.answer() }
            leave(printing: Dure.fullMessage(for: error))
        }
        guard code == .validationFailure else {
            report(error)
            leave(70)
        }
        let arguments = configured?.arguments ?? Array(CommandLine.arguments.dropFirst())
        var mistakes = CommandLineExamination.mistakes(in: arguments)
        if mistakes.isEmpty {
            mistakes = [CommandLineMistake(what: message(of: error), remedy: seeHelp(arguments))]
        }
        let message = CommandLineMistake.message(mistakes) { mistake in
            configured?.origin(of: mistake.what) ?? "command line"
        }
        report(message ?? "\(error)")
        leave(code.rawValue)
    }

    private static func seeHelp(_ arguments: [String]) -> String {
        let path = CommandDescription.program?.descending(arguments[...]).command.path ?? []
        return (["see dure help"] + path).joined(separator: " ")
    }

    /// ArgumentParser's message for `error`, on one line and without a full stop.
    static func message(of error: any Error) -> String {
        var message = Dure.message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
        if message.hasSuffix(".") { message.removeLast() }
        return message
    }

    fileprivate static func report(_ message: String) { printMessage("dure: error: \(message)") }
}
