/// A name on a command line, or in a file of settings, that is none, and what may have been meant.
struct CommandLineMistake: Error, CustomStringConvertible, Equatable {
    let what: String
    let remedy: String
    /// The flag that it is about, without dashes; nil where it is about none or several.
    var flag: String?

    var description: String { "\(what) (command line): \(remedy)" }

    /// The first one on a command line that ArgumentParser refuses; nil where its reason is another.
    static func first(in arguments: [String]) -> CommandLineMistake? {
        CommandLineExamination(arguments)?.mistakes.first
    }

    /// - before: the flag that a word stands behind.
    static func mistake(
        in element: GivenArguments.Element, after before: CommandFlags.Flag?, _ own: CommandFlags
    ) -> CommandLineMistake? {
        guard let name = element.name else { return stray(element.spelled, after: before, own) }
        guard element.spelled == "--\(name)" || ["-h", "-help"].contains(element.spelled) else {
            return unknown(flag: element.spelled, name: name, own)
        }
        if CommandFlags.common.contains(name) || builtin.contains(name) { return nil }
        guard let flag = own[name] else { return unknown(flag: element.spelled, name: name, own) }
        return element.value.flatMap { wrong(value: $0, of: flag, own) }
    }

    /// What ArgumentParser answers to.
    private static let builtin: Set = [
        "h", "help-hidden", "generate-completion-script", "experimental-dump-help",
    ]
}

// MARK: Flags

extension CommandLineMistake {
    /// - spelled: as it was written.
    static func unknown(flag spelled: String, name: String, _ own: CommandFlags) -> CommandLineMistake {
        let others = CommandDescription.program?.commands.map(CommandFlags.init) ?? []
        let what = "no flag is called \(spelled)"
        if let remedy = meant(by: name, own, [], dashes: "--") {
            return CommandLineMistake(what: what, remedy: remedy)
        }
        let known = NearestName.kebab(name)
        if let other = others.first(where: { $0[known] != nil }) {
            return CommandLineMistake(
                what: "\(own.command) has no flag --\(known), which is one of \(other.command)",
                remedy: "leave it out, or see dure help \(own.command)")
        }
        return CommandLineMistake(
            what: what, remedy: meant(by: name, own, others, dashes: "--") ?? "see dure help \(own.command)")
    }

    /// What to do about a name that is none; nil where nothing comes near it.
    ///
    /// - others: commands whose flags may have been meant too.
    static func meant(
        by name: String, _ own: CommandFlags, _ others: [CommandFlags], dashes: String
    ) -> String? {
        let known = ([own] + others).flatMap(\.names) + ["config"]
        let spelled = NearestName.kebab(name)
        if known.contains(spelled) { return "did you mean \(dashes)\(spelled)?" }
        if let other = TransformersName.of(name) {
            if let replacement = other.replacement({ own[$0] != nil }) {
                return "did you mean \(replacement)? (\(other.note))"
            }
            // Of several commands the one that such scripts are nearest to.
            for command in others.filter({ $0.command == "evaluate" }) + others {
                guard let replacement = other.replacement({ command[$0] != nil }) else { continue }
                return "did you mean \(replacement) of dure \(command.command)? (\(other.note))"
            }
            // Known to be of no use here, but a flag of another command may yet be it.
            if other.flags.isEmpty || !others.isEmpty { return "it is not needed: \(other.note)" }
        }
        return NearestName.nearest(to: name, among: known).map { "did you mean \(dashes)\($0)?" }
    }

