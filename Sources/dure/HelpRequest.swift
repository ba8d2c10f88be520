import ArgumentParser
import Distributed
import Foundation

/// What a command line that asks for help wants to know.
enum HelpRequest {
    case page(HelpPage)
    /// No command is called like this.
    case unknown(CommandLineMistake)

    /// What this process was asked.
    static var given: HelpRequest? { HelpRequest(Array(CommandLine.arguments.dropFirst())) }

    init?(_ arguments: [String]) {
        guard let program = CommandDescription.program else { return nil }
        var words = arguments[...]
        if words.first == "help" {
            words.removeFirst()
        } else if !arguments.contains(where: ["-h", "--help", "-help"].contains),
            let mistake = CommandLineMistake.first(in: arguments)
        {
            // ArgumentParser takes -batch-size for -b -a -t -c -h and so on.
            self = .unknown(mistake)
            return
        }
        let (command, rest) = program.descending(words)
        if let word = rest.first, !word.hasPrefix("-"), !command.commands.isEmpty,
            let mistake = CommandLineMistake.unknown(command: word, of: command)
        {
            self = .unknown(mistake)
        } else {
            self = .page(HelpPage(command))
        }
    }

    /// Whether ArgumentParser's answer to a command line is its own help.
    static func isHelp(_ message: String) -> Bool {
        message.hasPrefix("OVERVIEW:") || message.hasPrefix("USAGE:")
    }

    /// Ends the process with the answer.
    func answer() -> Never {
        switch self {
        case .unknown(let mistake):
            Failure.report(mistake)
            leave(64)
        case .page(let page):
            let help = HelpText(width: HelpText.terminalWidth)
            leave(printing: page.command.path.isEmpty ? help.overview(of: page) : help.text(of: page))
        }
    }
}
