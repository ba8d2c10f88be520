import Core
import Foundation
import Testing

@Suite struct ShellCommandTests {
    @Test(arguments: [
        ("output/run-1", "output/run-1"), ("", "''"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
        ("$HOME", "'$HOME'"), ("~", "'~'"), ("두레", "'두레'"), ("a\u{1B}[2J'\\", #"$'a\x1b[2J\'\\'"#),
        ("\u{202E}", #"$'\xe2\x80\xae'"#), ("a\nb", #"$'a\x0ab'"#),
    ])
    func aWordIsQuotedWhereItMustBe(word: String, quoted: String) {
        #expect(ShellCommand.quoted(word) == quoted)
    }

    @Test func aShellGetsTheWordsBack() throws {
        let words = [
            "", " ", "it's", "\"$HOME\" `x` \\", "*?[a]~!#&|;<>(){}", "한글\u{1B}[31m\n\t", "--x=y z", "-",
        ]
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", ShellCommand(["printf", "%s\\0"] + words).description]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(
            text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init) == words
        )
    }
}