    /// Mistake in the value of a flag whose values have names, or are numbers.
    private static func wrong(
        value: String, of flag: CommandFlags.Flag, _ own: CommandFlags
    ) -> CommandLineMistake? {
        if let range = FlagHelp.of(flag.name, own.command.split(separator: " ").map(String.init))?.range,
            let rule = range.rule
        {
            guard !range.contains(value) else { return nil }
            let shown = value.isEmpty ? "''" : value
            return CommandLineMistake(
                what: "--\(flag.name) \(shown) is not possible", remedy: "it must be \(rule)", flag: flag.name
            )
        }
        guard let values = flag.allValues, !values.contains(value) else { return nil }
        let takes = "it takes \(values.joined(separator: ", "))"
        let nearest = NearestName.nearest(to: value, among: values)
        return CommandLineMistake(
            what: "--\(flag.name) has no value '\(value)'",
            remedy: nearest.map { "did you mean \($0)? (\(takes))" } ?? takes, flag: flag.name)
    }
}

// MARK: Words

extension CommandLineMistake {
    /// Of a word where a command is expected.
    static func unknown(command word: String, of parent: CommandDescription) -> CommandLineMistake? {
        let names = parent.commands.map(\.commandName) + (parent.path.isEmpty ? ["help"] : [])
        guard !names.contains(word) else { return nil }
        let call = parent.call
        return CommandLineMistake(
            what: "no command is called \(call) \(word)",
            remedy: meant(by: word, among: names).map { "did you mean \(call) \($0)?" }
                ?? "see " + (["dure help"] + parent.path).joined(separator: " "))
    }

    private static func meant(by word: String, among names: [String]) -> String? {
        let spelled = NearestName.kebab(word)
        let other = otherNames.first { name, others in names.contains(name) && others.contains(spelled) }
        return other?.key ?? NearestName.nearest(to: word, among: names)
    }

    /// Names that commands have elsewhere.
    private static let otherNames: [String: Set<String>] = [
        "train": [
            "training", "trainer", "fine-tune", "finetune", "fine-tuning", "finetuning", "fit", "run-qa",
        ],
        "evaluate": [
            "eval", "evaluation", "validate", "predict", "prediction", "inference", "infer", "test",
        ],
        "answer": ["ask", "question", "qa", "chat", "demo"],
        "tokenize": ["tokenise", "tokenizer", "tokeniser", "tokenization", "encode"],
        "prepare": ["preprocess", "preprocessing", "featurize", "features"],
        "export": ["convert", "save", "save-pretrained"],
        "inspect": ["show", "info", "dump", "diff", "verify"],
        "score": ["metrics", "metric", "squad", "scores"],
        "init": ["new", "create", "initialize", "initialise"],
        "bench": ["benchmark", "benchmarks", "profile", "speed"],
        "doctor": ["check", "diagnose", "env"],
        "report": ["plot", "compare"],
    ]

    static func beforeCommand(
        _ word: String, _ parent: CommandDescription
    ) -> CommandLineMistake? {
        guard word.hasPrefix("-") else { return unknown(command: word, of: parent) }
        let name = NearestName.dashed(String(word.drop { $0 == "-" }.prefix { $0 != "=" }))
        guard let owner = parent.commands.map(CommandFlags.init).first(where: { $0[name] != nil }) else {
            return nil
        }
        return CommandLineMistake(
            what: "--\(name) stands before a command",
            remedy: "write the command first, as dure \(owner.command) --\(name) …")
    }

    /// A word that belongs to no flag.
    private static func stray(
        _ word: String, after before: CommandFlags.Flag?, _ own: CommandFlags
    ) -> CommandLineMistake? {
        guard !own.takesWords, word != "--" else { return nil }
        let what = "'\(word)' belongs to no flag"
        if let before, before.isFlag, ["true", "false"].contains(word.lowercased()) {
            let spelled =
                word.lowercased() == "true" ? "--\(before.name)" : "--\(before.name)=false"
            return CommandLineMistake(what: what, remedy: "write \(spelled), or leave it out")
        }
        let name = NearestName.kebab(String(word.prefix { $0 != "=" }))
        if own[name] != nil {
            return CommandLineMistake(what: what, remedy: "did you mean --\(name)?")
        }
        if let before, before.isRepeating {
            return CommandLineMistake(
                what: what,
                remedy: "write --\(before.name) before each of several, as --\(before.name) \(word)")
        }
        return nil
    }
}
