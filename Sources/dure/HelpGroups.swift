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
    /// Which values it takes, where those have no names.
    let range: String?
    /// What is taken when it is not given, where the declaration does not say.
    let standard: String?

    init(
        _ name: String, _ group: HelpGroup, _ value: String? = nil, _ range: String? = nil,
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
        FlagHelp("init seed", .data, "n", "0 or more"),
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
        FlagHelp("batch-size", .batches, "n", "1 or more"),
        FlagHelp("per-device-train-batch-size", .batches, "n", "1 or more", standard: "none"),
        FlagHelp("gradient-accumulation-steps", .batches, "n", "1 or more", standard: "1"),
        FlagHelp("num-train-epochs", .batches, "n", "above 0, also parts"),
        FlagHelp("max-steps", .batches, "n", "1 or more", standard: "none"),
        FlagHelp("max-train-samples", .batches, "n", "1 or more", standard: "none: all"),
        FlagHelp("seed", .batches, "n", "0 or more"),
        FlagHelp("no-shuffle", .batches),
    ]

    private static let optimizer = [
        FlagHelp("learning-rate", .optimizer, "rate", "above 0"),
        FlagHelp("weight-decay", .optimizer, "factor", "0 or more"),
        FlagHelp("adam-beta1", .optimizer, "share", "from 0 to below 1"),
        FlagHelp("adam-beta2", .optimizer, "share", "from 0 to below 1"),
        FlagHelp("adam-epsilon", .optimizer, "x", "above 0"),
        FlagHelp("max-grad-norm", .optimizer, "norm", "0 or more"),
        FlagHelp("lr-scheduler-type", .schedule, "kind"),
        FlagHelp("warmup-ratio", .schedule, "share", "from 0 to 1"),
        FlagHelp("warmup-steps", .schedule, "n", "0 or more", standard: "none"),
        FlagHelp("lr-restarts", .schedule, "n", "1 or more"),
        FlagHelp("restart-epochs", .schedule, "n", "1 or more", standard: "none"),
        FlagHelp("restart-multiplier", .schedule, "n", "1 or more"),
        FlagHelp("gamma", .schedule, "factor", "above 0, and at most 1"),
    ]

    private static let tuning = [
        FlagHelp("hidden-dropout-prob", .tuning, "p", "from 0 to below 1", standard: "the model's"),
        FlagHelp("attention-dropout-prob", .tuning, "p", "from 0 to below 1", standard: "the model's"),
        FlagHelp("label-smoothing", .tuning, "share", "from 0 to below 1", standard: "0"),
        FlagHelp("layerwise-lr-decay", .tuning, "factor", "above 0, and at most 1", standard: "1"),
        FlagHelp("freeze-embeddings", .tuning),
        FlagHelp("freeze-layers", .tuning, "n", "0 or more", standard: "0"),
        FlagHelp("skip-nonfinite-steps", .tuning, "n", "0 or more", standard: "0"),
    ]

    private static let windows = [
        FlagHelp(
            "max-seq-length", .windows, "tokens", "up to the model's positions",
            standard: "384, or the model's positions where those are fewer"),
        FlagHelp("train max-seq-length", .windows, "tokens", "up to the model's positions", standard: "384"),
        FlagHelp("bench max-seq-length", .measuring, "tokens", "1 or more"),
        FlagHelp("doc-stride", .windows, "tokens", "0 or more"),
        FlagHelp("max-query-length", .windows, "tokens", "1 or more", standard: "none"),
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
        FlagHelp("null-score-diff-threshold", .answers, "score", "any number, also below 0"),
        FlagHelp("n-best-size", .answers, "n", "1 or more"),
        FlagHelp("max-answer-length", .answers, "tokens", "1 or more"),
        FlagHelp("decode", .answers, "way"),
        FlagHelp("trim-particles", .answers),
        FlagHelp("strip-special-tokens", .answers),
        FlagHelp("blank-longer-than", .answers, "n", "1 or more", standard: "none"),
        FlagHelp("calibrate", .answers),
        FlagHelp("top-k", .answers, "n", "1 or more"),
    ]

    private static let validation = [
        FlagHelp("validation-file", .validation, "file", standard: "none"),
        FlagHelp("validation-split", .validation, "share", "between 0 and 1", standard: "none"),
        FlagHelp("split-by", .validation, "unit"),
        FlagHelp("eval-strategy", .validation, "when"),
        FlagHelp("eval-steps", .validation, "n", "1 or more"),
        FlagHelp("max-eval-samples", .validation, "n", "1 or more", standard: "none: all"),
        FlagHelp("metric-for-best-model", .validation, "metric"),
        FlagHelp("early-stopping-patience", .validation, "n", "1 or more", standard: "none"),
        FlagHelp("load-best-model-at-end", .validation),
    ]

    private static let saving = [
        FlagHelp("save-strategy", .saving, "when"),
        FlagHelp("save-steps", .saving, "n", "1 or more"),
        FlagHelp("save-total-limit", .saving, "n", "1 or more"),
        FlagHelp("checkpoint-compression", .saving, "way"),
        FlagHelp("resume", .saving, "file", standard: "begin anew"),
        FlagHelp("allow-changed-settings", .saving),
    ]

    private static let compute = [
        FlagHelp("precision", .compute, "form"),
        FlagHelp("allow-slow-precision", .compute),
        FlagHelp("product-library", .compute, "name"),
        FlagHelp("micro-batch-tokens", .compute, "n", "1 or more", standard: "chosen from the model"),
        FlagHelp(
            "threads", .compute, "n", "from 1 to 1024",
            standard: "the cores it may use, shared by the host's ranks"),
        FlagHelp("gradient-checkpointing", .compute),
        FlagHelp("collective-timeout", .ranks, "seconds", "above 0"),
        FlagHelp("gradient-bucket-megabytes", .ranks, "megabytes", "above 0"),
        FlagHelp("communication-progress", .ranks, "who"),
        FlagHelp("shard-optimizer", .ranks),
        FlagHelp("shared-memory", .ranks),
        FlagHelp("gradient-compression", .ranks, "form"),
        FlagHelp("deterministic-reduction", .ranks),
        FlagHelp("parameter-check-steps", .ranks, "n", "0 or more"),
    ]

    private static let others = [
        FlagHelp("tokens", .measuring, "n", "1 or more"),
        FlagHelp("steps", .measuring, "n", "1 or more"),
        FlagHelp("bench batch-size", .measuring, "n", "1 or more"),
        FlagHelp("size", .measuring, "name"),
        FlagHelp("bench config", .measuring, "file", standard: "none: that of --size"),
        FlagHelp("link-gigabits", .measuring, "rate", "above 0"),
        FlagHelp("link-microseconds", .measuring, "time", "0 or more"),
        FlagHelp("profile", .measuring),
        FlagHelp("json", .watching),
        FlagHelp("verify", .watching),
        FlagHelp("diff", .watching),
        FlagHelp("logging-steps", .watching, "n", "1 or more"),
        FlagHelp("show-samples", .watching, "n", "0 or more"),
        FlagHelp("evaluate seed", .watching, "n", "0 or more"),
        FlagHelp("quiet", .watching),
        FlagHelp("debug", .watching),
        FlagHelp("overfit-batch", .watching, "n", "1 or more", standard: "none"),
        FlagHelp("do-lower-case", .text, standard: "as the model folder says"),
        FlagHelp("strip-accents", .text, standard: "as the model folder says"),
        FlagHelp("config", .settings, "file", standard: "none"),
        FlagHelp("version", .other),
        FlagHelp("help", .other),
    ]
}
