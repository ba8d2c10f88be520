import Core
import Foundation
import Yams

/// The settings in a file, in its order, as it spells them.
struct ConfigurationFile {
    struct Setting {
        /// With dashes, as the flag is called.
        let name: String
        /// As it stands in the file.
        let writtenName: String
        let value: Value
        /// From 1.
        let line: Int
    }

    enum Value: Equatable {
        /// `name:` or `null`.
        case nothing
        /// What YAML takes for a truth value, and its spelling, for `no` may be a word as well.
        case truth(Bool, spelling: String)
        case text(String)
        case list([String])
    }

    let path: String
    private(set) var settings: [Setting] = []
    /// The run that the file is the record of; nil for one that people wrote.
    private(set) var run: RecordedRun?

    /// Members that tell people about the file.
    private static let remarks = "recipe"
    private static let mostBytes = 1 << 20
    private static let longestName = 100

    init(path: String) throws(ConfigurationError) {
        self.path = path
        let text = try Self.read(path)
        guard !Self.hasAliases(text) else {
            throw Self.bad("an anchor (&) is used again (*)", path, remedy: "write out what it stands for")
        }
        guard let root = try Self.compose(text, path) else {
            throw Self.bad("the file has no settings", path, remedy: "write lines like learning-rate: 5e-5")
        }
        guard case .mapping(let mapping) = root else {
            throw Self.bad(
                "the file is no list of names and values", path, line: root.mark?.line,
                remedy: "write lines like learning-rate: 5e-5")
        }
        run = RecordedRun(mapping)
        var names: Set<String> = []
        for (key, value) in run?.settings ?? mapping { try add(key, value, &names) }
    }

    private mutating func add(
        _ key: Node, _ value: Node, _ names: inout Set<String>
    ) throws(ConfigurationError) {
        let line = key.mark?.line ?? 1
        guard case .scalar(let scalar) = key, scalar.string.utf8.count <= Self.longestName else {
            throw Self.bad(
                "the name of a setting is none that a flag could have", path, line: line,
                remedy: "write lines like learning-rate: 5e-5")
        }
        let name = NearestName.dashed(scalar.string)
        if name == Self.remarks { return }
        guard names.insert(name).inserted else {
            throw Self.bad("\(name) is given twice", path, line: line, remedy: "leave one of them")
        }
        guard let value = Self.value(value) else {
            throw ConfigurationError(
                category: .wrongSetting, what: "\(name) has no value that a flag could have", path: path,
                line: line, remedy: "give it a number, a text, true, false or a list of those")
        }
        settings.append(Setting(name: name, writtenName: scalar.string, value: value, line: line))
    }

    /// Nil for what no flag can have.
    private static func value(_ node: Node) -> Value? {
        switch node {
        case .scalar(let scalar):
            let text = scalar.string
            guard scalar.style == .plain || scalar.style == .any else { return .text(text) }
            if ["", "~", "null", "Null", "NULL"].contains(text) { return .nothing }
            return Bool.construct(from: scalar).map { .truth($0, spelling: text) } ?? .text(text)
        case .sequence(let sequence):
            let texts = sequence.compactMap(\.scalar?.string)
            return texts.count == sequence.count ? .list(texts) : nil
        case .mapping, .alias: return nil
        }
    }
}

// MARK: Reading

extension ConfigurationFile {
    private static func bad(
        _ what: String, _ path: String, line: Int? = nil, remedy: String
    ) -> ConfigurationError {
        ConfigurationError(category: .badFile, what: what, path: path, line: line, remedy: remedy)
    }

    /// The bytes of a file, which may be a pipe.
    static func bytes(_ path: String) throws(ConfigurationError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConfigurationError(
                category: .missing, what: "cannot be opened, \(String(cString: strerror(errno)))", path: path,
                remedy: "check the path that --config names, and its permissions")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ConfigurationError(
                    category: .unreadable, what: "cannot be read, \(String(cString: strerror(errno)))",
                    path: path, remedy: "name a file of settings with --config")
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= mostBytes else {
                throw bad(
                    "the file is larger than a megabyte", path,
                    remedy: "name a file of settings with --config")
            }
        }
    }

    private static func read(_ path: String) throws(ConfigurationError) -> String {
        let bytes = try bytes(path)
        if let content = FileContent.recognised(bytes), content != .json {
            throw bad(
                "the file \(content.what)", path,
                remedy: content.remedy ?? "write lines like learning-rate: 5e-5")
        }
        guard let text = String(validating: TextMark.removed(from: bytes[...]), as: UTF8.self) else {
            throw bad("the file is not text in UTF-8", path, remedy: "save it as UTF-8")
        }
        return text
    }

    /// Whether a name is marked (`&name`) and used (`*name`): a few lines of that can stand for more nodes than there is
    /// memory, and settings have no need of it.
    private static func hasAliases(_ text: String) -> Bool {
        func names(after mark: Character) -> Set<Substring> {
            Set(
                text.split(separator: mark, omittingEmptySubsequences: false).dropFirst().compactMap { rest in
                    guard let first = rest.utf8.first, first > UInt8(ascii: " ") else { return nil }
                    return rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
                })
        }
        return !names(after: "&").isDisjoint(with: names(after: "*"))
    }

    /// The document; nil where there is none.
    private static func compose(_ text: String, _ path: String) throws(ConfigurationError) -> Node? {
        do {
            return try Yams.compose(yaml: text, .default, .default, .utf8)
        } catch let error as YamlError {
            throw bad(error.problem, path, line: error.line, remedy: error.remedy)
        } catch {
            throw bad("not YAML", path, remedy: "write YAML or JSON")
        }
    }
}

extension YamlError {
    /// In a few words.
    fileprivate var problem: String {
        switch self {
        case .duplicatedKeysInMapping(let names, _): "\(names.joined(separator: ", ")) is given twice"
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _),
            .reader(let problem, _, _, _):
            "not YAML, \(problem)"
        default: "not YAML"
        }
    }

    fileprivate var remedy: String {
        if case .duplicatedKeysInMapping = self { "leave one of them" } else { "write YAML or JSON" }
    }

    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }
}
