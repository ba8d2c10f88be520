import ArgumentParser
import Foundation
import QuestionAnswering
import Training

extension SplitUnit: ExpressibleByArgument {}

struct TrainCommand: RankedCommand, ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Fine-tune a model; under mpirun on all ranks together.",
        discussion:
            "mpirun -n 2 dure train --model MODEL --train-file KorQuAD_v1.0_train.json --output-dir OUT")

    @Option(help: "Model folder, or a checkpoint (.h5).", completion: .file())
    var model: String

    @Option(help: "Folder for what the run leaves.", completion: .directory)
    var outputDir: String

    @Option(
        parsing: .singleValue,
        help: "Training dataset, or features of dure prepare; may be given several times, also mixed.",
        completion: .file(extensions: ["json", "jsonl", "h5", "tfrecord"]))
    var trainFile: [String]

    @Option(help: "Validation dataset.", completion: .file(extensions: ["json", "jsonl"]))
    var validationFile: String?

    @Option(help: "Share of the training questions to validate on instead.")
    var validationSplit: Double?

    @Option(
        help:
            "What --validation-split keeps together: question, or article, so that no context is on both sides."
    )
    var splitBy = SplitUnit.question

    @Option(help: "Train on the first questions only, this many.")
    var maxTrainSamples: Int?

    @Option(help: "Validate on the first questions only, this many.")
    var maxEvalSamples: Int?

    @Option(help: "What to do with a window without the answer: point at [CLS], or leave it out.")
    var unanswerableWindows = UnanswerableWindows.cls

    @Flag(help: "A misplaced answer is an error instead of being repaired or skipped.")
    var strict = false

    @OptionGroup(title: "Batches") var batch: BatchOptions
    @OptionGroup(title: "Optimizer") var optimizer: OptimizerOptions
    @OptionGroup(title: "Optimizer") var scope: ScopeOptions
    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Windows") var cache: FeatureCacheOptions
    @OptionGroup(title: "Answers") var answers: AnswerOptions
    @OptionGroup(title: "Run") var schedule: RunOptions
    @OptionGroup(title: "Run") var resume: ResumeOptions
    @OptionGroup(title: "Compute") var compute: ComputeOptions
    @OptionGroup(title: "Compute") var products: ProductOptions
    @OptionGroup(title: "Ranks") var ranks: RankOptions
    @OptionGroup(title: "Ranks") var exchange: ExchangeOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Messages") var messages: MessageOptions
    @OptionGroup(title: "Debugging") var debugging: DebugOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        guard validationFile == nil || validationSplit == nil else {
            throw ValidationError("--validation-file and --validation-split exclude each other")
        }
        try requireRange("--validation-split", validationSplit)
        if let flag = schedule.flagThatNeedsEvaluations, validationFile == nil, validationSplit == nil,
            debugging.overfitBatch == nil
        {
            throw ValidationError("\(flag) needs --validation-file or --validation-split")
        }
        try requireRange("--max-train-samples", maxTrainSamples)
        try requireRange("--max-eval-samples", maxEvalSamples)
        guard maxEvalSamples == nil || validationFile != nil || validationSplit != nil else {
            throw ValidationError("--max-eval-samples needs --validation-file or --validation-split")
        }
        guard splitBy == .question || validationSplit != nil else {
            throw ValidationError("--split-by \(splitBy.rawValue) needs --validation-split")
        }
        guard !trainFile.isEmpty else { throw ValidationError("Missing expected argument '--train-file'") }
    }

    func run() throws {
        StopRequest.listen()
        try withRanks(
            timeout: ranks.collectiveTimeout, alone: debugging.debug, isQuiet: messages.quiet, remedy: remedy
        ) { communicator, logger in
            try config.requireSame(on: communicator)
            try TrainingRun(
                settings: settings, communicator: communicator, logger: logger, status: messages.status,
                program: CommandLine.arguments.first ?? "dure"
            ).run()
        }
    }

    /// How to go on from the newest checkpoint; nil where there is none.
    private func remedy(ranks: Int) -> String? {
        guard access(outputDir, F_OK) == 0, let output = try? OutputDirectory(creating: outputDir),
            let newest = try? CheckpointFolder(output: output).steps().last
        else { return nil }
        let command = ranks == 1 ? ResumeCommand.ofThisProcess.map { "\($0)" } : nil
        return "step \(newest) is saved; to go on from there: "
            + (command ?? "run the same command again with --resume")
    }

    private var settings: TrainingSettings {
        var settings = TrainingSettings(model: model, outputDirectory: outputDir, trainFiles: trainFile)
        settings.validation =
            validationFile.map(ValidationSource.file) ?? validationSplit.map { .split($0, by: splitBy) }
        settings.maxTrainSamples = maxTrainSamples
        settings.maxEvalSamples = maxEvalSamples
        settings.batchSize = batch.size
        settings.length = schedule.length
        settings.optimizer = optimizer.settings
        settings.labelSmoothing = optimizer.labelSmoothing
        settings.scope = scope.scope
        settings.schedule = optimizer.lrSchedulerType
        settings.warmup = optimizer.warmup
        settings.restarts = optimizer.shape.restarts
        if let gamma = optimizer.shape.gamma { settings.gamma = gamma }
        settings.features = features.settings(unanswerableWindows)
        settings.featureCache = cache.choice(.besideOutput)
        settings.answers = answers.settings
        settings.tokenizer = tokenizer.overrides
        settings.compute = products.added(to: compute.settings)
        settings.exchange = exchange.settings
        settings.parameterCheckSteps = exchange.parameterCheckSteps > 0 ? exchange.parameterCheckSteps : nil
        settings.evaluation = schedule.evalStrategy.interval(schedule.evalSteps)
        settings.saving = schedule.saveStrategy.interval(schedule.saveSteps)
        settings.saveTotalLimit = schedule.saveTotalLimit
        settings.compression = resume.checkpointCompression
        settings.bestMetric = schedule.metricForBestModel
        settings.patience = schedule.earlyStoppingPatience
        settings.loadsBest = schedule.loadBestModelAtEnd
        settings.resume = resume.choice
        settings.allowsChangedSettings = resume.allowChangedSettings
        settings.seed = schedule.seed
        settings.shuffles = !schedule.noShuffle
        settings.strict = strict
        settings.hiddenDropout = schedule.hiddenDropoutProb
        settings.attentionDropout = schedule.attentionDropoutProb
        settings.loggingSteps = schedule.loggingSteps
        settings.skippableSteps = schedule.skipNonfiniteSteps
        settings.debugs = debugging.debug
        settings.overfitBatch = debugging.overfitBatch
        if debugging.overfitBatch != nil, !schedule.saysHowLong {
            settings.length = .steps(TrainingSettings.overfitSteps)
        }
        return settings
    }
}
