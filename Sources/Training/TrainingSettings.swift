import Checkpoints
import Kernels
import Model
import QuestionAnswering

/// How many features an optimizer step takes.
package enum BatchSize: Sendable, Equatable {
    /// Over all ranks.
    case global(Int)
    /// On every rank, summed over `accumulation` times as many.
    case perDevice(Int, accumulation: Int)

    package func resolved(ranks: Int) -> Int {
        switch self {
        case .global(let size): size
        case .perDevice(let size, let accumulation):
            // A product beyond any dataset is as good as the largest number.
            [accumulation, ranks].reduce(size) { product, factor in
                let (result, overflows) = product.multipliedReportingOverflow(by: factor)
                return overflows ? .max : result
            }
        }
    }
}

/// How long to train.
package enum TrainingLength: Sendable, Equatable {
    case epochs(Double)
    case steps(Int)

    package func steps(perEpoch: Int) -> Int {
        switch self {
        case .epochs(let epochs): max(1, Int((epochs * Double(perEpoch)).rounded(.up)))
        case .steps(let steps): steps
        }
    }
}

/// How the learning rate rises before it falls.
package enum Warmup: Sendable, Equatable {
    case steps(Int)
    /// A share of all steps.
    case ratio(Double)

    package func steps(of total: Int) -> Int {
        switch self {
        case .steps(let steps): steps
        case .ratio(let ratio): ratio < 1 ? Int((ratio * Double(total)).rounded(.up)) : total
        }
    }
}

/// Where questions to validate on come from.
package enum ValidationSource: Sendable, Equatable {
    case file(String)
    /// A share of the training questions, drawn with the seed.
    case split(Double, by: SplitUnit = .question)
}

/// Where features are kept from one run to the next.
package enum FeatureCacheChoice: Sendable, Equatable {
    /// In `features` in the output folder.
    case besideOutput
    /// In a folder that runs share.
    case folder(String)
    /// Nowhere.
    case off

    package func cache(in outputDirectory: String) -> FeatureCache? {
        switch self {
        case .besideOutput:
            FeatureCache(
                directory: outputDirectory + (outputDirectory.hasSuffix("/") ? "" : "/")
                    + FeatureCache.besideOutputName)
        case .folder(let path): FeatureCache(directory: path)
        case .off: nil
        }
    }
}

/// How much a rank computes at once, on how many threads and with which products.
package struct ComputeSettings: Sendable, Equatable {
    /// Most tokens in flight; nil chooses from the model.
    package var microBatchTokens: Int?
    /// Compute threads of a rank; nil takes the cores the process may run on, shared by the ranks of the host.
    package var threads: Int?
    /// Of the numbers that products multiply.
    package var precision = Precision.single
    /// Whether `precision` may be one that is slower here than the default.
    package var allowsSlowPrecision = false
    /// Who computes products of single precision.
    package var productLibrary = ProductLibrary.openBLAS

    package init(microBatchTokens: Int? = nil, threads: Int? = nil) {
        self.microBatchTokens = microBatchTokens
        self.threads = threads
    }
}

/// Everything `dure train` was asked for.
package struct TrainingSettings: Sendable {
    package var model: String
    package var outputDirectory: String
    package var trainFiles: [String]
    package var validation: ValidationSource?
    /// Most questions to train on, and to validate on, the first ones; nil takes all.
    package var maxTrainSamples: Int?
    package var maxEvalSamples: Int?
    package var batchSize = BatchSize.global(16)
    package var length = TrainingLength.epochs(3)
    package var optimizer = OptimizerSettings()
    /// What stays as it is, and what backward computes again.
    package var scope = TrainingScope()
    /// The share of the target that goes to all positions alike; in training, not in evaluation.
    package var labelSmoothing: Float = 0
    package var schedule = ScheduleKind.linear
    package var warmup = Warmup.ratio(0)
    /// For `cosine_with_restarts`.
    package var restarts = Restarts.parts(1)
    /// For `exponential`.
    package var gamma = 0.5
    package var features = FeatureSettings()
    package var answers = AnswerSettings()
    package var featureCache = FeatureCacheChoice.besideOutput
    package var tokenizer = TokenizerOverrides()
    package var compute = ComputeSettings()
    package var exchange = ExchangeSettings()
    package var evaluation = Interval.epoch
    package var saving = Interval.epoch
    package var saveTotalLimit = 3
    package var compression = CheckpointCompression.none
    /// Decides which evaluation's weights are in `best.h5`.
    package var bestMetric = BestMetric.loss
    /// Evaluations without a better one after which the run ends; nil goes on to the end.
    package var patience: Int?
    /// Whether the best evaluation's weights are those that the run leaves.
    package var loadsBest = false
    /// Nil begins anew.
    package var resume: ResumeChoice?
    /// Whether a run may go on with other settings than it began with.
    package var allowsChangedSettings = false
    package var seed: UInt64 = 42
    package var shuffles = true
    package var strict = false
    /// Nil takes the model's.
    package var hiddenDropout: Float?
    package var attentionDropout: Float?
    package var loggingSteps = 10
    /// Steps that may be left out because their loss or gradient is not finite.
    package var skippableSteps = 0
    /// Trains on so many of the first features only, to see whether they can be learnt.
    package var overfitBatch: Int?
    /// Shows and checks before the first step what can go wrong, and watches every number after; for one process.
    package var debugs = false
    /// Steps between comparisons of the parameters over ranks; nil never compares.
    package var parameterCheckSteps: Int? = 100

    package init(model: String, outputDirectory: String, trainFiles: [String]) {
        self.model = model
        self.outputDirectory = outputDirectory
        self.trainFiles = trainFiles
    }
}

