import ArgumentParser
import Checkpoints
import Distributed
import Training

struct BatchOptions: ParsableArguments {
    @Option(help: "Features of an optimizer step, over all ranks. (default: 16)")
    var batchSize: Int?

    @Option(help: "Features of a rank before accumulation; instead of --batch-size.")
    var perDeviceTrainBatchSize: Int?

    @Option(help: "Times that a rank's features are multiplied before a step.")
    var gradientAccumulationSteps: Int?

    func validate() throws {
        try requireRange("--batch-size", batchSize)
        try requireRange("--per-device-train-batch-size", perDeviceTrainBatchSize)
        try requireRange("--gradient-accumulation-steps", gradientAccumulationSteps)
        guard batchSize == nil || (perDeviceTrainBatchSize == nil && gradientAccumulationSteps == nil) else {
            throw ValidationError(
                "--batch-size does not go with --per-device-train-batch-size or --gradient-accumulation-steps"
            )
        }
        guard gradientAccumulationSteps == nil || perDeviceTrainBatchSize != nil else {
            throw ValidationError("--gradient-accumulation-steps needs --per-device-train-batch-size")
        }
    }

    var size: BatchSize {
        guard let perDeviceTrainBatchSize else { return .global(batchSize ?? 16) }
        return .perDevice(perDeviceTrainBatchSize, accumulation: gradientAccumulationSteps ?? 1)
    }
}

extension GradientCompression: ExpressibleByArgument {}
extension CommunicationProgress: ExpressibleByArgument {}

/// How ranks exchange gradients.
struct ExchangeOptions: ParsableArguments {
    @Option(help: "Megabytes of gradients that are sent together, while backward goes on.")
    var gradientBucketMegabytes = 25.0

    @Option(
        help: "Who moves messages while a rank computes: thread, kernels (itself, between kernels), or none.")
    var communicationProgress = ExchangeSettings().progress

    @Flag(
        inversion: .prefixedNo,
        help: "Keep optimizer state and totals of gradients with one owner among the hosts (ZeRO-1).")
    var shardOptimizer = true

    @Flag(inversion: .prefixedNo, help: "Ranks of a host use memory in common instead of messages.")
    var sharedMemory = true

    @Option(help: "Send gradients between hosts as they are (none), or rounded to bfloat16 (bf16).")
    var gradientCompression = GradientCompression.none

    @Flag(help: "The same bits on any number of ranks that divides the batch's 4 to 16 parts; slower.")
    var deterministicReduction = false

    @Option(help: "Steps between comparisons of the parameters over ranks; 0 never compares.")
    var parameterCheckSteps = 100

    func validate() throws {
        try requireRange("--parameter-check-steps", parameterCheckSteps)
        try requireRange("--gradient-bucket-megabytes", gradientBucketMegabytes)
        guard !deterministicReduction || gradientCompression == .none else {
            throw ValidationError(
                "--deterministic-reduction does not go with --gradient-compression, which rounds what each host sends"
            )
        }
    }

    var settings: ExchangeSettings {
        var settings = ExchangeSettings()
        settings.buckets.bucketBytes = Int((gradientBucketMegabytes * 1e6).rounded())
        settings.buckets.keepsTotalsWithOwners = shardOptimizer
        settings.buckets.compression = gradientCompression
        settings.progress = communicationProgress
        settings.sharesMemory = sharedMemory
        settings.isDeterministic = deterministicReduction
        return settings
    }
}

extension BestMetric: ExpressibleByArgument {}
extension CheckpointCompression: ExpressibleByArgument {}

/// What a run leaves to be gone on from, and how it goes on.
struct ResumeOptions: ParsableArguments {
    @Option(
        defaultAsFlag: "",
        help: "Go on from the newest whole checkpoint in the output folder, or from the one named.",
        completion: .file(extensions: ["h5"]))
    var resume: String?

    @Flag(help: "Let --resume go on with settings that change the training.")
    var allowChangedSettings = false

