import Checkpoints
import QuestionAnswering
import Testing

@testable import Training

@Suite struct ResumeCheckTests {
    private static func identity(
        _ change: (inout TrainingSettings) -> Void = { _ in }, features: UInt64 = 1, tokenizer: UInt64 = 2,
        configuration: UInt64 = 3, validation: UInt64? = 4, ranks: Int = 2, threads: Int = 1
    ) -> TrainingIdentity {
        var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["t"])
        settings.validation = validation.map { _ in .file("v") }
        settings.compute.threads = threads
        change(&settings)
        return TrainingIdentity(
            settings: JSONValue.object(settings.flags(ranks: ranks)).compact,
            schedule: LearningRateSchedule(
                kind: settings.schedule, peak: 1, warmupSteps: settings.warmup.steps(of: 100), totalSteps: 100
            ),
            features: features, tokenizer: tokenizer, configuration: configuration, validation: validation,
            ranks: ranks, threads: threads, microBatchTokens: 512)
    }

    private static func saved(_ identity: TrainingIdentity) -> TrainingProgress {
        TrainingProgress(
            seed: 1, optimizerStep: 1, epochIndex: 0, epochPosition: 0, settings: identity.settings,
            additional: identity.attributes)
    }

    private static func check(
        _ now: TrainingIdentity, against before: TrainingIdentity = identity()
    ) throws -> ResumeCheck {
        try ResumeCheck(now, saved: saved(before), path: "x.h5")
    }

    @Test func theSameRunGoesOnWithoutAWord() throws {
        let check = try Self.check(Self.identity())
        #expect(!check.redefinesBest)
        try check.require(allowed: false) { Issue.record("\($0)") }
    }

    @Test func aCheckpointFromBeforeASettingWasThereIsNoChange() throws {
        func old(_ change: (inout TrainingSettings) -> Void = { _ in }) throws -> ResumeCheck {
            var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["t"])
            let names = [
                "features", "clean", "split-sentences", "precision", "product-library", "decode",
                "trim-particles", "strip-special-tokens", "blank-longer-than", "calibrate",
                "load-best-model-at-end", "early-stopping-patience", "communication-progress",
                "gradient-compression", "max-eval-samples",
            ]
            settings.validation = .file("v")
            settings.compute.threads = 1
            let flags = settings.flags(ranks: 2).filter { !names.contains($0.0) }
            change(&settings)
            let progress = TrainingProgress(
                seed: 1, optimizerStep: 1, epochIndex: 0, epochPosition: 0,
                settings: JSONValue.object(flags).compact, additional: Self.identity().attributes)
            return try ResumeCheck(Self.identity(change), saved: progress, path: "x.h5")
        }
        try old().require(allowed: false) { Issue.record("\($0)") }
        let changed = try old { $0.features.layout = .singleWindow }
        #expect(changed.changes == ["--features \"single-window\" instead of \"default\""])
    }

    private typealias Change = @Sendable (inout TrainingSettings) -> Void

    /// A setting with another value than it has by default, and what is said of it; the first such change that a row
    /// makes, where it must make several.
    private struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let values: String
        let change: Change
        var testDescription: String { name }

        init(_ name: String, _ values: String, _ change: @escaping Change) {
            self.name = name
            self.values = values
            self.change = change
        }

        var text: String { "--\(name) \(values)" }
    }

    /// Settings that only some runs record, and others.
    private static let rows =
        [
            Row("model", "\"elsewhere\" instead of \"m\"") { $0.model = "elsewhere" },
            Row("output-dir", "\"elsewhere\" instead of \"o\"") { $0.outputDirectory = "elsewhere" },
            Row("train-file", "[\"moved\"] instead of [\"t\"]") { $0.trainFiles = ["moved"] },
            Row("validation-file", "\"moved\" instead of \"v\"") { $0.validation = .file("moved") },
            Row("validation-split", "0.5 instead of none") { $0.validation = .split(0.5) },
            Row("split-by", "\"article\" instead of none") { $0.validation = .split(0.5, by: .article) },
            Row("max-train-samples", "5 instead of none") { $0.maxTrainSamples = 5 },
            Row("max-eval-samples", "5 instead of none") { $0.maxEvalSamples = 5 },
            Row("strict", "true instead of false") { $0.strict = true },
            Row("feature-cache", "\"f\" instead of none") { $0.featureCache = .folder("f") },
            Row("no-feature-cache", "true instead of none") { $0.featureCache = .off },
            Row("do-lower-case", "true instead of none") { $0.tokenizer.doLowerCase = true },
            Row("strip-accents", "true instead of none") { $0.tokenizer.stripAccents = true },
            Row("max-seq-length", "99 instead of 384") { $0.features.maxSequenceLength = 99 },
            Row("doc-stride", "9 instead of 128") { $0.features.documentStride = 9 },
            Row("max-query-length", "9 instead of none") { $0.features.maxQueryLength = 9 },
            Row("unanswerable-windows", "\"drop\" instead of \"cls\"") {
                $0.features.unanswerableWindows = .drop
            },
            Row("features", "\"single-window\" instead of \"default\"") {
                $0.features.layout = .singleWindow
            },
            Row("clean", "\"hanja\" instead of none") { $0.features.cleaning = TextCleaning([.hanja]) },
            Row("split-sentences", "true instead of false") { $0.features.splitsSentences = true },
        ] + trainingRows + answerRows + runRows + computeRows

    private static let trainingRows = [
        Row("batch-size", "8 instead of 16") { $0.batchSize = .global(8) },
        Row("learning-rate", "0.1 instead of 5e-05") { $0.optimizer.learningRate = 0.1 },
        Row("weight-decay", "0.1 instead of 0") { $0.optimizer.weightDecay = 0.1 },
        Row("adam-beta1", "0.5 instead of 0.9") { $0.optimizer.beta1 = 0.5 },
        Row("adam-beta2", "0.5 instead of 0.999") { $0.optimizer.beta2 = 0.5 },
        Row("adam-epsilon", "0.5 instead of 1e-08") { $0.optimizer.epsilon = 0.5 },
        Row("max-grad-norm", "2 instead of 1") { $0.optimizer.maxGradientNorm = 2 },
        Row("layerwise-lr-decay", "0.5 instead of 1") { $0.optimizer.layerwiseDecay = 0.5 },
        Row("label-smoothing", "0.5 instead of 0") { $0.labelSmoothing = 0.5 },
        Row("freeze-embeddings", "true instead of false") { $0.scope.freezesEmbeddings = true },
        Row("freeze-layers", "1 instead of 0") { $0.scope.frozenLayers = 1 },
        Row("hidden-dropout-prob", "0.25 instead of none") { $0.hiddenDropout = 0.25 },
        Row("attention-dropout-prob", "0.25 instead of none") { $0.attentionDropout = 0.25 },
        Row("seed", "7 instead of 42") { $0.seed = 7 },
        Row("no-shuffle", "true instead of false") { $0.shuffles = false },
        Row("overfit-batch", "4 instead of none") { $0.overfitBatch = 4 },
        Row("lr-scheduler-type", "\"cosine\" instead of \"linear\"") { $0.schedule = .cosine },
        Row("lr-restarts", "1 instead of none") { $0.schedule = .cosineWithRestarts },
        Row("restart-epochs", "2 instead of none") {
            $0.schedule = .cosineWithRestarts
            $0.restarts = .epochs(2, multiplier: 3)
        },
        Row("restart-multiplier", "3 instead of none") {
            $0.schedule = .cosineWithRestarts
            $0.restarts = .epochs(2, multiplier: 3)
        },
        Row("gamma", "0.5 instead of none") { $0.schedule = .exponential },
        Row("num-train-epochs", "9 instead of 3") { $0.length = .epochs(9) },
        Row("max-steps", "5 instead of none") { $0.length = .steps(5) },
        Row("warmup-ratio", "0.5 instead of 0") { $0.warmup = .ratio(0.5) },
        Row("warmup-steps", "5 instead of none") { $0.warmup = .steps(5) },
    ]

    private static let answerRows = [
        Row("version-2-with-negative", "true instead of false") { $0.answers.allowsNoAnswer = true },
        Row("null-score-diff-threshold", "1 instead of 0") { $0.answers.nullThreshold = 1 },
        Row("n-best-size", "3 instead of 20") { $0.answers.bestCount = 3 },
        Row("max-answer-length", "3 instead of 30") { $0.answers.maxAnswerLength = 3 },
        Row("decode", "\"argmax\" instead of \"nbest\"") { $0.answers.decoding = .argmax },
        Row("trim-particles", "true instead of false") { $0.answers.trimsParticles = true },
        Row("strip-special-tokens", "true instead of false") { $0.answers.stripsSpecialTokens = true },
        Row("blank-longer-than", "9 instead of none") { $0.answers.blankLongerThan = 9 },
        Row("calibrate", "true instead of false") { $0.answers.calibrates = true },
        Row("metric-for-best-model", "\"f1\" instead of \"loss\"") { $0.bestMetric = .f1 },
    ]

    private static let runRows = [
        Row("eval-strategy", "\"no\" instead of \"epoch\"") { $0.evaluation = .never },
        Row("eval-steps", "5 instead of none") { $0.evaluation = .steps(5) },
        Row("early-stopping-patience", "2 instead of none") { $0.patience = 2 },
        Row("load-best-model-at-end", "true instead of false") { $0.loadsBest = true },
        Row("save-strategy", "\"no\" instead of \"epoch\"") { $0.saving = .never },
        Row("save-steps", "5 instead of none") { $0.saving = .steps(5) },
        Row("save-total-limit", "9 instead of 3") { $0.saveTotalLimit = 9 },
        Row("checkpoint-compression", "\"gzip\" instead of \"none\"") { $0.compression = .gzip },
        Row("logging-steps", "1 instead of 10") { $0.loggingSteps = 1 },
        Row("skip-nonfinite-steps", "1 instead of 0") { $0.skippableSteps = 1 },
    ]

    private static let computeRows = [
        Row("precision", "\"bf16\" instead of \"fp32\"") { $0.compute.precision = .brain },
        Row("allow-slow-precision", "true instead of false") { $0.compute.allowsSlowPrecision = true },
        Row("product-library", "\"onednn\" instead of \"openblas\"") { $0.compute.productLibrary = .oneDNN },
        Row("micro-batch-tokens", "9 instead of none") { $0.compute.microBatchTokens = 9 },
        Row("threads", "4 instead of 1") { $0.compute.threads = 4 },
        Row("gradient-checkpointing", "true instead of false") { $0.scope.recomputesLayers = true },
        Row("gradient-compression", "\"bf16\" instead of \"none\"") {
            $0.exchange.buckets.compression = .bf16
        },
        Row("gradient-bucket-megabytes", "1 instead of 25") { $0.exchange.buckets.bucketBytes = 1_000_000 },
        Row("deterministic-reduction", "true instead of false") { $0.exchange.isDeterministic = true },
        Row("shard-optimizer", "false instead of true") { $0.exchange.buckets.keepsTotalsWithOwners = false },
        Row("shared-memory", "false instead of true") { $0.exchange.sharesMemory = false },
        Row("communication-progress", "\"none\" instead of \"thread\"") { $0.exchange.progress = .none },
        Row("parameter-check-steps", "5 instead of 100") { $0.parameterCheckSteps = 5 },
    ]

    /// All names under which runs record settings.
    private static var recorded: Set<String> {
        rows.reduce(into: Set()) { names, row in
            var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["t"])
            row.change(&settings)
            names.formUnion(settings.flags(ranks: 2).map { $0.0 })
        }
    }

    @Test func everySettingHasOneRuleAndIsTried() {
        let names = SettingRule.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(names) == Self.recorded, "a setting needs a rule in SettingRules.swift")
        #expect(Set(names) == Set(Self.rows.map(\.name)))
    }

    @Test(arguments: rows) private func anotherValueIsDealtWithByTheRule(row: Row) throws {
        let rule = try #require(SettingRule.all.first { $0.name == row.name })
        let check = try Self.check(Self.identity(row.change))
        var said: [String] = []
        let refusal = Result { try check.require(allowed: false) { said.append($0) } }
        let refused = "\(refusal)"
        switch rule.effect {
        case .training, .length:
            #expect(check.changes.contains(row.text), "\(check.changes)")
        case .best:
            #expect(check.redefinitions == [row.text] && check.redefinesBest)
            #expect(refused.contains("that decide which checkpoint is best"))
        case .choice:
            #expect(check.choices.contains(row.text) && !check.redefinesBest)
        case .rounding, .nothing:
            _ = try refusal.get()
            let line = try #require(said.first)
            #expect(said.count == 1 && line.contains(row.text), "\(said)")
            #expect(line.contains(rule.effect == .rounding ? "last bits" : "neither the training nor"))
            return
        }
        #expect(said.isEmpty)
        let error = try #require(TrainingError.thrown { try refusal.get() })
        #expect(error.exitCode == 64)
        #expect(
            error.description.contains(row.text) && error.description.contains("--allow-changed-settings"))
        try check.require(allowed: true) { said.append($0) }
        let last = try #require(said.last)
        #expect(last.contains(row.text) && last.hasPrefix("going on with"))
    }

    /// There is no best.
    @Test func withoutValidationAnswersChangeNothing() throws {
        let check = try Self.check(
            Self.identity({ $0.answers.bestCount = 3 }, validation: nil),
            against: Self.identity(validation: nil))
        #expect(!check.redefinesBest && check.trifles == ["--n-best-size 3 instead of 20"])
    }

    @Test func otherQuestionsToValidateOnAreRefused() throws {
        for (now, before, text) in [
            (5, 4, "other questions or windows to validate on"), (4, nil, "questions to validate on"),
            (nil, 4, "nothing to validate on"),
        ] as [(UInt64?, UInt64?, String)] {
            let check = try Self.check(
                Self.identity(validation: now), against: Self.identity(validation: before))
            #expect(check.redefinitions == [text])
            #expect(TrainingError.thrown { try check.require(allowed: false) { _ in } } != nil)
        }
    }

    /// As checkpoints were before they said what they were validated on.
    @Test func anOlderCheckpointIsTakenAtTheNameOfTheFile() throws {
        var saved = Self.saved(Self.identity())
        saved.additional[ProgressKey.validation] = nil
        let same = try ResumeCheck(Self.identity(validation: 9), saved: saved, path: "x.h5")
        var said: [String] = []
        try same.require(allowed: false) { said.append($0) }
        #expect(said.count == 1 && said[0].contains("taking that for the same as now"))
        let other = try ResumeCheck(
            Self.identity { $0.validation = .file("other") }, saved: saved, path: "x.h5")
        #expect(other.redefinitions == ["another --validation-file, by its name"])
    }

    @Test func aSettingThatIsNotKnownIsRefused() throws {
        var saved = Self.saved(Self.identity())
        saved.settings = saved.settings.dropLast() + #","mixout": 0.5,"unset": null}"#
        let check = try ResumeCheck(Self.identity(), saved: saved, path: "x.h5")
        #expect(
            check.changes
                == ["--mixout not given instead of 0.5, a setting that this version does not know"])
    }

    @Test func aScheduleThatKnowsNoEndMayBeLonger() throws {
        let constant = { (settings: inout TrainingSettings) in settings.schedule = .constant }
        let longer = { (settings: inout TrainingSettings) in
            settings.schedule = .constant
            settings.length = .epochs(9)
        }
        #expect(try Self.check(Self.identity(longer), against: Self.identity(constant)).changes.isEmpty)
    }

    @Test func otherContentIsRefused() throws {
        let check = try Self.check(Self.identity(features: 9, tokenizer: 9, configuration: 9))
        #expect(check.changes.count == 3)
        #expect(check.changes[0].contains("--train-file") && check.changes[1].contains("--model"))
    }

    @Test func otherRanksAndThreadsAreToldOf() throws {
        let check = try Self.check(Self.identity(ranks: 3, threads: 4))
        #expect(check.changes.isEmpty)
        #expect(check.differences == ["--threads 4 instead of 1", "3 ranks instead of 2"])
    }

    @Test func anotherLibraryIsToldOf() throws {
        let check = try Self.check(Self.identity { $0.compute.productLibrary = .oneDNN })
        #expect(check.changes.isEmpty)
        #expect(check.differences == ["--product-library \"onednn\" instead of \"openblas\""])
    }

    @Test func settingsThatAreNoObjectAreDamage() throws {
        var progress = Self.saved(Self.identity())
        progress.settings = "[]"
        let error = try #require(throws: CheckpointError.self) {
            _ = try ResumeCheck(Self.identity(), saved: progress, path: "x.h5")
        }
        #expect(error.category == .badData && error.path == "x.h5")
    }
}
