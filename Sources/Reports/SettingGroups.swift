import QuestionAnswering

/// Which settings stand together in a table.
enum SettingGroup: String, CaseIterable {
    case data = "Model and data"
    case batches = "Batches and length"
    case optimizer = "Optimizer"
    case regularization = "Regularisation and freezing"
    case windows = "Windows"
    case answers = "Answers"
    case evaluation = "Evaluation and checkpoints"
    case compute = "Compute and ranks"
    case other = "Other"

    private static let flags: [(SettingGroup, String)] = [
        (
            .data,
            "model output-dir train-file validation-file validation-split split-by strict seed no-shuffle"
        ),
        (
            .data,
            "max-train-samples max-eval-samples feature-cache no-feature-cache do-lower-case strip-accents"
        ),
        (.batches, "batch-size num-train-epochs max-steps overfit-batch"),
        (.optimizer, "learning-rate lr-scheduler-type warmup-ratio warmup-steps lr-restarts restart-epochs"),
        (
            .optimizer,
            "restart-multiplier gamma weight-decay adam-beta1 adam-beta2 adam-epsilon max-grad-norm"
        ),
        (.optimizer, "layerwise-lr-decay skip-nonfinite-steps"),
        (.regularization, "hidden-dropout-prob attention-dropout-prob label-smoothing freeze-embeddings"),
        (.regularization, "freeze-layers"),
        (.windows, "max-seq-length doc-stride max-query-length unanswerable-windows features clean"),
        (.windows, "split-sentences"),
        (.answers, "version-2-with-negative null-score-diff-threshold n-best-size max-answer-length decode"),
        (.answers, "trim-particles strip-special-tokens blank-longer-than calibrate"),
        (.evaluation, "eval-strategy eval-steps save-strategy save-steps save-total-limit"),
        (.evaluation, "checkpoint-compression metric-for-best-model early-stopping-patience"),
        (.evaluation, "load-best-model-at-end logging-steps"),
        (.compute, "threads micro-batch-tokens gradient-checkpointing precision parameter-check-steps"),
        (.compute, "allow-slow-precision product-library"),
        (.compute, "gradient-bucket-megabytes communication-progress shard-optimizer shared-memory"),
        (.compute, "deterministic-reduction gradient-compression"),
    ]

    private static let order: [(group: SettingGroup, flag: String)] = flags.flatMap { group, names in
        names.split(separator: " ").map { (group, String($0)) }
    }

    /// The names of `settings` by group, in a sensible order; what no group has stands last.
    static func grouped(_ settings: some Collection<String>) -> [(group: SettingGroup, flags: [String])] {
        let known = Set(order.map(\.flag))
        let present = Set(settings)
        return allCases.compactMap { group in
            let flags =
                group == .other
                ? present.subtracting(known).sorted()
                : order.filter { $0.group == group && present.contains($0.flag) }.map(\.flag)
            return flags.isEmpty ? nil : (group, flags)
        }
    }
}
