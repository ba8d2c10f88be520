/// A candidate answer: a slice of the context, `start` and `end` in code points.
package struct ScoredAnswer: Sendable, Equatable {
    package let text: String
    package let start: Int
    package let end: Int
    package let startLogit: Float
    package let endLogit: Float
    /// Among the candidates kept.
    package let probability: Float

    package init(text: String, start: Int, end: Int, startLogit: Float, endLogit: Float, probability: Float) {
        self.text = text
        self.start = start
        self.end = end
        self.startLogit = startLogit
        self.endLogit = endLogit
        self.probability = probability
    }

    /// The text that stands in a list without any candidate.
    static let placeholderText = "empty"

    /// Whether this is no span of the context but the word for having no candidate.
    var isPlaceholder: Bool { start == 0 && end == 0 && !text.isEmpty }

    fileprivate func isOther(than answer: ScoredAnswer) -> Bool {
        (start, end) != (answer.start, answer.end) && !isPlaceholder
    }

    /// The part of the answer at `range`, in code points of its text; logits and probability stay those of
    /// the whole.
    func narrowed(to range: Range<Int>) -> ScoredAnswer {
        let scalars = Array(text.unicodeScalars)
        guard range != 0..<scalars.count else { return self }
        return replacingText(by: CodePoints.text(of: scalars[range]), at: range, of: scalars.count)
    }

    /// The same with another text, which stands for the part at `range` of the `count` code points of this one.
    func replacingText(by text: String, at range: Range<Int>, of count: Int) -> ScoredAnswer {
        // A text that is not the slice between the offsets says nothing about where its parts stand.
        let isSlice = end - start == count
        return ScoredAnswer(
            text: text, start: isSlice ? start + range.lowerBound : start,
            end: isSlice ? start + range.upperBound : end, startLogit: startLogit, endLogit: endLogit,
            probability: probability)
    }
}

/// The answer to one question.
package struct Prediction: Sendable, Equatable {
    package let questionID: String
    /// The answer's text; empty when there is none.
    package let text: String
    /// The candidate behind the answer, nil when the answer is that there is none. Where the answer was
    /// trimmed its text and span are the trimmed ones; where special tokens were taken out of its middle the
    /// span still holds them.
    package let answer: ScoredAnswer?
    /// Best first; holds the null answer when `allowsNoAnswer`.
    package let candidates: [ScoredAnswer]
    /// Null score minus the best other score, when `allowsNoAnswer`.
    package let nullOdds: Float?
    /// What `trimsParticles` took off.
    package let trimmedParticle: TrimmedParticle?

    package init(
        questionID: String, text: String, answer: ScoredAnswer?, candidates: [ScoredAnswer], nullOdds: Float?,
        trimmedParticle: TrimmedParticle? = nil
    ) {
        self.questionID = questionID
        self.text = text
        self.answer = answer
        self.candidates = candidates
        self.nullOdds = nullOdds
        self.trimmedParticle = trimmedParticle
    }

    /// The chosen answer, then the other candidates, best first. That there is no answer is one too, with an empty
    /// text; a placeholder stands for nothing else.
    package var ranked: [ScoredAnswer] {
        let spans = candidates.filter { !$0.text.isEmpty && !$0.isPlaceholder }
        if let answer { return [answer] + candidates.filter { $0.isOther(than: answer) } }
        let empty = candidates.filter { $0.text.isEmpty || $0.isPlaceholder }
        let none = ScoredAnswer(
            text: "", start: 0, end: 0, startLogit: empty.last?.startLogit ?? 0,
            endLogit: empty.last?.endLogit ?? 0,
            probability: min(1, empty.reduce(0) { $0 + $1.probability }))
        return [none] + spans
    }
}
