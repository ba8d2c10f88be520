/// Help as sections of a page in Markdown.
enum HelpReference {
    /// What is known about every command.
    static var commands: String {
        guard let program = CommandDescription.program else { return "" }
        let pages = program.commands.flatMap { [$0] + $0.commands }.map(HelpPage.init)
        return pages.map(section).joined(separator: "\n\n")
    }

    /// What the settings of transformers' scripts are called here.
    static var transformersNames: String {
        let program = CommandDescription.program
        let known = Set((program?.commands ?? []).flatMap { CommandFlags($0).names })
        let rows = TransformersName.table.map { row in
            let here = row.replacement(known.contains).map { "`\($0)`" } ?? "not needed"
            return "| `\(row.name)` | \(here) | \(cell(row.note)) |"
        }
        return (["| there | here | |", "| --- | --- | --- |"] + rows).joined(separator: "\n")
    }

    private static func section(_ page: HelpPage) -> String {
        var blocks = [
            "<details>\n<summary><code>\(page.command.call)</code>: \(html(page.command.abstract ?? ""))</summary>",
            "```\n\(page.synopsis)\n```",
        ]
        if !page.discussion.isEmpty { blocks.append(html(page.discussion)) }
        if !page.subcommands.isEmpty {
            blocks.append(
                page.subcommands.map { "- `\($0.call)`: \(html($0.abstract ?? ""))" }.joined(separator: "\n"))
        }
        let groups = page.sections.filter { $0.group != .other }
        let example = page.help?.example
        if !groups.isEmpty { blocks.append(table(groups, example)) }
        let others = groups.filter { $0.addition(to: example) == nil }.compactMap(\.example)
            .filter { $0 != example }
        let lines = ((example.map { [$0] } ?? []) + others).map {
            HelpText.command($0, width: 110).dropFirst(4)
        }
        if !lines.isEmpty { blocks.append("```sh\n\(lines.joined(separator: "\n"))\n```") }
        if let files = page.help?.files, !files.isEmpty {
            blocks.append(files.map { "- `\($0.name)`: \(html($0.content))" }.joined(separator: "\n"))
        }
        let codes = page.exitCodes.map { String($0.code) }.joined(separator: ", ")
        return (blocks + ["Exit codes: \(codes).", "</details>"]).joined(separator: "\n\n")
    }

    /// - example: of the command, which those of the groups add to.
    private static func table(_ sections: [HelpPage.Section], _ example: String?) -> String {
        var rows = ["| flag | default | |", "| --- | --- | --- |"]
        for section in sections {
            let addition = section.addition(to: example).map { "for example `\($0)` " } ?? ""
            rows.append("| **\(section.group.rawValue)** | | \(addition)|")
            rows += section.entries.map { entry in
                let allowed = entry.allowed.map { " Takes \($0)." } ?? ""
                return "| `\(cell(entry.heading))` | \(cell(entry.standard ?? "")) "
                    + "| \(cell(html(entry.meaning + allowed))) |"
            }
        }
        return rows.joined(separator: "\n")
    }

    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    private static func html(_ text: String) -> String {
        text.split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
    }
}
