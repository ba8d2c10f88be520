import ArgumentParser

/// All that is wrong with a command line, found at once: first with its names and values, then what ArgumentParser says
/// of the rest when that is taken away.
struct CommandLineExamination {
    private(set) var mistakes: [CommandLineMistake] = []
    private let command: CommandDescription
    private let own: CommandFlags
    /// Elements of the command line that are not wrong so far.
    private var kept: [GivenArguments.Element] = []
    /// Flags that are no longer there, of which nothing more is to be said.
    private var settled: Set<String> = []
    /// Flags that must be given and are not, as they are told.
    private var missing: [String] = []
    /// Values for those, so that ArgumentParser looks on.
    private var standIns: [String] = []

    /// Looks at names and values. Nil where ArgumentParser describes commands in a form of its future.
    ///
    /// - arguments: without the program's name.
    init?(_ arguments: [String]) {
        guard let program = CommandDescription.program else { return nil }
        let (command, rest) = program.descending(arguments[...])
        self.command = command
        own = CommandFlags(command)
        guard command.commands.isEmpty else {
            mistakes = [rest.first.flatMap { CommandLineMistake.beforeCommand($0, command) }].compactMap(
                \.self)
            return
        }
        var before: CommandFlags.Flag?
        var isAfterUnknown = false
        for element in GivenArguments(rest, of: own).elements {
            if let mistake = CommandLineMistake.mistake(in: element, after: before, own) {
                mistakes.append(mistake)
                if let name = element.name { settled.insert(name) }
                isAfterUnknown = element.name.map { own[$0] == nil } ?? false
            } else if element.name != nil || !isAfterUnknown || own.takesWords {
                // A word behind a flag that is none is its value.
                kept.append(element)
                isAfterUnknown = false
            }
            before = element.name.flatMap { own[$0] }
        }
    }

    /// All that is wrong with `arguments`; nothing where that cannot be told.
    static func mistakes(in arguments: [String]) -> [CommandLineMistake] {
        guard var examination = CommandLineExamination(arguments) else { return [] }
        if examination.command.commands.isEmpty { examination.askParser() }
        return examination.mistakes
    }

    /// Parses what is kept again and again, each time without what was refused the last time.
    private mutating func askParser() {
        var looks = kept.count + (command.arguments ?? []).count + 1
        while looks > 0, let refusal = refusal() {
            looks -= 1
            guard note(refusal) else { break }
        }
        guard !missing.isEmpty else { return }
        let isOne = missing.count == 1
        mistakes.insert(
            CommandLineMistake(
                what: "\(missing.formatted(last: " and ")) \(isOne ? "is" : "are") missing",
                remedy: "give \(isOne ? "it" : "them"), or see dure help \(own.command)"),
            at: 0)
    }

    /// Why ArgumentParser refuses what is kept; nil where it does not, or where that is no matter of arguments.
    private func refusal() -> String? {
        do {
            _ = try Dure.parse(command.path + standIns + kept.flatMap(\.arguments))
            return nil
        } catch {
            guard Dure.exitCode(for: error) == .validationFailure else { return nil }
            return Failure.message(of: error)
        }
    }

    /// Takes note of a refusal, and away what it is about. Returns whether there may be more.
    private mutating func note(_ refusal: String) -> Bool {
        let named = Self.flags(in: refusal)
        let isConsequence = named.contains { settled.contains($0) }
        if let given = refusal.wholeMatch(of: #/Missing expected argument '(.+?)'(.*)/#) {
            let needed = named.first { own[$0] != nil }
            if !isConsequence { missing.append(Self.plain(given.1) + given.2) }
            guard let needed, !standIns.contains("--\(needed)") else { return false }
            settled.insert(needed)
            standIns += ["--\(needed)", "x"]
            return true
        }
        let name = named.first { name in kept.contains { $0.name == name } }
        if !isConsequence {
            mistakes.append(
                CommandLineMistake(what: refusal, remedy: "see dure help \(own.command)", flag: name))
        }
        guard let name else { return false }
        settled.insert(name)
        kept.removeAll { $0.name == name }
        return true
    }

    /// `--model` of `--model <model>`.
    private static func plain(_ argument: some StringProtocol) -> String {
        argument.hasPrefix("--") ? String(argument.prefix { $0 != " " }) : String(argument)
    }

    private static func flags(in message: String) -> [String] {
        message.matches(of: #/--([A-Za-z0-9][A-Za-z0-9-]*)/#).map { String($0.1) }
    }
}

extension CommandLineMistake {
    /// One message for all of `mistakes`.
    ///
    /// - origin: where one comes from.
    static func message(_ mistakes: [CommandLineMistake], origin: (CommandLineMistake) -> String) -> String? {
        guard let first = mistakes.first else { return nil }
        guard mistakes.count > 1 else { return "\(first.what) (\(origin(first))): \(first.remedy)" }
        let origins = mistakes.map(origin)
        let isOne = Set(origins).count == 1
        let told = zip(mistakes, origins).enumerated().map { index, mistake in
            let (mistake, origin) = mistake
            return "(\(index + 1)) \(mistake.what)\(isOne ? "" : ", \(origin)"): \(mistake.remedy)"
        }
        let place = isOne ? origins[0] : "command line and settings"
        return "\(mistakes.count) mistakes (\(place)): \(told.joined(separator: " "))"
    }
}

extension [String] {
    /// "a, b and c" with `last` between the last two.
    fileprivate func formatted(last: String) -> String {
        guard count > 1, let end = self.last else { return joined() }
        return dropLast().joined(separator: ", ") + last + end
    }
}
