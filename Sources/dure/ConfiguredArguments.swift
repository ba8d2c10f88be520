import ArgumentParser
import Distributed
import QuestionAnswering
import Training

/// Where a command takes settings from besides its flags.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Settings by the names of flags, in YAML or JSON; flags win, and those of other commands are left aside.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var config: String?

    /// Throws where ranks do not have the same file. Every rank must call it.
    func requireSame(on communicator: any Communicator) throws {
        guard let config, communicator.size > 1 else { return }
        var hash = ContentHash()
        let bytes = try ConfigurationFile.bytes(config)
        hash.add(String(decoding: bytes, as: UTF8.self))
        try communicator.requireEqual(hash.value, "the settings in \(config)")
    }
}

/// A command line with the settings of the file that its `--config` names put in as flags.
struct ConfiguredArguments {
    private(set) var arguments: [String]
    /// Where in the file flags come from, as "recipe.yaml, line 3".
    private(set) var origins: [String: String] = [:]
    /// What to know about the settings before they are used.
    private(set) var notices: [String] = []

    /// - arguments: without the program's name.
    /// - ranks: of this run, as far as the launcher says how many there are.
    init(_ arguments: [String], ranks: Int? = 1) throws {
        self.arguments = arguments
        guard arguments.contains(where: { $0 == "--config" || $0.hasPrefix("--config=") }),
            !arguments.contains(where: ["--help", "-h", "--version"].contains)
        else { return }
        let commands = CommandFlags.configured()
        guard let own = commands.first(where: { $0.command == arguments.first }) else { return }
        let flags = GivenFlags(GivenArguments(arguments.dropFirst(), of: own))
        guard flags.files.count < 2 else { throw ValidationError("--config is given twice") }
        guard let path = flags.files.first else { return }
        try insert(ConfigurationFile(path: path), flags, own, commands, ranks)
    }

    private mutating func insert(
        _ file: ConfigurationFile, _ given: GivenFlags, _ own: CommandFlags, _ commands: [CommandFlags],
        _ ranks: Int?
    ) throws(ConfigurationError) {
        var settings: [String] = []
        var errors: [ConfigurationError] = []
        let leftAside = file.run?.leavesAside(for: own.command, ranks: ranks) ?? []
        for setting in file.settings {
            do throws(ConfigurationError) {
                let flags = try Self.flags(setting, own, commands, file.path)
                guard own[setting.name] != nil, !given.replaces(setting), !leftAside.contains(setting.name)
                else { continue }
                settings += flags
                origins[setting.name] = "\(file.path), line \(setting.line)"
            } catch {
                errors.append(error)
            }
        }
        if let error = ConfigurationError.all(errors) { throw error }
        arguments.insert(contentsOf: settings, at: 1)
        if let notice = file.run?.notice(for: own.command, ranks: ranks) {
            notices.append("\(file.path) \(notice)")
        }
    }

    /// Where the flags of the file that `message` speaks of come from.
    func origin(of message: String) -> String? {
        let words = message.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")) }
        return words.lazy.compactMap { origins[String($0.drop { $0 == "-" })] }.first
    }

    /// A setting as flags; those of another command are checked too.
    private static func flags(
        _ setting: ConfigurationFile.Setting, _ own: CommandFlags, _ commands: [CommandFlags], _ path: String
    ) throws(ConfigurationError) -> [String] {
        func wrong(_ what: String, _ remedy: String) -> ConfigurationError {
            ConfigurationError(
                category: .wrongSetting, what: what, path: path, line: setting.line, remedy: remedy)
        }
        let name = setting.name
        guard let command = ([own] + commands).first(where: { $0[name] != nil }), let flag = command[name]
        else {
            throw wrong(
                "no flag is called --\(setting.writtenName)",
                CommandLineMistake.meant(by: name, own, commands, dashes: "")
                    ?? "see dure help \(own.command)")
        }
        switch setting.value {
        case .nothing: return []
        case .truth(let isTrue, _) where flag.isFlag: return flagArguments(name, isTrue, command)
        case .truth(let isTrue, _) where flag.needsNoValue: return isTrue ? ["--\(name)"] : []
        case .text(let text) where flag.isFlag:
            guard let isTrue = TruthValue.of(text) else { fallthrough }
            return flagArguments(name, isTrue, command)
        case .text, .list:
            guard !flag.isFlag else { throw wrong("\(name) is neither true nor false", "write one of them") }
        case .truth: break
        }
        switch setting.value {
        case .nothing: return []
        case .truth(_, let text), .text(let text): return ["--\(name)=\(text)"]
        case .list(let texts) where flag.isRepeating: return texts.map { "--\(name)=\($0)" }
        case .list(let texts) where commaLists.contains(name):
            return ["--\(name)=\(texts.joined(separator: ","))"]
        case .list: throw wrong("\(name) has a list", "give it a single value")
        }
    }

