import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct CompletionTests {
        /// What `shell` offers after the words of `line`, in the folder `folder`.
        private static func offers(_ line: String, in folder: TemporaryFolder) async throws -> [String] {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map { "'\($0)'" }
            let script = """
                cd '\(folder.file(""))'
                source <('\(Program.dure)' completion bash)
                COMP_WORDS=(\(words.joined(separator: " ")))
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                COMP_LINE='\(line)'
                COMP_POINT=${#COMP_LINE}
                _dure dure "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let result = try await Program.run(
                ["--norc", "--noprofile", "-c", script], program: "/bin/bash")
            #expect(result.errors.isEmpty, "\(result.errorText)")
            return result.outputLines.sorted()
        }

        @Test func bashCompletesCommandsFlagsValuesAndFiles() async throws {
            let folder = try TemporaryFolder()
            for name in ["train.json", "model.h5", "recipe.yaml"] { _ = try folder.write([], to: name) }
            try FileManager.default.createDirectory(
                atPath: folder.file("models"), withIntermediateDirectories: true)
            #expect(try await Self.offers("dure tr", in: folder) == ["train"])
            #expect(try await Self.offers("dure bench ", in: folder).contains("step"))
            #expect(
                try await Self.offers("dure train --model m --learning", in: folder) == ["--learning-rate"])
            #expect(
                try await Self.offers("dure train --lr-scheduler-type cos", in: folder)
                    == ["cosine", "cosine_with_restarts"])
            #expect(try await Self.offers("dure evaluate --decode arg", in: folder) == ["argmax"])
            #expect(try await Self.offers("dure train --train-file tr", in: folder) == ["train.json"])
            #expect(try await Self.offers("dure train --config ", in: folder).contains("recipe.yaml"))
            #expect(try await !Self.offers("dure train --config ", in: folder).contains("model.h5"))
            #expect(try await Self.offers("dure train --output-dir mo", in: folder) == ["models"])
            #expect(try await Self.offers("dure inspect mod", in: folder) == ["model.h5", "models"])
            #expect(try await Self.offers("dure completion z", in: folder) == ["zsh"])
        }

        /// As far as the shell is installed.
        @Test(arguments: ["bash", "zsh", "fish"])
        func everyScriptIsOneOfItsShell(shell: String) async throws {
            let script = try await Program.run(["completion", shell])
            expectSuccess(script)
            for words in ["learning-rate", "cosine_with_restarts", "evaluate"] {
                #expect(script.outputText.contains(words))
            }
            #expect(!script.outputText.contains("probe-hdf5"))
            let installed = ["/bin", "/usr/bin", "/usr/local/bin"].map { "\($0)/\(shell)" }
            guard let program = installed.first(where: FileManager.default.isExecutableFile) else { return }
            let folder = try TemporaryFolder()
            let path = try folder.write(script.output, to: "script")
            let result = try await Program.run(["-n", path], program: program)
            #expect(result.exitCode == 0, "\(result.errorText)")
        }
    }
}
