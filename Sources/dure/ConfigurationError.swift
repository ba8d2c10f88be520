import Distributed

/// What is wrong with a file that `--config` names, and what to do about it.
struct ConfigurationError: ExitCoded, Equatable, CustomStringConvertible {
    enum Category: Int32 {
        /// A setting that no command has, or that cannot have this value.
        case wrongSetting = 64
        /// No file of settings.
        case badFile = 65
        case missing = 66
        case unreadable = 74
    }

    let category: Category
    let what: String
    let path: String
    /// From 1.
    var line: Int?
    let remedy: String

    var exitCode: Int32 { category.rawValue }

    var description: String { "\(what) (\(path)\(line.map { ", line \($0)" } ?? "")): \(remedy)" }

    /// One for several of one file; nil where there are none.
    static func all(_ errors: [ConfigurationError]) -> ConfigurationError? {
        guard let first = errors.first, errors.count > 1 else { return errors.first }
        let remedies = errors.enumerated().map { number, error in
            "(\(number + 1)) line \(error.line ?? 1), \(error.what): \(error.remedy)"
        }
        return ConfigurationError(
            category: first.category, what: "\(errors.count) settings cannot be used", path: first.path,
            remedy: remedies.joined(separator: " "))
    }
}
