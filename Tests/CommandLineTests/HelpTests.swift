import TestSupport
import Testing

extension ProgramTests {
    @Suite struct HelpTests {
        static let commands = ["init", "train", "evaluate", "answer", "score", "tokenize", "inspect"]

        @Test("Help goes to stdout and names every command", arguments: [["help"], ["--help"], []])
        func help(arguments: [String]) async throws {
            let result = try await Program.run(arguments)
            expectSuccess(result)
            for command in Self.commands { #expect(result.outputText.contains("  \(command) ")) }
            #expect(result.errors.isEmpty)
        }

        @Test("Help of a command says what its flags do", arguments: commands)
        func helpOfCommand(command: String) async throws {
            for arguments in [["help", command], [command, "--help"]] {
                let result = try await Program.run(arguments)
                expectSuccess(result)
                #expect(result.outputText.contains("USAGE: dure \(command)"))
            }
        }

        @Test func `The version is a line on stdout`() async throws {
            let result = try await Program.run(["--version"])
            expectSuccess(result)
            #expect(result.outputText.contains(/^[0-9]+\.[0-9]+\.[0-9]+\n$/))
        }

        @Test func `Of several ranks one helps, and one says what is wrong with the command line`() async throws {
            let help = try await Program.run(ranks: 2, ["--version"])
            expectSuccess(help)
            #expect(help.outputLines.count == 1)
            expectFailure(try await Program.run(ranks: 2, ["train", "--nonsense"]), 64)
        }

        @Test(
            "A command line that is not understood is refused",
            arguments: [
                ["nonsense"], ["train"], ["train", "--nonsense", "1"], ["inspect"], ["inspect", "a", "b"],
                ["score", "--dataset", "a"], ["train", "--model"],
                ["answer", "--model", "m", "--question", "q"], ["answer", "--model", "m", "--context", "c"],
            ])
        func misunderstood(arguments: [String]) async throws {
            expectFailure(try await Program.run(arguments), 64, "dure help")
        }
    }
}
