import ArgumentParser
import Distributed
import Foundation
import QuestionAnswering
import Training

struct DoctorCommand: RankedCommand, ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the machine, the model and the data before a long run; under mpirun on every host.",
        discussion: """
            launch/local 2 doctor --model MODEL --dataset KorQuAD_v1.0_train.json --output-dir OUT

            Exits with 0 only if all is well. A note is worth knowing, a problem would make a run fail, be slow or be \
            wrong; each comes with a remedy.
            """)

    @Option(help: "Model folder, or a checkpoint (.h5).")
    var model: String?

    @Option(
        parsing: .singleValue, help: "Dataset to train on; may be given several times. As --train-file.")
    var dataset: [String] = []

    @Option(
        parsing: .singleValue, help: "Dataset to train on, or features; may be given several times.")
    var trainFile: [String] = []

    @Option(help: "Validation dataset.")
    var validationFile: String?

    @Option(help: "Folder that the run is to write to.")
    var outputDir = "."

    @Option(help: "Checkpoints that the run is to keep.")
    var saveTotalLimit = 3

    @Option(help: "Longest answer, in tokens.")
    var maxAnswerLength = 30

    @Flag(help: "As JSON.")
    var json = false

    @OptionGroup(title: "Batches") var batch: BatchOptions
    @OptionGroup(title: "Optimizer") var scope: ScopeOptions
    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Compute") var compute: ComputeOptions
    @OptionGroup(title: "Compute") var products: ProductOptions
    @OptionGroup(title: "Ranks") var ranks: RankOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        try requireRange("--save-total-limit", saveTotalLimit)
        try requireRange("--max-answer-length", maxAnswerLength)
    }

    func run() throws {
        try withRanks(timeout: ranks.collectiveTimeout) { communicator, _ in
            try config.requireSame(on: communicator)
            let doctor = Doctor(
                settings: settings, communicator: communicator, isLaunched: MPICommunicator.isLaunched(),
                launcherVersion: Self.launcherVersion)
            let (report, exitCode) = try doctor.run()
            try communicator.onRoot {
                guard let report else { return }
                if json { return try printResult(json: report.json.indented) }
                try printResult(lines: report.lines(width: Self.outputWidth))
            }
            guard exitCode != 0 else { return }
            // Every rank knows, and all has been said.
            throw AgreedFailure(DoctorProblems(exitCode: exitCode), rank: 0, isOwn: false)
        }
    }

    private var settings: DoctorSettings {
        var settings = DoctorSettings()
        settings.model = model
        settings.trainFiles = dataset + trainFile
        settings.validationFile = validationFile
        settings.outputDirectory = outputDir
        settings.features = features.settings()
        settings.tokenizer = tokenizer.overrides
        settings.compute = products.added(to: compute.settings)
        settings.batchSize = batch.size
        settings.scope = scope.scope
        settings.saveTotalLimit = saveTotalLimit
        settings.maxAnswerLength = maxAnswerLength
        return settings
    }

    /// Columns of the terminal; 80 where stdout is none.
    private static var outputWidth: Int {
        var size = winsize()
        guard isTerminal(STDOUT_FILENO), ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
        else { return 80 }
        return min(Int(size.ws_col), 120)
    }

    /// What the mpirun of `PATH` says of itself; nil where there is none.
    private static func launcherVersion() -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let programs = folders.map { "\($0)/mpirun" }
        guard let program = programs.first(where: { access($0, X_OK) == 0 }) else { return nil }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = ["--version"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }
}