    @Option(help: "How checkpoints are stored: as they are (none), or smaller and slower (gzip).")
    var checkpointCompression = CheckpointCompression.none

    func validate() throws {
        guard resume != nil || !allowChangedSettings else {
            throw ValidationError("--allow-changed-settings needs --resume")
        }
    }

    var choice: ResumeChoice? { resume.map { $0.isEmpty ? .newest : .checkpoint($0) } }
}

/// When to evaluate or save, by transformers' names.
enum Strategy: String, ExpressibleByArgument, CaseIterable {
    case no, steps, epoch

    func interval(_ steps: Int) -> Interval {
        switch self {
        case .no: .never
        case .steps: .steps(steps)
        case .epoch: .epoch
        }
    }
}

struct RunOptions: ParsableArguments {
    @Option(help: "Passes over the training features. (default: 3)")
    var numTrainEpochs: Double?

    @Option(help: "Optimizer steps, instead of epochs.")
    var maxSteps: Int?

    @Option(help: "When to evaluate.")
    var evalStrategy = Strategy.epoch

    @Option(help: "Steps between evaluations with --eval-strategy steps.")
    var evalSteps = 500

    @Option(help: "When to save a checkpoint of the training state.")
    var saveStrategy = Strategy.epoch

    @Option(help: "Steps between checkpoints with --save-strategy steps.")
    var saveSteps = 500

    @Option(help: "Checkpoints to keep; the newest and the best are kept whatever the number.")
    var saveTotalLimit = 3

    @Option(help: "What decides which evaluation is the best, whose weights are kept as best.h5.")
    var metricForBestModel = BestMetric.loss

    @Option(help: "End the run after this many evaluations in a row that are no better than the best.")
    var earlyStoppingPatience: Int?

    @Flag(
        inversion: .prefixedNo,
        help: "Leave the weights and answers of the best evaluation instead of the last step's.")
    var loadBestModelAtEnd = false

    @Option(help: "Decides the order of features, dropout and what is initialised at random.")
    var seed: UInt64 = 42

    @Flag(help: "Take features in the order of the files.")
    var noShuffle = false

    @Option(help: "Dropout of hidden states. (default: the model's)")
    var hiddenDropoutProb: Float?

    @Option(help: "Dropout of attention probabilities. (default: the model's)")
    var attentionDropoutProb: Float?

    @Option(help: "Steps between lines of metrics.")
    var loggingSteps = 10

    @Option(help: "Leave out this many steps whose loss or gradient is not finite, instead of stopping.")
    var skipNonfiniteSteps = 0

    func validate() throws {
        try requireRange("--num-train-epochs", numTrainEpochs)
        try requireRange("--max-steps", maxSteps)
        guard numTrainEpochs == nil || maxSteps == nil else {
            throw ValidationError("--num-train-epochs and --max-steps exclude each other")
        }
        try requireRange("--eval-steps", evalSteps)
        try requireRange("--save-steps", saveSteps)
        try requireRange("--save-total-limit", saveTotalLimit)
        try requireRange("--early-stopping-patience", earlyStoppingPatience)
        if let flag = flagThatNeedsEvaluations, evalStrategy == .no {
            throw ValidationError("\(flag) needs --eval-strategy steps or epoch")
        }
        try requireRange("--logging-steps", loggingSteps)
        try requireRange("--skip-nonfinite-steps", skipNonfiniteSteps)
        try requireRange("--hidden-dropout-prob", hiddenDropoutProb)
        try requireRange("--attention-dropout-prob", attentionDropoutProb)
    }

    var flagThatNeedsEvaluations: String? {
        earlyStoppingPatience != nil
            ? "--early-stopping-patience" : loadBestModelAtEnd ? "--load-best-model-at-end" : nil
    }

    var saysHowLong: Bool { maxSteps != nil || numTrainEpochs != nil }

    var length: TrainingLength { maxSteps.map(TrainingLength.steps) ?? .epochs(numTrainEpochs ?? 3) }
}
