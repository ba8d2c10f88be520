import ArgumentParser
import Kernels
import QuestionAnswering
import Training

extension UnanswerableWindows: ExpressibleByArgument {}
extension FeatureLayout: ExpressibleByArgument {}
extension ScheduleKind: ExpressibleByArgument {}
extension AnswerDecoding: ExpressibleByArgument {}

struct TokenizerOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: "Lower-case text, whatever the model folder says.")
    var doLowerCase: Bool?

    @Flag(inversion: .prefixedNo, help: "Strip accents, whatever the model folder says.")
    var stripAccents: Bool?

    var overrides: TokenizerOverrides {
        TokenizerOverrides(doLowerCase: doLowerCase, stripAccents: stripAccents)
    }
}

struct FeatureOptions: ParsableArguments {
    @Option(help: "Most tokens of a window, question and special tokens included.")
    var maxSeqLength: Int?

    @Option(help: "Tokens by which neighbouring windows overlap.")
    var docStride = 128

    @Option(help: "Cut questions to this many tokens.")
    var maxQueryLength: Int?

    @Option(
        name: .customLong("features"),
        help:
            "Question and windows of the context (default), or the cut context and question (single-window).")
    var layout = FeatureLayout.default

    @Option(help: "Leave out of contexts, one or more with commas: hanja, special, boilerplate.")
    var clean: String?

    @Flag(help: "Windows begin with sentences, where they can.")
    var splitSentences = false

    static let defaultLength = 384

    func validate() throws {
        try requireRange("--max-seq-length", maxSeqLength)
        try requireRange("--doc-stride", docStride)
        try requireRange("--max-query-length", maxQueryLength)
        for (name, rule) in cleaningRules where rule == nil {
            let known = CleaningRule.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError(
                "--clean has no rule '\(name)': it takes \(known), with commas between them")
        }
        guard !splitSentences || layout == .default else {
            throw ValidationError(
                "--split-sentences does not go with --features \(layout.rawValue), which has one window")
        }
    }

    private var cleaningRules: [(name: String, rule: CleaningRule?)] {
        guard let clean else { return [] }
        return clean.split(separator: ",", omittingEmptySubsequences: false).map { name in
            let name = name.trimmingPrefix { $0 == " " }
            return (String(name), CleaningRule(rawValue: String(name)))
        }
    }

    /// - positions: of the model, where the length should follow it when none is given.
    func settings(
        _ unanswerable: UnanswerableWindows = .cls, fitting positions: Int = .max
    ) -> FeatureSettings {
        var settings = FeatureSettings(
            maxSequenceLength: maxSeqLength ?? min(Self.defaultLength, positions), documentStride: docStride,
            maxQueryLength: maxQueryLength, unanswerableWindows: unanswerable)
        settings.layout = layout
        settings.cleaning = TextCleaning(cleaningRules.compactMap(\.rule))
        settings.splitsSentences = splitSentences
        return settings
    }
}

struct FeatureCacheOptions: ParsableArguments {
    @Option(
        help: "Folder that keeps features for later runs. (default of train: features in the output folder)",
        completion: .directory)
    var featureCache: String?

    @Flag(help: "Keep no features, and use none that were kept.")
    var noFeatureCache = false

    func validate() throws {
        guard featureCache == nil || !noFeatureCache else {
            throw ValidationError("--feature-cache and --no-feature-cache exclude each other")
        }
        guard featureCache != "" else {
            throw ValidationError("--feature-cache '' is not possible: it must be a folder's name")
        }
    }

    /// - standard: where nothing is said.
    func choice(_ standard: FeatureCacheChoice) -> FeatureCacheChoice {
        noFeatureCache ? .off : featureCache.map(FeatureCacheChoice.folder) ?? standard
    }
}

struct AnswerOptions: ParsableArguments {
    @Flag(name: .customLong("version-2-with-negative"), help: "Questions may have no answer.")
    var version2WithNegative = false

    // Unconditional, so that a value with a minus sign is not taken for a flag.
    @Option(
        parsing: .unconditional, help: "No answer when its score exceeds the best other by more than this.")
    var nullScoreDiffThreshold: Float = 0

    @Option(help: "Starts and ends looked at in a window, and candidates kept for a question.")
    var nBestSize = 20

    @Option(help: "Longest answer, in tokens.")
    var maxAnswerLength = 30

    @Option(help: "How the answer is chosen from the logits.")
    var decode = AnswerDecoding.best

    @Flag(help: "Take trailing particles off answers where the n-best list prefers it.")
    var trimParticles = false

    @Flag(help: "Take [UNK], [SEP], [CLS], [PAD] and [MASK] out of answers.")
    var stripSpecialTokens = false

    @Option(help: "Answers longer than this many code points become empty.")
    var blankLongerThan: Int?

    @Flag(help: "Fit the threshold for no answer on the dataset; needs its answers.")
    var calibrate = false

    func validate() throws {
        try requireRange("--n-best-size", nBestSize)
        try requireRange("--max-answer-length", maxAnswerLength)
        try requireRange("--blank-longer-than", blankLongerThan)
        guard !calibrate || (version2WithNegative && decode == .best) else {
            throw ValidationError(
                "--calibrate needs --version-2-with-negative and --decode nbest: nothing else has a threshold"
            )
        }
        try requireRange("--null-score-diff-threshold", nullScoreDiffThreshold)
    }

    var settings: AnswerSettings {
        AnswerSettings(
            bestCount: nBestSize, maxAnswerLength: maxAnswerLength, allowsNoAnswer: version2WithNegative,
            nullThreshold: nullScoreDiffThreshold, decoding: decode, blankLongerThan: blankLongerThan,
            stripsSpecialTokens: stripSpecialTokens, trimsParticles: trimParticles, calibrates: calibrate)
    }
}

struct MessageOptions: ParsableArguments {
    @Flag(help: "Tell of warnings and errors only: no progress, and no other information.")
    var quiet = false

    /// Where to tell how things go; nil where that is not wanted.
    var status: StatusLine? { quiet ? nil : .standardError }
}

struct RankOptions: ParsableArguments {
    @Option(help: "Seconds before a rank that does not answer ends the run.")
    var collectiveTimeout = 600.0

    func validate() throws {
        try requireRange("--collective-timeout", collectiveTimeout)
    }
}

struct ComputeOptions: ParsableArguments {
    @Option(help: "Most tokens a rank computes at once; bounds memory. (default: chosen from the model)")
    var microBatchTokens: Int?

    @Option(help: "Compute threads of a rank. (default: the cores it may use, shared by the host's ranks)")
    var threads: Int?

    func validate() throws {
        try requireRange("--micro-batch-tokens", microBatchTokens)
        try requireRange("--threads", threads)
    }

    var settings: ComputeSettings { ComputeSettings(microBatchTokens: microBatchTokens, threads: threads) }
}

extension Precision: ExpressibleByArgument {}
extension ProductLibrary: ExpressibleByArgument {}

/// With what matrix products are computed.
struct ProductOptions: ParsableArguments {
    @Option(help: "Numbers that products multiply; bf16 is faster where the processor has it.")
    var precision = Precision.single

    @Flag(help: "Let --precision take what is slower than fp32 on this machine.")
    var allowSlowPrecision = false

    @Option(help: "Who computes products of fp32: measure with dure bench gemm.")
    var productLibrary = ProductLibrary.openBLAS

    func added(to settings: ComputeSettings) -> ComputeSettings {
        var settings = settings
        settings.precision = precision
        settings.allowsSlowPrecision = allowSlowPrecision
        settings.productLibrary = productLibrary
        return settings
    }
}
