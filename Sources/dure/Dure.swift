import ArgumentParser
import Distributed
import Foundation
import Training

@main
struct Dure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dure",
        abstract: "Fine-tunes BERT models for Korean extractive question answering on CPU clusters.",
        discussion: "Run alone, or on N ranks as `mpirun -n N dure train …`.",
        version: dureVersion,
        subcommands: [
            InitCommand.self, TrainCommand.self, EvaluateCommand.self, AnswerCommand.self, ScoreCommand.self,
            TokenizeCommand.self, InspectCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as any ExitCoded {
            Failure.report(error)
            Foundation.exit(error.exitCode)
        } catch {
            Failure.exit(usage: error)
        }
    }
}

/// How a failure is told: one message, once.
enum Failure {
    static func report(_ error: any Error) {
        FileHandle.standardError.write(Data("dure: error: \(error)\n".utf8))
    }

    /// Ends a process whose command line could not be understood, or that only asked for help.
    static func exit(usage error: any Error) -> Never {
        let code = Dure.exitCode(for: error)
        if code.isSuccess { Dure.exit(withError: error) }
        guard isFirstRank else { Foundation.exit(code.rawValue) }
        if code == .validationFailure {
            FileHandle.standardError.write(
                Data("dure: error: \(Dure.message(for: error)) (command line): see dure help\n".utf8))
        } else {
            report(error)
        }
        Foundation.exit(code == .failure ? 70 : code.rawValue)
    }

    /// Before MPI is initialised only the launcher's environment tells the ranks apart.
    private static var isFirstRank: Bool {
        let environment = ProcessInfo.processInfo.environment
        let rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap { environment[$0] }.first
        return rank == nil || rank == "0"
    }
}
