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
            ReportCommand.self, BenchCommand.self,
            ProbeCommand.self,
        ])

    static func main() {
        reserveStandardStreams()
        requireProcessor()
        ForeignHDF5.setProbe(HDF5Probe.check)
        let configured = readConfiguration()
        do {
            var command = try parseAsRoot(configured.arguments)
            // What ranks cannot share, one does.
            guard isFirstRank || command is any RankedCommand else { return }
            try command.run()
        } catch let error as any ExitCoded {
            Failure.report(error)
            Foundation.exit(error.exitCode)
        } catch {
            Failure.exit(parsing: error, configured)
        }
    }

    private static func readConfiguration() -> ConfiguredArguments {
        do {
            return try ConfiguredArguments(Array(CommandLine.arguments.dropFirst()))
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
}

/// A command whose work is shared by all ranks of a run.
protocol RankedCommand: ParsableCommand {}

/// How a failure is told: one message of one line, once.
enum Failure {
    static func report(_ error: any Error) { report("\(error)") }

    /// A failure that only one rank knows of.
    static func report(_ error: any Error, of communicator: any Communicator) {
        if error is DistributedError { return report(error) }
        let name = "rank \(communicator.rank) on host \(communicator.host(of: communicator.rank))"
        let place = communicator.place.isEmpty ? "" : ", \(communicator.place)"
        report("\(name)\(place): \(error)")
    }

    /// Ends a process whose file of settings cannot be used.
    static func exit(configuration error: ConfigurationError) -> Never {
        // On a host that lacks the file another rank than the first may be the only one to know.
        if !Dure.isFirstRank { sleep(5) }
        report(error)
        Foundation.exit(error.exitCode)
    }

    /// Ends a process whose command line could not be understood, or that only asked for help.
    ///
    /// - configured: the command line with what a file added.
    static func exit(parsing error: any Error, _ configured: ConfiguredArguments? = nil) -> Never {
        let code = Dure.exitCode(for: error)
        guard Dure.isFirstRank else { Foundation.exit(code.rawValue) }
        if code.isSuccess { Dure.exit(withError: error) }
        guard code == .validationFailure else {
            report(error)
            Foundation.exit(70)
        }
        var message = Dure.message(for: error)
        if message.hasSuffix(".") { message.removeLast() }
        let origin = configured?.origin(of: message) ?? "command line"
        report("\(message) (\(origin)): see dure help")
        Foundation.exit(code.rawValue)
    }

    fileprivate static func report(_ message: String) {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        printMessage("dure: error: \(line)")
    }
}
