import Foundation
import TestSupport
import Testing

@testable import dure

extension ProgramTests {
    @Suite struct HelpTests {
        static let commands = [
            "init", "prepare", "train", "evaluate", "answer", "score", "tokenize", "export", "inspect",
            "report", "bench", "doctor", "completion",
        ]

        @Test(arguments: [["help"], ["--help"], []])
        func helpGoesToStdoutAndNamesEveryCommand(arguments: [String]) async throws {
            let result = try await Program.run(arguments)
            expectSuccess(result)
            for command in Self.commands { #expect(result.outputText.contains("  \(command) ")) }
            #expect(!result.outputText.contains("probe"))
            #expect(result.errors.isEmpty)
        }

        @Test(arguments: commands)
        func helpOfACommandSaysHowToUseIt(command: String) async throws {
            for arguments in [["help", command], [command, "--help"]] {
                let result = try await Program.run(arguments)
                expectSuccess(result)
                #expect(result.outputText.contains("USAGE: dure \(command)"))
            }
        }

        @Test func commandsOfCommandsAreExplainedToo() async throws {
            let bench = try await Program.run(["bench", "--help"])
            expectSuccess(bench)
            #expect(bench.outputText.contains("  comm ") && bench.outputText.contains("dure bench step"))
            let step = try await Program.run(["help", "bench", "step"])
            expectSuccess(step)
            #expect(step.outputText.contains("USAGE: dure bench step [flags]"))
        }

        @Test func helpOfNoCommandNamesTheNearest() async throws {
            expectFailure(try await Program.run(["help", "trian"]), 64, "did you mean dure train?")
            expectFailure(
                try await Program.run(["help", "bench", "stop"]), 64, "did you mean dure bench step?")
        }

        /// Groups, a default of each kind, values with names, a range and the way on.
        @Test func helpTeaches() async throws {
            let text = try await Program.run(["help", "train"], environment: ["COLUMNS": "1000"]).outputText
            for words in [
                "OPTIMIZER", "SAVING AND RESUMING", "RANKS", "--model <path>", "(required)",
                "(above 0; default: 5e-5)",
                "default: the model's)", "default: none)", "(default: off)", "(default: on)",
                "--shard-optimizer, --no-shard-optimizer", "--resume [<file>]", "--train-file <file> ...",
                "(from 0 to below 1; ", "cosine_with_restarts, ", "  $ dure train --model ",
                "EXIT CODES: 0 done; ", "75 stopped on request", "READ ON: README.md",
            ] { #expect(text.contains(words), "\(words)") }
            #expect(text.utf8.count < 20_000)
        }

        @Test func helpFitsTheTerminal() async throws {
            let narrow = try await Program.run(["help", "train"], environment: ["COLUMNS": "60"])
            let usual = try await Program.run(["help", "train"], environment: ["COLUMNS": nil])
            #expect(narrow.outputLines.allSatisfy { $0.count <= 60 })
            #expect(usual.outputLines.allSatisfy { $0.count <= 80 })
            #expect(usual.outputLines.contains { $0.count > 70 })
        }

        @Test func theVersionIsALineOnStdout() async throws {
            let result = try await Program.run(["--version"])
            expectSuccess(result)
            #expect(result.outputText.contains(/^[0-9]+\.[0-9]+\.[0-9]+\n$/))
        }

        @Test func ofSeveralRanksOneHelpsAndOneComplains() async throws {
            let help = try await Program.run(ranks: 2, ["--version"])
            expectSuccess(help)
            #expect(help.outputLines.count == 1)
            expectFailure(try await Program.run(ranks: 2, ["train", "--nonsense"]), 64)
        }

        @Test(arguments: [
            ["nonsense"], ["train"], ["train", "--nonsense", "1"], ["inspect"], ["inspect", "a", "b"],
            ["score", "--dataset", "a"], ["train", "--model"],
            ["export", "--checkpoint", "m", "--format", "pt", "--output", "o"],
            ["answer", "--model", "m", "--question", "q"], ["answer", "--model", "m", "--context", "c"],
            ["completion"], ["completion", "tcsh"],
        ])
        func aCommandLineThatIsNotUnderstoodIsRefused(arguments: [String]) async throws {
            expectFailure(try await Program.run(arguments), 64)
        }
    }
}

/// What help says of flags and commands, which a new one must have as well.
@Suite struct HelpTableTests {
    static let pages: [HelpPage] = {
        guard let program = CommandDescription.program else { return [] }
        return program.commands.flatMap { [$0] + $0.commands }.map(HelpPage.init)
    }()

