import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a script that completes commands and flags in a shell.",
        discussion: """
            dure completion bash

            For this session: source <(dure completion bash), or the same in zsh; dure completion fish | source.
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        fileprivate var shell: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "The shell to complete in.")
    var shell: Shell

    func run() throws { try printResult(verbatim: Dure.completionScript(for: shell.shell)) }
}
