/// Notices about figures that may not be what they are taken for, a line each.
package enum ScoringNotices {
    /// Notices about predictions that are missing or are of no question.
    ///
    /// - dataset: every question of the file, also those that are not scored.
    package static func unmatched(_ predictions: Predictions, in dataset: Dataset) -> [String] {
        let scored = dataset.withKnownAnswers
        let missing = scored.questions.count { predictions[$0.id] == nil }
        let extra = predictions.count - dataset.questions.count { predictions[$0.id] != nil }
        var notices: [String] = []
        if missing > 0 {
            let script =
                scored.squadVersion == .version2
                ? "; the script of SQuAD 2.0 gives no figures where one is missing" : ""
            notices.append(
                "\(missing) of \(scored.questions.count) questions have no prediction: each counts 0, as in the "
                    + "scripts of SQuAD 1.1 and KorQuAD 1.0\(script)")
        }
        if extra > 0 {
            notices.append(
                "\(extra) of \(predictions.count) predictions are of no question of the dataset: left out")
        }
        return notices
    }

    /// That questions without an answer will get one all the same; nil where there are none, or answers may be empty.
    ///
    /// - purpose: as "train on".
    package static func unanswerable(
        in dataset: Dataset, settings: AnswerSettings, purpose: String
    ) -> String? {
        let count = dataset.unanswerableCount
        guard count > 0, !settings.leavesAnswersEmpty else { return nil }
        return
            "\(count) of \(dataset.questions.count) questions to \(purpose) have no answer, but no answer will be "
            + "left empty (\(dataset.paths.joined(separator: ", "))): give --version-2-with-negative"
    }

    /// That `korquad_f1` is no measure of questions without an answer; nil where there are none.
    package static func korquadF1(of dataset: Dataset) -> String? {
        let (count, total) = (dataset.unanswerableCount, dataset.questions.count { $0.hasKnownAnswers })
        guard count > 0 else { return nil }
        return
            "\(count) of \(total) questions have no answer, and korquad_f1 gives 0 to a right empty answer, as the "
            + "script of KorQuAD 1.0 does: f1 gives it 1"
    }
}
