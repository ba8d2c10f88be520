import ArgumentParser
import Foundation

/// A command that takes settings from a file.
protocol ConfiguredCommand: ParsableCommand {
    var config: ConfigurationOptions { get }
}

/// A command and its subcommands, as ArgumentParser describes them.
struct CommandDescription: Decodable {
    let commandName: String
    let abstract: String?
    let discussion: String?
    let shouldDisplay: Bool?
    let superCommands: [String]?
    let arguments: [CommandFlags.Flag]?
    private let subcommands: [CommandDescription]?

    /// Those that people are told of.
    var commands: [CommandDescription] {
        (subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
    }

    /// The names that lead to it, as `["bench", "step"]`; none for the program itself.
    var path: [String] { superCommands.map { Array($0.dropFirst()) + [commandName] } ?? [] }
    /// As it is called, `dure bench step`.
    var call: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }

    /// The command that words lead to, and the words after those.
    func descending(_ words: ArraySlice<String>) -> (command: CommandDescription, rest: ArraySlice<String>) {
        guard let name = words.first, let next = (subcommands ?? []).first(where: { $0.commandName == name })
        else { return (self, words) }
        return next.descending(words.dropFirst())
    }

    /// The whole program's; nil where ArgumentParser describes it in a form of its future.
    static let program: CommandDescription? = {
        struct Tool: Decodable { let command: CommandDescription }
        return try? JSONDecoder().decode(Tool.self, from: Data(Dure._dumpHelp().utf8)).command
    }()
}

/// The flags of a command by their names.
struct CommandFlags {
    struct Flag: Decodable {
        let names: [Name]?
        let kind: String
        let isOptional: Bool
        let isRepeating: Bool
        let parsingStrategy: String?
        let valueName: String?
        let defaultValue: String?
        let allValues: [String]?
        let abstract: String?

        struct Name: Decodable {
            let kind: String
            let name: String
        }

        /// The long one; what the value is called of what has no name.
        var name: String { (names?.first { $0.kind == "long" } ?? names?.first)?.name ?? valueName ?? "" }
        /// Whether it stands alone, without a value.
        var isFlag: Bool { kind == "flag" }
        var isPositional: Bool { kind == "positional" }
        /// Whether it may stand alone.
        var needsNoValue: Bool { parsingStrategy == "scanningForValue" }
        var takesAnyValue: Bool { parsingStrategy == "unconditional" }
    }

    let command: String
    private let flags: [String: Flag]
    /// Whether it takes words without a flag.
    let takesWords: Bool

    subscript(name: String) -> Flag? { flags[name] }
    var names: some Collection<String> { flags.keys }

    /// Every command has these, and no file of settings may.
    static let common: Set = ["config", "help", "version"]

    init(_ description: CommandDescription) {
        command = description.path.joined(separator: " ")
        let arguments = description.arguments ?? []
        takesWords = arguments.contains(where: \.isPositional)
        flags = Dictionary(arguments.filter { !$0.isPositional }.map { ($0.name, $0) }) { first, _ in first }
            .filter { !Self.common.contains($0.key) }
    }

    /// What `name` is the opposite of or has as its opposite, whether or not there is such a flag.
    static func opposite(of name: String) -> String {
        name.hasPrefix("no-") ? String(name.dropFirst(3)) : "no-\(name)"
    }

    /// Of the commands that take settings from a file.
    static func configured() -> [CommandFlags] {
        let names = Dure.configuration.subcommands
            .filter { $0 is any ConfiguredCommand.Type }.compactMap { $0.configuration.commandName }
        return (CommandDescription.program?.commands ?? []).filter { names.contains($0.commandName) }
            .map(CommandFlags.init)
    }
}
