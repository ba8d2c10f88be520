/// What flags are about, in the order in which help shows them.
enum HelpGroup: String, CaseIterable {
    case data = "Model and data"
    case batches = "Batches and epochs"
    case optimizer = "Optimizer"
    case schedule = "Schedule"
    case tuning = "Fine-tuning"
    case windows = "Windows"
    case answers = "Answers"
    case validation = "Validation"
    case saving = "Saving and resuming"
    case compute = "Compute"
    case ranks = "Ranks"
    case measuring = "Measuring"
    case watching = "Watching"
    case text = "Tokenizer"
    case settings = "Settings from a file"
    case other = "Help"
}

/// What help says about a flag besides what its declaration does.
struct FlagHelp {
    /// Of its name, or of its command and name where commands differ, as `bench config`.
    let name: String
    let group: HelpGroup
    /// What its value is called.
    let value: String?
    /// Values that it takes, where those have no names.
    let range: ValueRange?
    /// What is taken when it is not given, where the declaration does not say.
    let standard: String?

    init(
        _ name: String, _ group: HelpGroup, _ value: String? = nil, _ range: ValueRange? = nil,
        standard: String? = nil
    ) {
        self.name = name
        self.group = group
        self.value = value
        self.range = range
        self.standard = standard
    }

    /// What help says about the flag `name` of the command at `path`; nil for one that it does not know.
    static func of(_ name: String, _ path: [String]) -> FlagHelp? {
        path.lazy.compactMap { all["\($0) \(name)"] }.first ?? all[name]
    }

    private static let all: [String: FlagHelp] = {
        let rows = data + batches + optimizer + tuning + windows + answers + validation + saving + compute
        return Dictionary((rows + others).map { ($0.name, $0) }) { first, _ in first }
    }()
}

// MARK: The table. A flag that is added needs a line here.

extension FlagHelp {
    private static let data = [
        FlagHelp("model", .data, "path"),
        FlagHelp("evaluate model", .data, "path", standard: "none, where --logits is given"),
        FlagHelp("doctor model", .data, "path", standard: "none"),
        FlagHelp("report runs", .data, "folder"),
        FlagHelp(
            "report output", .data, "file",
            standard: "report.html in the run's folder; must be given for several"
        ),
        FlagHelp("paths", .data, "path"),
        FlagHelp("path", .data, "path"),
        FlagHelp("shell", .data, "shell"),
        FlagHelp("train-file", .data, "file"),
        FlagHelp("dataset", .data, "file"),
        FlagHelp("doctor dataset", .data, "file", standard: "none"),
        FlagHelp("doctor train-file", .data, "file", standard: "none"),
        FlagHelp("logits", .data, "file", standard: "none"),
        FlagHelp("save-logits", .data, "file", "a name that ends in .h5", standard: "none"),
        FlagHelp("predictions", .data, "file"),
        FlagHelp("checkpoint", .data, "path"),
        FlagHelp("vocab", .data, "file"),
        FlagHelp("init config", .data, "file"),
        FlagHelp("init seed", .data, "n", .seed),
        FlagHelp("init output", .data, "folder"),
        FlagHelp("prepare output", .data, "file"),
        FlagHelp("output", .data, "path"),
        FlagHelp("output-dir", .data, "folder"),
        FlagHelp("format", .data, "form"),
        FlagHelp("strict", .data),
        FlagHelp("question", .data, "text", standard: "none: lines of stdin, or a prompt"),
        FlagHelp("context", .data, "text", standard: "none"),
    ]

    private static let batches = [
        FlagHelp("batch-size", .batches, "n", .count),
        FlagHelp("per-device-train-batch-size", .batches, "n", .count, standard: "none"),
        FlagHelp("gradient-accumulation-steps", .batches, "n", .count, standard: "1"),
        FlagHelp("num-train-epochs", .batches, "n", .epochs),
        FlagHelp("max-steps", .batches, "n", .count, standard: "none"),
        FlagHelp("max-train-samples", .batches, "n", .count, standard: "none: all"),
        FlagHelp("seed", .batches, "n", .seed),
        FlagHelp("no-shuffle", .batches),
    ]

    private static let optimizer = [
        FlagHelp("learning-rate", .optimizer, "rate", .positive),
        FlagHelp("weight-decay", .optimizer, "factor", .notNegative),
        FlagHelp("adam-beta1", .optimizer, "share", .shareBelowOne),
        FlagHelp("adam-beta2", .optimizer, "share", .shareBelowOne),
        FlagHelp("adam-epsilon", .optimizer, "x", .positive),
        FlagHelp("max-grad-norm", .optimizer, "norm", .notNegative),
        FlagHelp("lr-scheduler-type", .schedule, "kind"),
        FlagHelp("warmup-ratio", .schedule, "share", .share),
        FlagHelp("warmup-steps", .schedule, "n", .fromZero, standard: "none"),
        FlagHelp("lr-restarts", .schedule, "n", .count),
        FlagHelp("restart-epochs", .schedule, "n", .count, standard: "none"),
        FlagHelp("restart-multiplier", .schedule, "n", .count),
        FlagHelp("gamma", .schedule, "factor", .decay),
    ]

