import Foundation
import TestSupport
import Testing

@testable import dure

/// What `README.md` says about commands and flags.
///
/// `DURE_UPDATE_README=1` rewrites what is generated in it.
@Suite(.serialized) struct ReferenceTests {
    private static let path = Paths.package.appending(path: "README.md").path()

    private static func readme() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// `text` with `content` between the marks called `name`.
    private static func replacing(_ name: String, with content: String, in text: String) throws -> String {
        let start = try #require(text.range(of: "<!-- generated: \(name) -->\n"))
        let end = try #require(
            text.range(of: "<!-- end: \(name) -->", range: start.upperBound..<text.endIndex))
        return text.replacingCharacters(in: start.upperBound..<end.lowerBound, with: content + "\n")
    }

    @Test func theReferenceIsThatOfTheProgram() throws {
        let text = try Self.readme()
        var expected = try Self.replacing("names", with: "\n\(HelpReference.transformersNames)\n", in: text)
        expected = try Self.replacing("commands", with: "\n\(HelpReference.commands)\n", in: expected)
        if ProcessInfo.processInfo.environment["DURE_UPDATE_README"] == "1" {
            try expected.write(toFile: Self.path, atomically: true, encoding: .utf8)
        } else if text != expected {
            let lines = Set(text.split(separator: "\n"))
            let first = expected.split(separator: "\n").first { !lines.contains($0) } ?? "a line too many"
            Issue.record("README.md is behind: set DURE_UPDATE_README=1 to rewrite it. First: \(first)")
        }
    }

    @Test func everyCommandHasASection() throws {
        let text = try Self.readme()
        for page in HelpTableTests.pages {
            let isThere = text.contains("<summary><code>\(page.command.call)</code>")
            #expect(isThere, "\(page.command.call)")
        }
    }

    /// The commands in blocks of a shell, without `launch/local N` before them.
    private static func commands(in text: some StringProtocol) -> [String] {
        let blocks = text.components(separatedBy: "\n```sh\n").dropFirst().map {
            $0.components(separatedBy: "\n```")[0]
        }
        return blocks.flatMap { block in
            block.components(separatedBy: "\\\n").joined(separator: "\u{1}").split(separator: "\n")
                .map { $0.replacingOccurrences(of: "\u{1}", with: " ") }
        }.compactMap { line in
            if line.hasPrefix("dure ") { return line }
            guard let launcher = line.prefixMatch(of: #/launch/local [0-9]+ /#) else { return nil }
            return "dure " + line[launcher.range.upperBound...]
        }
    }

    /// But for those that leave something out, or have to do with the shell.
    @Test func everyCommandLineIsUnderstood() throws {
        let lines = try Self.commands(in: Self.readme()).filter { !$0.contains(#/[…|<>]/#) }
        #expect(lines.count > 30)
        for line in lines { try expectUnderstood(line, "README.md") }
    }

    /// A recipe's command line says what its file says.
    @Test func recipesAreTheSameAsCommandLinesAndAsFiles() throws {
        let text = try Self.readme()
        let start = try #require(text.range(of: "\n## Coming from run_qa.py\n"))
        let end = try #require(text.range(of: "\n## Reference\n"))
        let sections = text[start.upperBound..<end.lowerBound].components(separatedBy: "\n### ").dropFirst()
        let train = try CommandFlags(#require(CommandDescription.program).descending(["train"]).command)
        let paths: Set = ["model", "train-file", "validation-file", "output-dir"]
        var recipes: Set<String> = []
        for section in sections {
            let recipe = String(
                try #require(section.firstMatch(of: #/\(launch/recipes/([a-z-]+\.yaml)\)/#)).1)
            recipes.insert(recipe)
            let line = try #require(Self.commands(in: section).first)
            let given = GivenArguments(shellWords(line).dropFirst(2), of: train)
            let written = given.elements.filter { !paths.contains($0.name ?? "") }
                .map { "\($0.name ?? $0.spelled) \($0.value ?? "true")" }
            let path = Paths.package.appending(path: "launch/recipes/\(recipe)").path()
            let file = try ConfigurationFile(path: path).settings.map { setting in
                switch setting.value {
                case .truth(_, let text), .text(let text): "\(setting.name) \(text)"
                case .nothing, .list: setting.name
                }
            }
            #expect(written.sorted() == file.sorted(), "\(recipe)")
        }
        #expect(recipes.count == 5)
    }

    /// Those of `run_qa.py` are told what to write here, or that they have the same name.
    @Test func everyNameOfTheirCommandsIsKnown() throws {
        let train = try CommandFlags(#require(CommandDescription.program).descending(["train"]).command)
        let words = try Self.readme().components(separatedBy: "python run_qa.py").dropFirst()
            .flatMap { $0.components(separatedBy: "\n```")[0].split(whereSeparator: \.isWhitespace) }
        let names = Set(words.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
        #expect(names.count > 20)
        for name in names {
            #expect(
                train[NearestName.kebab(name)] != nil || TransformersName.of(name) != nil, "\(name)")
        }
    }
}
