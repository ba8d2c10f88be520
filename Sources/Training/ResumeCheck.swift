import Checkpoints
import Foundation
import QuestionAnswering

/// What a training depends on, as a checkpoint has it and as the run that goes on has it.
struct TrainingIdentity: Sendable, Equatable {
    /// Every setting as JSON, by the name of its flag.
    let settings: String
    let schedule: LearningRateSchedule
    /// Checksums.
    let features: UInt64
    let tokenizer: UInt64
    let configuration: UInt64
    let ranks: Int
    let threads: Int
    let microBatchTokens: Int

    /// What goes into a checkpoint besides the settings.
    var attributes: [String: AttributeValue] {
        [
            ProgressKey.ranks: .integer(ranks), ProgressKey.threads: .integer(threads),
            ProgressKey.microBatchTokens: .integer(microBatchTokens),
            ProgressKey.features: .text(Self.text(features)),
            ProgressKey.tokenizer: .text(Self.text(tokenizer)),
            ProgressKey.configuration: .text(Self.text(configuration)),
        ]
    }

    fileprivate static func text(_ checksum: UInt64) -> String { String(checksum, radix: 16) }
}

/// Compares a run that goes on with the one that saved the checkpoint.
struct ResumeCheck {
    /// Settings that change what is trained.
    private static let decisive = [
        "batch-size", "learning-rate", "weight-decay", "adam-beta1", "adam-beta2", "adam-epsilon",
        "max-grad-norm", "lr-scheduler-type", "lr-restarts", "restart-epochs", "restart-multiplier", "gamma",
        "max-seq-length", "doc-stride", "max-query-length", "unanswerable-windows", "features", "clean",
        "split-sentences", "do-lower-case", "strip-accents", "strict", "validation-split",
        "split-by", "seed",
        "no-shuffle", "hidden-dropout-prob", "attention-dropout-prob", "gradient-compression",
        "metric-for-best-model", "layerwise-lr-decay", "label-smoothing", "freeze-embeddings",
        "freeze-layers",
        "max-train-samples", "max-eval-samples", "overfit-batch",
        // It rounds every operand of a product to 8 bits, as gradient-compression does what is sent: that is more
        // than the last bits of sums.
        "precision",
    ]
    /// What a checkpoint from before some settings were there was trained with.
    private static let once = [
        "features": "\"default\"", "split-sentences": "false", "layerwise-lr-decay": "1",
        "label-smoothing": "0", "freeze-embeddings": "false", "freeze-layers": "0",
        "precision": "\"fp32\"", "product-library": "\"openblas\"",
    ]
    /// Settings that, together with the data, make the schedule.
    private static let length = ["num-train-epochs", "max-steps", "warmup-ratio", "warmup-steps"]
    /// Settings that change how sums are rounded, and nothing else.
    private static let rounding = [
        "deterministic-reduction", "gradient-bucket-megabytes", "shard-optimizer", "shared-memory",
        "product-library",
    ]

    /// What changes the training, as "--batch-size 8 instead of 16".
    let changes: [String]
    /// What changes the last bits.
    let differences: [String]

    /// - saved: of the checkpoint at `path`.
    init(_ current: TrainingIdentity, saved: TrainingProgress, path: String) throws {
        guard let before = Self.settings(saved.settings), let now = Self.settings(current.settings) else {
            throw CheckpointError(
                .badData, "the settings of the run are not a JSON object", path: path, item: "/training",
                remedy: "resume from another checkpoint")
        }
        func changes(_ names: [String]) -> [String] {
            names.compactMap { name in
                let (old, new) = (before[name] ?? Self.once[name] ?? "null", now[name] ?? "null")
                guard old != new else { return nil }
                return "--\(name) \(new == "null" ? "not given" : new) instead of "
                    + (old == "null" ? "none" : old)
            }
        }
        var decisive = changes(Self.decisive)
        if current.schedule.dependsOnLength { decisive += changes(Self.length) }
        decisive += Self.contentChanges(current, saved)
        self.changes = decisive
        var differences = changes(Self.rounding)
        for (name, key, value) in [
            ("ranks", ProgressKey.ranks, current.ranks), ("threads", ProgressKey.threads, current.threads),
            ("--micro-batch-tokens", ProgressKey.microBatchTokens, current.microBatchTokens),
        ] {
            guard let old = saved.integer(key), old != value else { continue }
            differences.append("\(value) \(name) instead of \(old)")
        }
        self.differences = differences
    }

    /// Of files, whose names do not count.
    private static func contentChanges(_ current: TrainingIdentity, _ saved: TrainingProgress) -> [String] {
        [
            (ProgressKey.features, current.features, "--train-file with other features"),
            (ProgressKey.tokenizer, current.tokenizer, "--model with another vocabulary or tokenizer"),
            (ProgressKey.configuration, current.configuration, "--model with another configuration"),
        ].compactMap { key, value, what in
            guard let old = saved.text(key), old != TrainingIdentity.text(value) else { return nil }
            return what
        }
    }

    /// Throws when the training would be another, unless that is `allowed`.
    ///
    /// - log: takes what the user should know.
    func require(allowed: Bool, log: (String) -> Void) throws {
        if !differences.isEmpty {
            log(
                "\(differences.joined(separator: ", ")): the same training, but for the last bits of sums")
        }
        guard !changes.isEmpty else { return }
        let list = changes.joined(separator: ", ")
        guard allowed else {
            throw TrainingError.setting(
                flag: "--resume", problem: "settings have changed that the training depends on: \(list)",
                remedy: "give them as they were, or add --allow-changed-settings")
        }
        log("going on with \(list)")
    }

    /// Each member as JSON text; nil when `text` is not an object.
    private static func settings(_ text: String) -> [String: String]? {
        guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)),
            let object = value as? [String: Any]
        else { return nil }
        return object.mapValues { value in
            let data = try? JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
            return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
        }
    }
}