    private static let tuning = [
        FlagHelp("hidden-dropout-prob", .tuning, "p", .probability, standard: "the model's"),
        FlagHelp("attention-dropout-prob", .tuning, "p", .probability, standard: "the model's"),
        FlagHelp("label-smoothing", .tuning, "share", .probability, standard: "0"),
        FlagHelp("layerwise-lr-decay", .tuning, "factor", .decay, standard: "1"),
        FlagHelp("freeze-embeddings", .tuning),
        FlagHelp("freeze-layers", .tuning, "n", .fromZero, standard: "0"),
        FlagHelp("skip-nonfinite-steps", .tuning, "n", .fromZero, standard: "0"),
    ]

    private static let windows = [
        FlagHelp(
            "max-seq-length", .windows, "tokens", .count("up to the model's positions"),
            standard: "384, or the model's positions where those are fewer"),
        FlagHelp(
            "train max-seq-length", .windows, "tokens", .count("up to the model's positions"), standard: "384"
        ),
        FlagHelp("bench max-seq-length", .measuring, "tokens", .count),
        FlagHelp("doc-stride", .windows, "tokens", .fromZero),
        FlagHelp("max-query-length", .windows, "tokens", .count, standard: "none"),
        FlagHelp("features", .windows, "way"),
        FlagHelp("clean", .windows, "rules", standard: "none"),
        FlagHelp("split-sentences", .windows),
        FlagHelp("unanswerable-windows", .windows, "way"),
        FlagHelp("feature-cache", .windows, "folder", standard: "none"),
        FlagHelp(
            "train feature-cache", .windows, "folder", standard: "features in the output folder"),
        FlagHelp("no-feature-cache", .windows),
    ]

    private static let answers = [
        FlagHelp("version-2-with-negative", .answers),
        FlagHelp("null-score-diff-threshold", .answers, "score", .finite),
        FlagHelp("n-best-size", .answers, "n", .count),
        FlagHelp("max-answer-length", .answers, "tokens", .count),
        FlagHelp("decode", .answers, "way"),
        FlagHelp("trim-particles", .answers),
        FlagHelp("strip-special-tokens", .answers),
        FlagHelp("blank-longer-than", .answers, "n", .count, standard: "none"),
        FlagHelp("calibrate", .answers),
        FlagHelp("top-k", .answers, "n", .count),
    ]

    private static let validation = [
        FlagHelp("validation-file", .validation, "file", standard: "none"),
        FlagHelp("validation-split", .validation, "share", .part, standard: "none"),
        FlagHelp("split-by", .validation, "unit"),
        FlagHelp("eval-strategy", .validation, "when"),
        FlagHelp("eval-steps", .validation, "n", .count),
        FlagHelp("max-eval-samples", .validation, "n", .count, standard: "none: all"),
        FlagHelp("metric-for-best-model", .validation, "metric"),
        FlagHelp("early-stopping-patience", .validation, "n", .count, standard: "none"),
        FlagHelp("load-best-model-at-end", .validation),
    ]

    private static let saving = [
        FlagHelp("save-strategy", .saving, "when"),
        FlagHelp("save-steps", .saving, "n", .count),
        FlagHelp("save-total-limit", .saving, "n", .count),
        FlagHelp("checkpoint-compression", .saving, "way"),
        FlagHelp("resume", .saving, "file", standard: "begin anew"),
        FlagHelp("allow-changed-settings", .saving),
    ]

    private static let compute = [
        FlagHelp("precision", .compute, "form"),
        FlagHelp("allow-slow-precision", .compute),
        FlagHelp("product-library", .compute, "name"),
        FlagHelp("micro-batch-tokens", .compute, "n", .count, standard: "chosen from the model"),
        FlagHelp(
            "threads", .compute, "n", .threads,
            standard: "the cores it may use, shared by the host's ranks"),
        FlagHelp("gradient-checkpointing", .compute),
        FlagHelp("collective-timeout", .ranks, "seconds", .seconds),
        FlagHelp("gradient-bucket-megabytes", .ranks, "megabytes", .megabytes),
        FlagHelp("communication-progress", .ranks, "who"),
        FlagHelp("shard-optimizer", .ranks),
        FlagHelp("shared-memory", .ranks),
        FlagHelp("gradient-compression", .ranks, "form"),
        FlagHelp("deterministic-reduction", .ranks),
        FlagHelp("parameter-check-steps", .ranks, "n", .fromZero),
    ]

    private static let others = [
        FlagHelp("tokens", .measuring, "n", .count),
        FlagHelp("steps", .measuring, "n", .count),
        FlagHelp("bench batch-size", .measuring, "n", .count),
        FlagHelp("size", .measuring, "name"),
        FlagHelp("bench config", .measuring, "file", standard: "none: that of --size"),
        FlagHelp("link-gigabits", .measuring, "rate", .positive),
        FlagHelp("link-microseconds", .measuring, "time", .notNegative),
        FlagHelp("profile", .measuring),
        FlagHelp("json", .watching),
        FlagHelp("verify", .watching),
        FlagHelp("diff", .watching),
        FlagHelp("logging-steps", .watching, "n", .count),
        FlagHelp("show-samples", .watching, "n", .fromZero),
        FlagHelp("evaluate seed", .watching, "n", .seed),
        FlagHelp("quiet", .watching),
        FlagHelp("debug", .watching),
        FlagHelp("overfit-batch", .watching, "n", .count, standard: "none"),
        FlagHelp("do-lower-case", .text, standard: "as the model folder says"),
        FlagHelp("strip-accents", .text, standard: "as the model folder says"),
        FlagHelp("config", .settings, "file", standard: "none"),
        FlagHelp("version", .other),
        FlagHelp("help", .other),
    ]
}
