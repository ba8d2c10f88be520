import ArgumentParser
import Foundation

/// A command that takes settings from a file.
protocol ConfiguredCommand: ParsableCommand {
    var config: ConfigurationOptions { get }
}

/// The flags of a command, as ArgumentParser describes them.
struct CommandFlags {
    struct Flag: Decodable {
        let names: [Name]?
        let kind: String
        let isRepeating: Bool
        let parsingStrategy: String?

        struct Name: Decodable { let name: String }

        var name: String { names?.first?.name ?? "" }
        /// Whether it stands alone, without a value.
        var isFlag: Bool { kind == "flag" }
        /// Whether it may stand alone.
        var needsNoValue: Bool { parsingStrategy == "scanningForValue" }
        var takesAnyValue: Bool { parsingStrategy == "unconditional" }
    }

    let command: String
    private let flags: [String: Flag]

    subscript(name: String) -> Flag? { flags[name] }
    var names: some Collection<String> { flags.keys }

    private init(_ description: Description.Command) {
        command = description.commandName
        let named = (description.arguments ?? []).filter { ($0.names ?? []).contains { $0.name.count > 1 } }
        flags = Dictionary(named.map { ($0.name, $0) }) { first, _ in first }
            .filter { !["config", "help", "h", "version"].contains($0.key) }
    }

    /// Of the commands that take settings from a file.
    static func configured() -> [CommandFlags] {
        let names = Dure.configuration.subcommands
            .filter { $0 is any ConfiguredCommand.Type }.compactMap { $0.configuration.commandName }
        let text = Dure._dumpHelp()
        guard let tool = try? JSONDecoder().decode(Description.self, from: Data(text.utf8)) else { return [] }
        return (tool.command.subcommands ?? []).filter { names.contains($0.commandName) }
            .map(CommandFlags.init)
    }

    private struct Description: Decodable {
        let command: Command

        struct Command: Decodable {
            let commandName: String
            let arguments: [Flag]?
            let subcommands: [Command]?
        }
    }
}
