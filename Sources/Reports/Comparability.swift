import QuestionAnswering

/// Whether figures of several runs say which run is better: only those that were measured on the same data in the same
/// way do.
struct Comparability {
    /// Why no run is marked as the best; empty where all may be.
    let reasons: [String]
    private let isComparable: Bool
    private let isLossComparable: Bool

    /// - defaults: settings by the names of their flags: what a run does not name has them.
    init(_ runs: [(label: String, report: RunReport)], defaults: [String: SettingValue]) {
        let measured = runs.filter { $0.report.delivered?.evaluation != nil }
        var reasons: [String] = []
        let unknown = measured.filter { $0.report.record.validationData == nil }.map(\.label)
        let data = measured.compactMap(\.report.record.validationData)
        if !unknown.isEmpty {
            reasons.append(
                "No ★: what \(unknown.joined(separator: ", ")) was validated on is not known "
                    + "(\(RunRecordFile.name) has no hash of it).")
        } else if data.contains(where: { $0 != data.first }) {
            reasons.append("No ★: the runs were not validated on the same data.")
        }
        let differing = Self.answerFlags.filter { flag in
            let values = measured.map { $0.report.record.settings[flag] ?? defaults[flag] ?? .nothing }
            return values.contains { $0 != values.first }
        }
        if !differing.isEmpty {
            let flags = differing.map { "--\($0)" }.joined(separator: ", ")
            reasons.append("No ★: the runs did not choose their answers alike (\(flags)).")
        }
        isComparable = reasons.isEmpty
        let windows = measured.map(\.report.record.validationWindows)
        isLossComparable = isComparable && windows.allSatisfy { $0 != nil && $0 == windows[0] }
        if isComparable, !isLossComparable {
            reasons.append(
                "No ★ for the loss: the windows that it is the mean of differ, or are not known.")
        }
        self.reasons = measured.count > 1 ? reasons : []
    }

    func allows(_ name: EvaluationValue) -> Bool { name == .loss ? isLossComparable : isComparable }

    /// Settings of answers, which change the scores of one and the same model.
    private static let answerFlags = [
        "version-2-with-negative", "null-score-diff-threshold", "n-best-size", "max-answer-length", "decode",
        "trim-particles", "strip-special-tokens", "blank-longer-than", "calibrate",
    ]
}

extension RunRecordFile {
    /// Identity of the questions that were validated on; nil where the record does not tell them from others.
    fileprivate var validationData: [String]? {
        let isSplit = settings["validation-file"] == nil
        let files = (isSplit ? settings["train-file"] : settings["validation-file"])?.texts ?? []
        let hashes = files.compactMap { datasets[$0] }
        guard !files.isEmpty, hashes.count == files.count else { return nil }
        let drawn = isSplit ? ["validation-split", "split-by", "seed"] : []
        return hashes + (drawn + ["max-eval-samples"]).map { "\($0) \((settings[$0] ?? .nothing).text)" }
    }
}
