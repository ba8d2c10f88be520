import Core

/// Commands that take up what a run has left.
struct NextCommands {
    /// Commands with the purpose of each.
    let all: [(purpose: String, command: ShellCommand)]

    /// - program: as it was started.
    init(_ settings: TrainingSettings, output: OutputDirectory, program: String) {
        // What was trained to see what is wrong is of no further use.
        guard settings.overfitBatch == nil, !settings.debugs else {
            all = []
            return
        }
        let model = output.path(of: TrainingRun.finalName)
        // Windows and answers as in the run, whatever they were.
        let alike = ["--config", output.path(of: RunFolder.recordName), "--model", model]
        func command(_ words: [String]) -> ShellCommand { ShellCommand([program] + words) }
        let evaluate = settings.validationFiles.first.map { dataset in
            (
                purpose: "to evaluate",
                command: command(
                    ["evaluate"] + alike
                        + ["--dataset", dataset, "--output-dir", output.path(of: "evaluation")])
            )
        }
        all =
            [evaluate].compactMap(\.self) + [
                ("to ask", command(["answer"] + alike)),
                (
                    "to export",
                    command([
                        "export", "--checkpoint", model, "--format", "hf", "--output", output.path(of: "hf"),
                    ])
                ),
            ]
    }
}