extension TrainingSettings {
    /// The same, with what was left to the model and the machine filled in.
    package func resolved(_ loaded: LoadedModel, _ plan: ComputePlan) -> TrainingSettings {
        var resolved = self
        resolved.hiddenDropout = hiddenDropout(of: loaded.configuration)
        resolved.attentionDropout = attentionDropout(of: loaded.configuration)
        resolved.tokenizer.doLowerCase = loaded.tokenizer.settings.doLowerCase
        resolved.tokenizer.stripAccents = loaded.tokenizer.settings.stripsAccents
        resolved.compute.microBatchTokens = plan.microBatchTokens
        resolved.compute.threads = plan.pool.threadCount
        return resolved
    }

    /// Every setting under the name of its flag, as resolved for `ranks` ranks.
    package func flags(ranks: Int) -> [(String, JSONValue)] {
        var flags: [(String, JSONValue)] = [
            ("model", .string(model)), ("output-dir", .string(outputDirectory)),
            ("train-file", .array(trainFiles.map(JSONValue.string))),
        ]
        switch validation {
        case .file(let path): flags.append(("validation-file", .string(path)))
        case .split(let share, let unit):
            flags.append(("validation-split", .number(share)))
            flags.append(("split-by", .string(unit.rawValue)))
        case nil: break
        }
        flags.append(("max-train-samples", maxTrainSamples.map(JSONValue.integer) ?? .null))
        flags.append(("max-eval-samples", maxEvalSamples.map(JSONValue.integer) ?? .null))
        flags.append(("batch-size", .integer(batchSize.resolved(ranks: ranks))))
        switch length {
        case .epochs(let epochs): flags.append(("num-train-epochs", .number(epochs)))
        case .steps(let steps): flags.append(("max-steps", .integer(steps)))
        }
        flags += optimizerFlags + featureFlags + answerFlags + runFlags
        return flags
    }

    private var optimizerFlags: [(String, JSONValue)] {
        var flags: [(String, JSONValue)] = [
            ("learning-rate", .number(optimizer.learningRate)),
            ("weight-decay", .number(optimizer.weightDecay)), ("adam-beta1", .number(optimizer.beta1)),
            ("adam-beta2", .number(optimizer.beta2)), ("adam-epsilon", .number(optimizer.epsilon)),
            ("max-grad-norm", .number(optimizer.maxGradientNorm)),
            ("lr-scheduler-type", .string(schedule.rawValue)),
        ]
        switch warmup {
        case .steps(let steps): flags.append(("warmup-steps", .integer(steps)))
        case .ratio(let ratio): flags.append(("warmup-ratio", .number(ratio)))
        }
        return flags + scheduleFlags + scopeFlags
    }

    private var scopeFlags: [(String, JSONValue)] {
        [
            ("layerwise-lr-decay", .number(optimizer.layerwiseDecay)),
            ("label-smoothing", .float(labelSmoothing)),
            ("freeze-embeddings", .boolean(scope.freezesEmbeddings)),
            ("freeze-layers", .integer(scope.frozenLayers)),
            ("gradient-checkpointing", .boolean(scope.recomputesLayers)),
        ]
    }

    /// What only some schedules have.
    private var scheduleFlags: [(String, JSONValue)] {
        switch (schedule, restarts) {
        case (.cosineWithRestarts, .parts(let count)): [("lr-restarts", .integer(count))]
        case (.cosineWithRestarts, .epochs(let first, let multiplier)):
            [("restart-epochs", .integer(first)), ("restart-multiplier", .integer(multiplier))]
        case (.exponential, _): [("gamma", .number(gamma))]
        default: []
        }
    }

