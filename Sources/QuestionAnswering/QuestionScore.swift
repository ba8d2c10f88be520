/// How good the answer to one question is; all metrics of the design.
package struct QuestionScore: Sendable, Equatable {
    package let questionID: String
    /// SQuAD script, 0 to 1.
    package let squad: AnswerScore
    /// KorQuAD script, 0 to 1.
    package let korquad: AnswerScore
    /// In code points on the raw texts, the least over the gold answers.
    package let editDistance: Int
    /// Whether there was no prediction, which scores 0 however right the empty text would be; the edit distance is
    /// that of the empty text.
    package let isMissing: Bool

    package init(
        questionID: String, squad: AnswerScore, korquad: AnswerScore, editDistance: Int, isMissing: Bool
    ) {
        self.questionID = questionID
        self.squad = squad
        self.korquad = korquad
        self.editDistance = editDistance
        self.isMissing = isMissing
    }

    /// - prediction: nil when there is none.
    package init(_ prediction: String?, question: Question, version: SquadVersion) {
        let golds = question.answers.map(\.text)
        let text = prediction ?? ""
        let none = AnswerScore(exactMatch: 0, f1: 0)
        questionID = question.id
        squad = prediction.map { SquadMetrics.score($0, golds: golds, version: version) } ?? none
        korquad = prediction.map { KorquadMetrics.score($0, golds: golds) } ?? none
        editDistance = AnswerMetrics.leastEditDistance(text, golds: golds)
        isMissing = prediction == nil
    }

    /// The scores of `predictions` on every question of `dataset`, in its order, whose answers must be known.
    package static func all(dataset: Dataset, predictions: Predictions) -> [QuestionScore] {
        dataset.questions.map { question in
            QuestionScore(predictions[question.id], question: question, version: dataset.squadVersion)
        }
    }
}
