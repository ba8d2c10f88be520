import ArgumentParser
import Distributed
import QuestionAnswering
import Training

/// Where a command takes settings from besides its flags.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Settings by the names of flags, in YAML or JSON; flags win, and those of other commands are left aside.",
            valueName: "file"))
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

    /// - arguments: without the program's name.
    init(_ arguments: [String]) throws {
        self.arguments = arguments
        guard arguments.contains(where: { $0 == "--config" || $0.hasPrefix("--config=") }),
            !arguments.contains(where: ["--help", "-h", "--version"].contains)
        else { return }
        let commands = CommandFlags.configured()
        guard let own = commands.first(where: { $0.command == arguments.first }) else { return }
        let given = GivenFlags(arguments.dropFirst(), of: own)
        guard given.files.count < 2 else { throw ValidationError("--config is given twice") }
        guard let path = given.files.first else { return }
        let file = try ConfigurationFile(path: path)
        var settings: [String] = []
        for setting in file.settings {
            let flags = try Self.flags(setting, own, commands, path)
            guard own[setting.name] != nil, !given.replaces(setting) else { continue }
            settings += flags
            origins[setting.name] = "\(path), line \(setting.line)"
        }
        self.arguments.insert(contentsOf: settings, at: 1)
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
            let remedy = nearest(to: name, among: commands).map { "did you mean \($0)?" }
            throw wrong("no flag is called --\(name)", remedy ?? "see dure help \(own.command)")
        }
        switch setting.value {
        case .nothing: return []
        case .truth(let isTrue, _) where flag.isFlag: return flagArguments(name, isTrue, command)
        case .truth(let isTrue, _) where flag.needsNoValue: return isTrue ? ["--\(name)"] : []
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
        let opposite = name.hasPrefix("no-") ? String(name.dropFirst(3)) : "no-\(name)"
        return command[opposite]?.isFlag == true ? ["--\(opposite)"] : []
    }

    /// The name that takes the fewest changes, where those are few.
    private static func nearest(to name: String, among commands: [CommandFlags]) -> String? {
        let spelled = String(name.lowercased().map { $0 == "_" ? "-" : $0 })
        let names = Set(commands.flatMap(\.names)).sorted()
        let distances = names.map { (name: $0, distance: editDistance(spelled, $0)) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(2, name.count / 3) ? best.name : nil
    }
}

/// What stands on a command line itself.
private struct GivenFlags {
    /// With their values, as far as they have one.
    private var values: [String: String] = [:]
    /// What `--config` names.
    private(set) var files: [String] = []

    init(_ arguments: some Sequence<String>, of command: CommandFlags) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst(), argument != "--" {
            guard argument.hasPrefix("--") else { continue }
            let parts = argument.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let flag = command[name]
            var value = parts.count > 1 ? String(parts[1]) : nil
            let takesValue = name == "config" || flag.map { !$0.isFlag } == true
            if value == nil, takesValue, let next = rest.first,
                flag?.takesAnyValue == true || !next.hasPrefix("-")
            {
                value = rest.popFirst()
            }
            if name == "config" { if let value { files.append(value) } } else { values[name] = value ?? "" }
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
