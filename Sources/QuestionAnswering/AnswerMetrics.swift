/// Means over the questions of a dataset.
package struct AnswerMetrics: Sendable, Equatable {
    /// SQuAD script, 0 to 100.
    package var exactMatch = 0.0
    /// SQuAD script, over words, 0 to 100.
    package var f1 = 0.0
    /// KorQuAD script, 0 to 100.
    package var korquadExactMatch = 0.0
    /// KorQuAD script, over code points, 0 to 100.
    package var korquadF1 = 0.0
    /// In code points on the raw texts; lower is better.
    package var editDistance = 0.0
    /// Questions with known answers.
    package var total = 0
    /// Questions without a prediction, as the scripts of SQuAD 1.1 and KorQuAD 1.0 count them: 0 each. The one of SQuAD
    /// 2.0 ends without a figure.
    package var missing = 0

    /// Scores `predictions` on every question of `dataset` whose answers are known. With several gold answers the
    /// best counts.
    package init(dataset: Dataset, predictions: Predictions) {
        self.init(QuestionScore.all(dataset: dataset.withKnownAnswers, predictions: predictions))
    }

    /// The means of `scores`; all 0 without any.
    package init(_ scores: some Collection<QuestionScore>) {
        for score in scores {
            exactMatch += score.squad.exactMatch
            f1 += score.squad.f1
            korquadExactMatch += score.korquad.exactMatch
            korquadF1 += score.korquad.f1
            editDistance += Double(score.editDistance)
            if score.isMissing { missing += 1 }
        }
        total = scores.count
        guard total > 0 else { return }
        let count = Double(total)
        exactMatch = 100 * exactMatch / count
        f1 = 100 * f1 / count
        korquadExactMatch = 100 * korquadExactMatch / count
        korquadF1 = 100 * korquadF1 / count
        editDistance /= count
    }

    /// The least over the gold answers; without any, to the empty text.
    package static func leastEditDistance(_ prediction: String, golds: [String]) -> Int {
        golds.map { QuestionAnswering.editDistance(prediction, $0) }.min() ?? prediction.unicodeScalars.count
    }

    /// Members in the order of the result files.
    package var members: [(String, JSONValue)] {
        [
            ("exact_match", .number(exactMatch)), ("f1", .number(f1)),
            ("korquad_exact_match", .number(korquadExactMatch)), ("korquad_f1", .number(korquadF1)),
            ("edit_distance", .number(editDistance)), ("total", .integer(total)),
            ("missing", .integer(missing)),
        ]
    }

    package var json: JSONValue { .object(members) }
}
