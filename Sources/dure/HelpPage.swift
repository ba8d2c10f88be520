import Foundation

/// What help says about a command, before it is laid out.
struct HelpPage {
    struct Entry {
        /// As on a command line, with its value: `--seed <n>`.
        let heading: String
        let meaning: String
        /// Which values it takes; nil where anything goes.
        let allowed: String?
        let standard: String?
    }

    struct Section {
        let group: HelpGroup
        let entries: [Entry]
        /// A command line that works.
        let example: String?

        /// What the example adds to the command's own; nil where it is another.
        func addition(to base: String?) -> Substring? {
            guard let base, let example, example.hasPrefix(base + " ") else { return nil }
            return example.dropFirst(base.count + 1)
        }
    }

    let command: CommandDescription
    let help: CommandHelp?
    let sections: [Section]

    init(_ command: CommandDescription) {
        self.command = command
        let help = CommandHelp.of(command.path)
        self.help = help
        let entries = Self.entries(of: command)
        sections = HelpGroup.allCases.compactMap { group in
            let own = entries.filter { $0.group == group }.map(\.entry)
            guard !own.isEmpty else { return nil }
            return Section(group: group, entries: own, example: help?.example(of: group))
        }
    }

    /// What stands after the command's name: what it needs, and that there are flags.
    var synopsis: String {
        if let synopsis = help?.synopsis { return "\(command.call) \(synopsis)" }
        let needed = (command.arguments ?? []).filter { !$0.isOptional }.map {
            Self.heading($0, command.path, hasOpposite: false)
        }
        return ([command.call] + needed + ["[flags]"]).joined(separator: " ")
    }

    /// What the declaration says at length; its first line is a command line where it begins as one.
    var discussion: String {
        let lines = (command.discussion ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        return lines.drop { $0.isEmpty || $0.contains("dure \(command.path.joined(separator: " "))") }
            .joined(separator: "\n")
    }

    /// Where a line about each subcommand stands.
    var subcommands: [CommandDescription] { command.commands }

    /// The exit codes that it can end with.
    var exitCodes: [(code: Int32, meaning: String)] {
        let name = command.path.first ?? ""
        let isShared = ["train", "evaluate", "prepare", "bench"].contains(name)
        return Self.exitCodes.filter { code, _ in
            (code != 69 || isShared || name.isEmpty) && (code != 75 || name == "train" || name.isEmpty)
        }
    }

    private static let exitCodes: [(code: Int32, meaning: String)] = [
        (0, "done"), (64, "wrong usage"), (65, "bad data"), (66, "an input is missing"),
        (69, "another rank failed or stopped answering"), (70, "a bug"), (73, "output cannot be created"),
        (74, "reading or writing failed"), (75, "stopped on request, saved: run again with --resume"),
    ]
}

// MARK: Flags

extension HelpPage {
    private static func entries(of command: CommandDescription) -> [(group: HelpGroup, entry: Entry)] {
        let flags = command.arguments ?? []
        let names = Set(flags.filter(\.isFlag).map(\.name))
        return flags.filter { flag in
            // The opposite stands with what it is the opposite of.
            !(flag.name.hasPrefix("no-") && names.contains(CommandFlags.opposite(of: flag.name)))
        }.map { flag in
            let hasOpposite = names.contains("no-\(flag.name)")
            let help = FlagHelp.of(flag.name, command.path)
            let (meaning, said) = parts(of: flag.abstract ?? builtin[flag.name] ?? "")
            let entry = Entry(
                heading: heading(flag, command.path, hasOpposite: hasOpposite), meaning: meaning,
                allowed: flag.allValues?.joined(separator: ", ") ?? help?.range?.help,
                standard: standard(flag, help, said))
            return (help?.group ?? .other, entry)
        }
    }

    /// What ArgumentParser says about its own is not for people.
    private static let builtin = ["help": "Show this.", "version": "Show the version."]

    private static func heading(
        _ flag: CommandFlags.Flag, _ path: [String], hasOpposite: Bool
    ) -> String {
        let name = flag.name
        let value = FlagHelp.of(name, path)?.value ?? flag.valueName ?? "value"
        let repeated = flag.isRepeating ? " ..." : ""
        if flag.isPositional { return "<\(value)>\(repeated)" }
        if name == "help" { return "-h, --help" }
        if flag.isFlag { return hasOpposite ? "--\(name), --no-\(name)" : "--\(name)" }
        return flag.needsNoValue ? "--\(name) [<\(value)>]" : "--\(name) <\(value)>\(repeated)"
    }

    /// A meaning, and the default that a declaration adds to it in brackets.
    private static func parts(of abstract: String) -> (meaning: String, standard: String?) {
        guard let start = abstract.range(of: " (default"), abstract.hasSuffix(")") else {
            return (abstract, nil)
        }
        let said = abstract[start.upperBound...].dropLast()
        let colon = said.firstIndex(of: ":").map { said.index(after: $0) } ?? said.startIndex
        return (
            String(abstract[..<start.lowerBound]), said[colon...].trimmingCharacters(in: .whitespaces)
        )
    }

    /// Nil where nothing is taken for it: it must be given, or asks for something.
    private static func standard(
        _ flag: CommandFlags.Flag, _ help: FlagHelp?, _ said: String?
    ) -> String? {
        if help?.group == .other { return nil }
        if let standard = help?.standard ?? said { return standard }
        guard let text = flag.defaultValue else {
            return flag.isFlag ? "off" : flag.isOptional ? nil : "required"
        }
        if flag.isFlag { return text.hasPrefix("--no-") ? "off" : "on" }
        return plainNumber(text)
    }

    /// `5e-05` as `5e-5` and `600.0` as `600`.
    private static func plainNumber(_ text: String) -> String {
        if text.hasSuffix(".0"), Double(text) != nil { return String(text.dropLast(2)) }
        guard Double(text) != nil, let exponent = text.range(of: "e-0") else { return text }
        return text.replacingCharacters(in: exponent, with: "e-")
    }
}
