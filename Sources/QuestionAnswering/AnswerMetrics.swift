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
    /// Questions without a prediction; each scored as the empty text.
    package var missing = 0

    /// Scores `predictions` on every question of `dataset` whose answers are known. With several gold answers the
    /// best counts.
    package init(dataset: Dataset, predictions: Predictions) {
        for question in dataset.questions where question.hasKnownAnswers {
            total += 1
            let prediction = predictions[question.id]
            if prediction == nil { missing += 1 }
            add(prediction ?? "", golds: question.answers.map(\.text), version: dataset.squadVersion)
        }
        guard total > 0 else { return }
        let count = Double(total)
        exactMatch = 100 * exactMatch / count
        f1 = 100 * f1 / count
        korquadExactMatch = 100 * korquadExactMatch / count
        korquadF1 = 100 * korquadF1 / count
        editDistance /= count
    }

    private mutating func add(_ prediction: String, golds: [String], version: SquadVersion) {
        let squad = SquadMetrics.score(prediction, golds: golds, version: version)
        let korquad = KorquadMetrics.score(prediction, golds: golds)
        exactMatch += squad.exactMatch
        f1 += squad.f1
        korquadExactMatch += korquad.exactMatch
        korquadF1 += korquad.f1
        editDistance += Double(Self.leastEditDistance(prediction, golds: golds))
    }

    /// The least over the gold answers; without any, to the empty text.
    package static func leastEditDistance(_ prediction: String, golds: [String]) -> Int {
        golds.map { QuestionAnswering.editDistance(prediction, $0) }.min() ?? prediction.unicodeScalars.count
    }

    /// Members in the order of the result files; null where nothing could be scored.
    package var members: [(String, JSONValue)] {
        func mean(_ value: Double) -> JSONValue { total > 0 ? .number(value) : .null }
        return [
            ("exact_match", mean(exactMatch)), ("f1", mean(f1)),
            ("korquad_exact_match", mean(korquadExactMatch)), ("korquad_f1", mean(korquadF1)),
            ("edit_distance", mean(editDistance)), ("total", .integer(total)),
            ("missing", .integer(missing)),
        ]
    }

    package var json: JSONValue { .object(members) }
}
