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
    /// Checksum of the validation windows, contexts and answers, on rank 0; nil without validation.
    let validation: UInt64?
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
            ProgressKey.validation: .text(validationText),
        ]
    }

    fileprivate var validationText: String { validation.map(Self.text) ?? TrainingProgress.noValidation }
    fileprivate static func text(_ checksum: UInt64) -> String { String(checksum, radix: 16) }
}

extension TrainingProgress {
    fileprivate static let noValidation = "none"

    /// Whether the run may have had something to validate on.
    fileprivate var validates: Bool { text(ProgressKey.validation) != Self.noValidation }
}

/// Compares a run that goes on with the one that saved the checkpoint.
struct ResumeCheck {
    /// Changes of the training, as "--batch-size 8 instead of 16".
    private(set) var changes: [String] = []
    /// Changes that make another evaluation the best.
    private(set) var redefinitions: [String] = []
    /// Changes of when the run evaluates and of what evaluations decide.
    private(set) var choices: [String] = []
    /// Changes of the last bits of sums.
    private(set) var differences: [String] = []
    /// Changes without any effect on the training or on what is best.
    private(set) var trifles: [String] = []
    /// Sentences about what the checkpoint does not tell.
    private(set) var notices: [String] = []

    /// - saved: of the checkpoint at `path`.
    init(_ current: TrainingIdentity, saved: TrainingProgress, path: String) throws {
        guard let before = Self.settings(saved.settings), let now = Self.settings(current.settings) else {
            throw CheckpointError(
                .badData, "the settings of the run are not a JSON object", path: path, item: "/training",
                remedy: "resume from another checkpoint")
        }
        // Without evaluations there is no best.
        let validates =
            (current.validation != nil || saved.validates)
            && [before, now].contains { $0["eval-strategy"] != "\"no\"" }
        for change in Self.changes(before, now) {
            take(change, dependsOnLength: current.schedule.dependsOnLength, validates: validates)
        }
        changes += Self.contentChanges(current, saved)
        if validates {
            compareValidation(current, saved, samePath: before["validation-file"] == now["validation-file"])
        }
        if let ranks = saved.integer(ProgressKey.ranks), ranks != current.ranks {
            differences.append("\(current.ranks) ranks instead of \(ranks)")
        }
    }

    private struct Change {
        let name: String
        /// Nil for a setting that this program does not know.
        let effect: SettingEffect?
        /// As "--batch-size 8 instead of 16".
        let text: String
    }

    /// In the order of the rules; what has none, as a checkpoint of a later program may have, comes last.
    private static func changes(_ before: [String: String], _ now: [String: String]) -> [Change] {
        let known = SettingRule.all.map(\.name)
        let unknown = Set(before.keys).union(now.keys).subtracting(known).sorted()
        let rules =
            SettingRule.all.map { (name: $0.name, effect: Optional($0.effect), before: $0.before) }
            + unknown.map { (name: $0, effect: nil, before: "null") }
        return rules.compactMap { name, effect, standard in
            let (old, new) = (before[name] ?? standard, now[name] ?? "null")
            guard old != new else { return nil }
            let text =
                "--\(name) \(new == "null" ? "not given" : new) instead of \(old == "null" ? "none" : old)"
            return Change(
                name: name, effect: effect,
                text: effect == nil ? "\(text), a setting that this version does not know" : text)
        }
    }

    private mutating func take(_ change: Change, dependsOnLength: Bool, validates: Bool) {
        switch change.effect {
        case nil, .training: changes.append(change.text)
        case .length where dependsOnLength: changes.append(change.text)
        case .best where validates: redefinitions.append(change.text)
        case .choice where validates: choices.append(change.text)
        case .rounding: differences.append(change.text)
        case .length, .best, .choice, .nothing: trifles.append(change.text)
        }
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

    /// A checkpoint from before it said what was validated on is taken at the name of the file.
    private mutating func compareValidation(
        _ current: TrainingIdentity, _ saved: TrainingProgress, samePath: Bool
    ) {
        guard let old = saved.text(ProgressKey.validation) else {
            if !samePath {
                redefinitions.append("another --validation-file, by its name")
            } else if current.validation != nil {
                notices.append(
                    "the checkpoint does not say what it was validated on: taking that for the same as now")
            }
            return
        }
        guard old != current.validationText else { return }
        redefinitions.append(
            current.validation == nil
                ? "nothing to validate on"
                : old == TrainingProgress.noValidation
                    ? "questions to validate on" : "other questions or windows to validate on")
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

// MARK: The verdict

extension ResumeCheck {
    /// Whether the best evaluation so far need not be the best any more.
    var redefinesBest: Bool { !redefinitions.isEmpty }

    /// Throws when the training, or what is best in it, would be another, unless that is `allowed`.
    ///
    /// - log: takes what the user should know.
    func require(allowed: Bool, log: (String) -> Void) throws {
        let refused = changes + redefinitions + choices
        guard refused.isEmpty || allowed else {
            throw TrainingError.setting(
                flag: "--resume", problem: problem,
                remedy: "give them as they were, or add --allow-changed-settings")
        }
        for notice in notices { log(notice) }
        if !differences.isEmpty {
            log("\(Self.list(differences)): the same training, but for the last bits of sums")
        }
        if !trifles.isEmpty {
            log("\(Self.list(trifles)): neither the training nor what is best in it depends on that")
        }
        if !refused.isEmpty { log("going on with \(Self.list(refused))") }
    }

    private var problem: String {
        [
            (changes, "that the training depends on"),
            (redefinitions, "that decide which checkpoint is best"),
            (choices, "that decide what evaluations are for"),
        ].filter { !$0.0.isEmpty }.map { "settings have changed \($1): \(Self.list($0))" }
            .joined(separator: "; ")
    }

    private static func list(_ changes: [String]) -> String { changes.joined(separator: ", ") }
}
