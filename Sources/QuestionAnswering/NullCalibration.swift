/// A null threshold fitted on a dataset with answers, and how good the answers are with it.
package struct NullThreshold: Sendable, Equatable {
    /// For `--null-score-diff-threshold`.
    package let threshold: Float
    /// SQuAD script, 0 to 100.
    package let exactMatch: Double
    /// SQuAD script, 0 to 100.
    package let f1: Double

    /// Members under the names of the SQuAD 2.0 script.
    package static func members(exact: NullThreshold, f1: NullThreshold) -> [(String, JSONValue)] {
        [
            ("best_exact", .number(exact.exactMatch)), ("best_exact_thresh", .float(exact.threshold)),
            ("best_f1", .number(f1.f1)), ("best_f1_thresh", .float(f1.threshold)),
        ]
    }
}

/// What a calibration makes as great as it can.
package enum CalibrationTarget: String, Sendable, CaseIterable {
    case exactMatch = "exact_match"
    case f1
}

/// Finds the null threshold as `find_best_thresh` of the SQuAD 2.0 script does: questions in the order of their
/// null odds are answered one after the other, the others left empty, and the best sum of scores decides.
///
/// Other than there, questions of equal odds are answered together, for no threshold parts them; of thresholds
/// with equally good answers the one nearest to 0 is taken, of two as near the negative one; and where leaving
/// every answer empty is best, the threshold is the number below the least odds.
package struct NullCalibration: Sendable {
    /// Both scores of the answer, and of leaving it empty, at the odds of the question.
    private struct Question {
        let odds: Float
        let answered: AnswerScore
        let empty: AnswerScore
    }

    /// By rising odds.
    private let questions: [Question]
    /// Sums over all questions when every answer is empty.
    private let emptyTotal: AnswerScore
    private let total: Int

    /// - Parameters:
    ///   - lists: of the questions of `dataset`, in its order.
    ///   - settings: how the answer is made when it is not left empty; `nullThreshold` is not looked at.
    package init(_ lists: [CandidateList], dataset: Dataset, settings: AnswerSettings) {
        precondition(lists.count == dataset.questions.count)
        var answering = settings
        answering.nullThreshold = .infinity
        let chooser = AnswerChooser(settings: answering)
        var questions: [Question] = []
        var emptyTotal = AnswerScore(exactMatch: 0, f1: 0)
        for (list, question) in zip(lists, dataset.questions) {
            let golds = question.answers.map(\.text)
            func score(_ text: String) -> AnswerScore {
                SquadMetrics.score(text, golds: golds, version: dataset.squadVersion)
            }
            let empty = score("")
            emptyTotal.exactMatch += empty.exactMatch
            emptyTotal.f1 += empty.f1
            // Without odds the question is left empty by every threshold.
            guard let odds = list.nullOdds else { continue }
            let answered = score(chooser.prediction(from: list).text)
            questions.append(Question(odds: odds, answered: answered, empty: empty))
        }
        self.questions = questions.sorted { $0.odds < $1.odds }
        self.emptyTotal = emptyTotal
        total = lists.count
    }

    /// The best threshold; nil without a question that has null odds.
    package func best(_ target: CalibrationTarget) -> NullThreshold? {
        guard let least = questions.first?.odds else { return nil }
        var (exact, f1) = (emptyTotal.exactMatch, emptyTotal.f1)
        var best = threshold(least.nextDown, exact, f1)
        for (index, question) in questions.enumerated() {
            exact += question.answered.exactMatch - question.empty.exactMatch
            f1 += question.answered.f1 - question.empty.f1
            let isLastOfEquals = index + 1 == questions.count || questions[index + 1].odds > question.odds
            guard isLastOfEquals else { continue }
            let found = threshold(question.odds, exact, f1)
            if isBetter(found, than: best, target) { best = found }
        }
        return best
    }

    private func threshold(_ odds: Float, _ exact: Double, _ f1: Double) -> NullThreshold {
        NullThreshold(
            threshold: odds, exactMatch: 100 * exact / Double(total), f1: 100 * f1 / Double(total))
    }

    private func isBetter(
        _ found: NullThreshold, than best: NullThreshold, _ target: CalibrationTarget
    ) -> Bool {
        let gain = target == .f1 ? found.f1 - best.f1 : found.exactMatch - best.exactMatch
        // Sums taken in another order differ in their last bits.
        if abs(gain) > 1e-9 { return gain > 0 }
        return abs(found.threshold) < abs(best.threshold)
    }
}
