import Foundation

/// A command line for a shell to read.
enum ShellCommand {
    static func text(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-".unicodeScalars)

    private static func quoted(_ word: String) -> String {
        guard word.isEmpty || !word.unicodeScalars.allSatisfy(plain.contains) else { return word }
        return "'" + word.replacing("'", with: #"'\''"#) + "'"
    }

    /// The words of `dure train` without `--resume` and the checkpoint that it may name, and with a `--resume` that
    /// goes on from the newest one.
    static func resuming(_ words: [String]) -> [String] {
        var kept: [String] = []
        var mayBePath = false
        for word in words {
            let isPath = mayBePath && !word.hasPrefix("-")
            mayBePath = word == "--resume"
            if !isPath, !mayBePath, !word.hasPrefix("--resume=") { kept.append(word) }
        }
        return kept + ["--resume"]
    }
}