    @Test func everyCommandIsKnown() {
        #expect(Self.pages.count >= 15)
        for page in Self.pages {
            #expect(page.help != nil, "\(page.command.call) has no row in HelpCommands.swift")
            #expect(page.command.abstract?.isEmpty == false, "\(page.command.call)")
        }
    }

    @Test func everyFlagHasAGroupAMeaningAndADefault() {
        for page in Self.pages {
            for flag in page.command.arguments ?? [] where !["help", "version"].contains(flag.name) {
                let call = "\(page.command.call) \(flag.name)"
                let name =
                    flag.name.hasPrefix("no-") && flag.abstract != nil
                    ? [flag.name, CommandFlags.opposite(of: flag.name)] : [flag.name]
                #expect(
                    name.contains { FlagHelp.of($0, page.command.path) != nil },
                    "\(call) has no row in HelpGroups.swift")
                #expect(flag.abstract?.isEmpty == false, "\(call) has no help text")
            }
            for section in page.sections where section.group != .other {
                for entry in section.entries {
                    let call = "\(page.command.call) \(entry.heading)"
                    #expect(entry.standard?.isEmpty == false, "\(call) has no default in HelpGroups.swift")
                    #expect(!entry.meaning.contains("(default:"), "\(call) says its default twice")
                    #expect(entry.heading.count < 60, "\(call)")
                }
            }
        }
    }

    @Test func everyGroupOfACommandHasAnExampleThatIsUnderstood() throws {
        for page in Self.pages {
            for section in page.sections where section.group != .other {
                let place = "\(page.command.call), \(section.group.rawValue)"
                let example = try #require(section.example, "\(place) has no example")
                try expectUnderstood(example, place)
                let words = section.entries.flatMap { $0.heading.split { " ,".contains($0) } }
                #expect(
                    words.contains { $0.hasPrefix("-") && example.contains($0) }
                        || words.first?.hasPrefix("<") == true,
                    "\(place): the example has no flag of its group")
            }
        }
    }

    @Test func examplesCanBePastedFromATerminal() throws {
        let line = try #require(Self.pages.first { $0.command.path == ["answer"] }?.help?.example)
        let pasted = HelpText.command(line, width: 50)
        #expect(pasted.contains(" \\\n"))
        #expect(shellWords(String(pasted.dropFirst(4))) == shellWords(line))
    }
}

/// Fails unless the program understands a command line, and the file of settings that it names.
func expectUnderstood(
    _ line: String, _ place: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    // Tests run anywhere.
    let words = shellWords(line).map {
        $0.hasPrefix("launch/recipes/") ? Paths.package.appending(path: $0).path() : $0
    }
    #expect(throws: Never.self, "\(place): \(line)", sourceLocation: sourceLocation) {
        _ = try Dure.parse(ConfiguredArguments(Array(words.dropFirst())).arguments)
    }
}

/// The words of a command line over one or more lines, without comments, quoted at most with single quotes.
func shellWords(_ text: String) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in text.split(separator: "\\\n").joined() {
        if character == "'" {
            isQuoted.toggle()
            word = word ?? ""
        } else if isQuoted || (character != " " && character != "\n") {
            if character == "#", word == nil, !isQuoted { return words }
            word = (word ?? "") + String(character)
        } else if let ended = word {
            words.append(ended)
            word = nil
        }
    }
    return words + (word.map { [$0] } ?? [])
}