    /// Options whose value is a list with commas.
    private static let commaLists: Set = ["clean"]

    /// A flag that is not true is its opposite where it has one, and not given where it has none.
    private static func flagArguments(_ name: String, _ isTrue: Bool, _ command: CommandFlags) -> [String] {
        if isTrue { return ["--\(name)"] }
        let opposite = CommandFlags.opposite(of: name)
        return command[opposite]?.isFlag == true ? ["--\(opposite)"] : []
    }
}

/// Flags that a command line takes back or spells as the scripts of transformers do: `--no-strict` where only `--strict`
/// is a flag, `--strict=false`, `--strict False`, `--batch_size`.
enum UndoneFlags {
    /// A command line with flags alone that ArgumentParser knows, as far as that is to be had.
    static func resolved(_ arguments: [String]) -> [String] {
        guard let (description, rest) = CommandDescription.program?.descending(arguments[...]) else {
            return arguments
        }
        let command = CommandFlags(description)
        var kept: [(name: String?, arguments: [String])] = [(nil, Array(arguments.dropLast(rest.count)))]
        for element in GivenArguments(rest, of: command).elements {
            guard let (name, isOn) = meaning(element, command) else {
                kept.append((element.name, element.arguments))
                continue
            }
            kept.removeAll { $0.name == name }
            let opposite = CommandFlags.opposite(of: name)
            if isOn {
                kept.append((name, ["--\(name)"]))
            } else if command[opposite]?.isFlag == true {
                kept.append((opposite, ["--\(opposite)"]))
            }
        }
        return kept.flatMap(\.arguments)
    }

    /// A flag, and whether it is to be on; nil for what ArgumentParser understands by itself.
    private static func meaning(
        _ element: GivenArguments.Element, _ command: CommandFlags
    ) -> (name: String, isOn: Bool)? {
        guard let name = element.name, element.spelled == "--\(name)" else { return nil }
        if command[name]?.isFlag == true {
            return element.value.flatMap(TruthValue.of).map { (name, $0) }
        }
        let opposite = CommandFlags.opposite(of: name)
        guard command[name] == nil, command[opposite]?.isFlag == true else { return nil }
        guard let value = element.value else { return (opposite, false) }
        return TruthValue.of(value).map { (opposite, !$0) }
    }
}

/// What stands on a command line itself.
private struct GivenFlags {
    /// With their values, as far as they have one.
    private var values: [String: String] = [:]
    /// What `--config` names.
    private(set) var files: [String] = []

    init(_ given: GivenArguments) {
        for element in given.elements {
            guard let name = element.name, element.spelled == "--\(name)" else { continue }
            if name == "config" {
                if let value = element.value { files.append(value) }
            } else {
                values[name] = element.value ?? ""
            }
        }
    }

    /// Flags that exclude others, or do with what these say no longer matter.
    private static let exclusions = [
        "batch-size": ["per-device-train-batch-size", "gradient-accumulation-steps"],
        "per-device-train-batch-size": ["batch-size"], "gradient-accumulation-steps": ["batch-size"],
        "num-train-epochs": ["max-steps"], "max-steps": ["num-train-epochs"],
        "warmup-ratio": ["warmup-steps"], "warmup-steps": ["warmup-ratio"],
        "validation-file": ["validation-split", "split-by"], "validation-split": ["validation-file"],
        "lr-restarts": ["restart-epochs", "restart-multiplier"], "restart-epochs": ["lr-restarts"],
    ]

    /// Whether the command line says otherwise about what `setting` is about.
    func replaces(_ setting: ConfigurationFile.Setting) -> Bool {
        let name = setting.name
        let subject = Self.subject(name)
        return values.contains { given, value in
            Self.subject(given) == subject || Self.exclusions[given]?.contains(name) == true
                || Self.needless(given, value).contains(name)
        }
    }

    /// `--x` and `--no-x` are about the same.
    private static func subject(_ name: String) -> Substring {
        name.hasPrefix("no-") ? name.dropFirst(3) : name[...]
    }

    /// What a choice leaves nothing to say about.
    private static func needless(_ name: String, _ value: String) -> [String] {
        switch (name, value) {
        case ("lr-scheduler-type", "exponential"): ["lr-restarts", "restart-epochs", "restart-multiplier"]
        case ("lr-scheduler-type", "cosine_with_restarts"): ["gamma"]
        case ("lr-scheduler-type", _): ["lr-restarts", "restart-epochs", "restart-multiplier", "gamma"]
        case ("eval-strategy", "no"): ["early-stopping-patience", "load-best-model-at-end"]
        default: []
        }
    }
}
