import Foundation
import Training

/// Help as a terminal shows it.
struct HelpText {
    /// Columns.
    let width: Int
    private let indent: Int
    private static let leastWidth = 40
    private static let mostWidth = 120

    init(width: Int) {
        self.width = min(max(width, Self.leastWidth), Self.mostWidth)
        indent = width < 70 ? 8 : 30
    }

    /// Of the terminal that stdout is, of the environment's `COLUMNS`, or 80.
    static var terminalWidth: Int {
        var size = winsize()
        if isTerminal(STDOUT_FILENO), ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
    }

    /// Of one command.
    func text(of page: HelpPage) -> String {
        var blocks = [wrap(page.command.abstract ?? "")]
        blocks.append(hanging("USAGE: ", page.synopsis))
        if !page.discussion.isEmpty {
            blocks.append(page.discussion.split(separator: "\n").map { wrap($0) }.joined(separator: "\n"))
        }
        blocks += page.subcommands.isEmpty ? [] : [list("COMMANDS", page.subcommands)]
        blocks += page.sections.map(text)
        if let example = page.help?.example, page.sections.allSatisfy({ $0.example == nil }) {
            blocks.append("EXAMPLE\n" + Self.command(example, width: width))
        }
        if let files = page.help?.files, !files.isEmpty {
            let rows = files.map { row("  \($0.name)", $0.content) }
            blocks.append((["FILES"] + rows).joined(separator: "\n"))
        }
        return (blocks + [ending(page)]).joined(separator: "\n\n")
    }

    /// Of the program: its commands by what people want of them.
    func overview(of page: HelpPage) -> String {
        let commands = page.subcommands.map { ($0, CommandHelp.of($0.path)?.purpose ?? .other) }
        var blocks = [wrap(page.command.abstract ?? ""), "USAGE: dure <command> [flags]"]
        blocks.append(wrap(page.command.discussion ?? ""))
        for purpose in HelpPurpose.allCases {
            let own = commands.filter { $0.1 == purpose }.map(\.0)
            if !own.isEmpty { blocks.append(list(purpose.rawValue.uppercased(), own)) }
        }
        blocks.append(
            wrap("dure help COMMAND explains a command and its flags. dure --version shows the version."))
        return (blocks + [ending(page)]).joined(separator: "\n\n")
    }

    private func list(_ title: String, _ commands: [CommandDescription]) -> String {
        ([title] + commands.map { row("  \($0.commandName)", $0.abstract ?? "", column: 14) })
            .joined(separator: "\n")
    }

    private func text(of section: HelpPage.Section) -> String {
        var lines = [section.group.rawValue.uppercased()]
        for entry in section.entries {
            let standard = entry.standard.map { $0 == "required" ? $0 : "default: \($0)" }
            let limits = [entry.allowed, standard].compactMap(\.self).joined(separator: "; ")
            lines.append(
                row("  \(entry.heading)", limits.isEmpty ? entry.meaning : "\(entry.meaning) (\(limits))"))
        }
        if let example = section.example { lines.append(Self.command(example, width: width)) }
        return lines.joined(separator: "\n")
    }

    private func ending(_ page: HelpPage) -> String {
        let codes = page.exitCodes.map { "\($0.code) \($0.meaning)" }.joined(separator: "; ")
        return hanging("EXIT CODES: ", codes) + "\n" + hanging("READ ON: ", page.help?.further ?? "README.md")
    }
}

// MARK: Lines

extension HelpText {
    /// What something is called, and beside or below it what it means.
    private func row(_ heading: String, _ meaning: String, column: Int? = nil) -> String {
        let column = column ?? indent
        let lines = Self.lines(meaning.split(separator: " "), width: width - column)
        let margin = String(repeating: " ", count: column)
        guard heading.count + 2 <= column, let first = lines.first else {
            return ([heading] + lines.map { margin + $0 }).joined(separator: "\n")
        }
        let start = heading + String(repeating: " ", count: column - heading.count) + first
        return ([start] + lines.dropFirst().map { margin + $0 }).joined(separator: "\n")
    }

    private func wrap(_ text: some StringProtocol) -> String {
        Self.lines(Substring(text).split(separator: " "), width: width).joined(separator: "\n")
    }

    /// Later lines stand under the first one's text.
    private func hanging(_ start: String, _ text: String) -> String {
        let lines = Self.lines(text.split(separator: " "), width: width - start.count)
        return start + lines.joined(separator: "\n" + String(repeating: " ", count: start.count))
    }

    /// A command line over as many lines as it needs, to be pasted as it is.
    static func command(_ line: String, width: Int) -> String {
        // A flag stays with its value.
        var pieces: [Substring] = []
        for word in line.split(separator: " ") {
            if let last = pieces.last, !word.hasPrefix("--") {
                pieces[pieces.count - 1] = line[last.startIndex..<word.endIndex]
            } else {
                pieces.append(word)
            }
        }
        return lines(pieces, width: width - 8).enumerated()
            .map { $0.offset == 0 ? "  $ \($0.element)" : "      \($0.element)" }
            .joined(separator: " \\\n")
    }

    private static func lines(_ words: [Substring], width: Int) -> [String] {
        var lines: [String] = []
        var room = 0
        for word in words {
            let columns = DisplayWidth.columns(String(word))
            if columns + 1 > room || lines.isEmpty {
                lines.append(String(word))
                room = width - columns
            } else {
                lines[lines.count - 1] += " \(word)"
                room -= columns + 1
            }
        }
        return lines
    }
}
