/// Effect of a setting: whether a resumed run may have another value of it than the run that saved.
package enum SettingEffect: Sendable, Equatable, CaseIterable {
    /// Changes the weights: refused.
    case training
    /// The same, where the schedule depends on how long the run is.
    case length
    /// How evaluations compare: refused, for the best so far need not be it any more.
    case best
    /// When there are evaluations, when they end the run, and whether it leaves the best weights: refused, but the best so
    /// far stays it.
    case choice
    /// The last bits of sums: told.
    case rounding
    /// Nothing that a run leaves: told. Files are known by their content, whatever they are called.
    case nothing
}

/// A setting as runs record it.
package struct SettingRule: Sendable {
    /// Name of the flag, without dashes.
    package let name: String
    package let effect: SettingEffect
    /// Its value, as JSON, in runs from before it was there.
    package let before: String

    init(_ name: String, _ effect: SettingEffect, before: String = "null") {
        self.name = name
        self.effect = effect
        self.before = before
    }
}

extension SettingRule {
    /// Every setting that a run records.
    package static let all = data + text + windows + optimizer + schedule + answers + run + compute + ranks

    private static let data = [
        SettingRule("model", .nothing),
        SettingRule("output-dir", .nothing),
        SettingRule("train-file", .nothing),
        SettingRule("validation-file", .nothing),
        SettingRule("validation-split", .training),
        SettingRule("split-by", .training),
        SettingRule("max-train-samples", .training),
        SettingRule("max-eval-samples", .best),
        SettingRule("strict", .training),
        SettingRule("feature-cache", .nothing),
        SettingRule("no-feature-cache", .nothing),
    ]

    private static let text = [
        SettingRule("do-lower-case", .training),
        SettingRule("strip-accents", .training),
    ]

    private static let windows = [
        SettingRule("max-seq-length", .training),
        SettingRule("doc-stride", .training),
        SettingRule("max-query-length", .training),
        SettingRule("unanswerable-windows", .training),
        SettingRule("features", .training, before: "\"default\""),
        SettingRule("clean", .training),
        SettingRule("split-sentences", .training, before: "false"),
    ]

    private static let optimizer = [
        SettingRule("batch-size", .training),
        SettingRule("learning-rate", .training),
        SettingRule("weight-decay", .training),
        SettingRule("adam-beta1", .training),
        SettingRule("adam-beta2", .training),
        SettingRule("adam-epsilon", .training),
        SettingRule("max-grad-norm", .training),
        SettingRule("layerwise-lr-decay", .training, before: "1"),
        SettingRule("label-smoothing", .training, before: "0"),
        SettingRule("freeze-embeddings", .training, before: "false"),
        SettingRule("freeze-layers", .training, before: "0"),
        SettingRule("hidden-dropout-prob", .training),
        SettingRule("attention-dropout-prob", .training),
        SettingRule("seed", .training),
        SettingRule("no-shuffle", .training),
        SettingRule("overfit-batch", .training),
    ]

    private static let schedule = [
        SettingRule("lr-scheduler-type", .training),
        SettingRule("lr-restarts", .training),
        SettingRule("restart-epochs", .training),
        SettingRule("restart-multiplier", .training),
        SettingRule("gamma", .training),
        SettingRule("num-train-epochs", .length),
        SettingRule("max-steps", .length),
        SettingRule("warmup-ratio", .length),
        SettingRule("warmup-steps", .length),
    ]

    private static let answers = [
        SettingRule("version-2-with-negative", .best, before: "false"),
        SettingRule("null-score-diff-threshold", .best, before: "0"),
        SettingRule("n-best-size", .best),
        SettingRule("max-answer-length", .best),
        SettingRule("decode", .best, before: "\"nbest\""),
        SettingRule("trim-particles", .best, before: "false"),
        SettingRule("strip-special-tokens", .best, before: "false"),
        SettingRule("blank-longer-than", .best),
        SettingRule("calibrate", .best, before: "false"),
        SettingRule("metric-for-best-model", .best, before: "\"loss\""),
    ]

    private static let run = [
        SettingRule("eval-strategy", .choice),
        SettingRule("eval-steps", .choice),
        SettingRule("early-stopping-patience", .choice),
        SettingRule("load-best-model-at-end", .choice, before: "false"),
        SettingRule("save-strategy", .nothing),
        SettingRule("save-steps", .nothing),
        SettingRule("save-total-limit", .nothing),
        SettingRule("checkpoint-compression", .nothing, before: "\"none\""),
        SettingRule("logging-steps", .nothing),
        SettingRule("skip-nonfinite-steps", .nothing, before: "0"),
    ]

    private static let compute = [
        // It rounds every operand of a product to 8 bits, as gradient-compression does what is sent: that is more than
        // the last bits of sums.
        SettingRule("precision", .training, before: "\"fp32\""),
        SettingRule("allow-slow-precision", .nothing, before: "false"),
        SettingRule("product-library", .rounding, before: "\"openblas\""),
        SettingRule("micro-batch-tokens", .rounding),
        SettingRule("threads", .rounding),
        SettingRule("gradient-checkpointing", .nothing, before: "false"),
    ]

    private static let ranks = [
        SettingRule("gradient-compression", .training, before: "\"none\""),
        SettingRule("gradient-bucket-megabytes", .rounding),
        SettingRule("deterministic-reduction", .rounding, before: "false"),
        SettingRule("shard-optimizer", .rounding),
        SettingRule("shared-memory", .rounding),
        SettingRule("communication-progress", .nothing, before: "\"thread\""),
        SettingRule("parameter-check-steps", .nothing, before: "100"),
    ]
}
