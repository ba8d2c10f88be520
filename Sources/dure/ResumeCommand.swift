import Core

/// The command that goes on with a run of `dure train`, made from the one that began it.
enum ResumeCommand {
    /// Nil where this process does not train.
    static var ofThisProcess: ShellCommand? {
        CommandLine.arguments.dropFirst().first == "train" ? command(CommandLine.arguments) : nil
    }

    /// - arguments: of the program, its own name included. A checkpoint that `--resume` names gives way to the newest.
    static func command(_ arguments: [String]) -> ShellCommand {
        guard let train = CommandFlags.configured().first(where: { $0.command == "train" }) else {
            return ShellCommand(arguments + ["--resume"])
        }
        let given = GivenArguments(arguments.dropFirst(2), of: train).elements
        let kept = given.filter { $0.name != "resume" }.flatMap(\.arguments)
        return ShellCommand(arguments.prefix(2) + kept + ["--resume"])
    }
}
