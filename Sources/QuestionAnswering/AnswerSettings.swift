/// How the answer is chosen from what the model says about the tokens; the raw values are those of `--decode`.
package enum AnswerDecoding: String, Sendable, CaseIterable {
    /// The best of the n-best list, as `run_qa.py` takes it.
    case best = "nbest"
    /// The likeliest start and the likeliest end of the best window, whatever lies between them.
    case argmax
    /// Of the n-best texts, their trimmed forms and the empty answer, the one with the least expected edit
    /// distance under the n-best probabilities.
    case leastEditDistance = "min-edit-distance"
}

/// How answers are chosen.
package struct AnswerSettings: Sendable, Equatable {
    /// Starts and ends looked at in each window, and candidates kept for a question.
    package var bestCount: Int
    /// In tokens.
    package var maxAnswerLength: Int
    /// Whether the answer may be empty: `--version-2-with-negative`.
    package var allowsNoAnswer: Bool
    /// The answer is empty when the null score exceeds the best other score by more than this.
    package var nullThreshold: Float
    package var decoding: AnswerDecoding
    /// A longer answer, in code points, becomes empty; nil leaves every answer.
    package var blankLongerThan: Int?
    /// Whether `[UNK]` and its like are taken out of answers.
    package var stripsSpecialTokens: Bool
    /// Whether trailing particles go where the n-best list prefers the answer without.
    package var trimsParticles: Bool
    /// Whether the null threshold is fitted on a dataset with answers.
    package var calibrates: Bool

    package init(
        bestCount: Int = 20, maxAnswerLength: Int = 30, allowsNoAnswer: Bool = false,
        nullThreshold: Float = 0, decoding: AnswerDecoding = .best, blankLongerThan: Int? = nil,
        stripsSpecialTokens: Bool = false, trimsParticles: Bool = false, calibrates: Bool = false
    ) {
        self.bestCount = bestCount
        self.maxAnswerLength = maxAnswerLength
        self.allowsNoAnswer = allowsNoAnswer
        self.nullThreshold = nullThreshold
        self.decoding = decoding
        self.blankLongerThan = blankLongerThan
        self.stripsSpecialTokens = stripsSpecialTokens
        self.trimsParticles = trimsParticles
        self.calibrates = calibrates
    }

    /// Whether a question can be left without an answer because the model finds none.
    package var leavesAnswersEmpty: Bool { allowsNoAnswer || decoding == .argmax }
}