    private var featureFlags: [(String, JSONValue)] {
        [
            ("max-seq-length", .integer(features.maxSequenceLength)),
            ("doc-stride", .integer(features.documentStride)),
            ("max-query-length", features.maxQueryLength.map(JSONValue.integer) ?? .null),
            ("unanswerable-windows", .string(features.unanswerableWindows.rawValue)),
            ("features", .string(features.layout.rawValue)),
            ("clean", features.cleaning.isEmpty ? .null : .string("\(features.cleaning)")),
            ("split-sentences", .boolean(features.splitsSentences)),
            ("do-lower-case", tokenizer.doLowerCase.map(JSONValue.boolean) ?? .null),
            ("strip-accents", tokenizer.stripAccents.map(JSONValue.boolean) ?? .null),
            ("strict", .boolean(strict)),
        ] + featureCacheFlags
    }

    private var featureCacheFlags: [(String, JSONValue)] {
        switch featureCache {
        case .besideOutput: []
        case .folder(let path): [("feature-cache", .string(path))]
        case .off: [("no-feature-cache", true)]
        }
    }

    private var answerFlags: [(String, JSONValue)] {
        [
            ("version-2-with-negative", .boolean(answers.allowsNoAnswer)),
            ("null-score-diff-threshold", .float(answers.nullThreshold)),
            ("n-best-size", .integer(answers.bestCount)),
            ("max-answer-length", .integer(answers.maxAnswerLength)),
            ("decode", .string(answers.decoding.rawValue)),
            ("trim-particles", .boolean(answers.trimsParticles)),
            ("strip-special-tokens", .boolean(answers.stripsSpecialTokens)),
            ("blank-longer-than", answers.blankLongerThan.map(JSONValue.integer) ?? .null),
            ("calibrate", .boolean(answers.calibrates)),
        ]
    }

    /// As text where JSON's readers could not take the number.
    private var seedFlag: JSONValue {
        Int(exactly: seed).map(JSONValue.integer) ?? .string(String(seed))
    }

    private var runFlags: [(String, JSONValue)] {
        func strategy(_ interval: Interval) -> JSONValue {
            switch interval {
            case .never: "no"
            case .steps: "steps"
            case .epoch: "epoch"
            }
        }
        func steps(_ interval: Interval) -> JSONValue {
            if case .steps(let every) = interval { return .integer(every) }
            return .null
        }
        return [
            ("eval-strategy", strategy(evaluation)), ("eval-steps", steps(evaluation)),
            ("save-strategy", strategy(saving)), ("save-steps", steps(saving)),
            ("save-total-limit", .integer(saveTotalLimit)),
            ("checkpoint-compression", .string(compression.rawValue)),
            ("metric-for-best-model", .string(bestMetric.rawValue)),
            ("early-stopping-patience", patience.map(JSONValue.integer) ?? .null),
            ("load-best-model-at-end", .boolean(loadsBest)), ("seed", seedFlag),
            ("no-shuffle", .boolean(!shuffles)),
            ("hidden-dropout-prob", hiddenDropout.map(JSONValue.float) ?? .null),
            ("attention-dropout-prob", attentionDropout.map(JSONValue.float) ?? .null),
            ("micro-batch-tokens", compute.microBatchTokens.map(JSONValue.integer) ?? .null),
            ("threads", compute.threads.map(JSONValue.integer) ?? .null),
            ("precision", .string(compute.precision.rawValue)),
            ("allow-slow-precision", .boolean(compute.allowsSlowPrecision)),
            ("product-library", .string(compute.productLibrary.rawValue)),
            ("logging-steps", .integer(loggingSteps)),
            ("skip-nonfinite-steps", .integer(skippableSteps)),
            ("overfit-batch", overfitBatch.map(JSONValue.integer) ?? .null),
            ("parameter-check-steps", .integer(parameterCheckSteps ?? 0)),
            ("gradient-bucket-megabytes", .number(Double(exchange.buckets.bucketBytes) / 1e6)),
            ("communication-progress", .string(exchange.progress.rawValue)),
            ("shard-optimizer", .boolean(exchange.buckets.keepsTotalsWithOwners)),
            ("shared-memory", .boolean(exchange.sharesMemory)),
            ("deterministic-reduction", .boolean(exchange.isDeterministic)),
            ("gradient-compression", .string(exchange.buckets.compression.rawValue)),
        ]
    }
}
