import TestSupport
import Testing

extension ProgramTests {
    @Suite struct HelpTests {
        static let commands = [
            "init", "train", "evaluate", "answer", "score", "tokenize", "export", "inspect", "report",
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
        ])
        func aCommandLineThatIsNotUnderstoodIsRefused(arguments: [String]) async throws {
            expectFailure(try await Program.run(arguments), 64, "dure help")
        }
    }
}
