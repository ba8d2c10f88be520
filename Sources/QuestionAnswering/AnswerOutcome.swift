/// How an answer relates to the right one: what kind of error it is, if any.
package enum AnswerOutcome: String, Sendable, CaseIterable {
    /// Right by `exact_match`.
    case exact
    /// Holds the right answer and more.
    case tooLong = "too_long"
    /// Is a part of the right answer.
    case tooShort = "too_short"
    /// Shares a part with the right answer, and each has something that the other lacks.
    case overlap
    /// Stands elsewhere in the context.
    case elsewhere
    /// Empty, though there is an answer.
    case missed
    /// There is no answer, but one was given.
    case spurious
    /// The right answer is not known.
    case unknown
}

/// An answer and where it and the right one stand in the context.
package struct PlacedAnswer: Sendable, Equatable {
    package let outcome: AnswerOutcome
    /// Code points of the context; of several places that hold the text the one that shares most with a right
    /// answer. Nil where the text does not stand in the context.
    package let predicted: Range<Int>?
    /// The right answer that it comes nearest to; nil where there is none, or it is not found in the context.
    package let gold: Range<Int>?
    /// How many places of the context hold the answer's text.
    package let places: Int

    /// - context: the question's.
    /// - isExact: whether `exact_match` takes the answer for right.
    package init(_ prediction: String, question: Question, context: CodePoints, isExact: Bool) {
        let text = CodePoints(prediction)
        let golds = question.answers.compactMap { Self.place(of: $0, in: context) }
        let found = context.occurrences(of: text)
        let nearest = Self.nearest(found, golds)
        places = found.count
        predicted = nearest?.predicted ?? found.first
        gold = nearest?.gold ?? golds.first
        if !question.hasKnownAnswers {
            outcome = .unknown
        } else if isExact {
            outcome = .exact
        } else if question.answers.isEmpty {
            outcome = .spurious
        } else if prediction.isEmpty {
            outcome = .missed
        } else if let nearest {
            outcome = Self.outcome(nearest.predicted, nearest.gold)
        } else {
            outcome = found.isEmpty ? Self.outcome(text, question.answers) : .elsewhere
        }
    }

    /// Where the dataset says, or where the text stands once.
    private static func place(of answer: Answer, in context: CodePoints) -> Range<Int>? {
        let text = CodePoints(answer.text)
        guard text.count > 0 else { return nil }
        let start = context.holds(text, at: answer.start) ? answer.start : context.onlyOccurrence(of: text)
        return start.map { $0..<$0 + text.count }
    }

    /// The two that share most; of equals the first. Nil where none share anything.
    private static func nearest(
        _ found: [Range<Int>], _ golds: [Range<Int>]
    ) -> (predicted: Range<Int>, gold: Range<Int>)? {
        var best: (predicted: Range<Int>, gold: Range<Int>)?
        var most = 0
        for predicted in found {
            for gold in golds where predicted.clamped(to: gold).count > most {
                best = (predicted, gold)
                most = predicted.clamped(to: gold).count
            }
        }
        return best
    }

    private static func outcome(_ predicted: Range<Int>, _ gold: Range<Int>) -> AnswerOutcome {
        if predicted.clamped(to: gold) == gold { return .tooLong }
        return predicted.clamped(to: gold) == predicted ? .tooShort : .overlap
    }

    /// Of an answer that is no slice of the context, by the texts alone.
    private static func outcome(_ text: CodePoints, _ answers: [Answer]) -> AnswerOutcome {
        let golds = answers.map { CodePoints($0.text) }.filter { $0.count > 0 }
        if golds.contains(where: { !text.occurrences(of: $0).isEmpty }) { return .tooLong }
        return golds.contains { !$0.occurrences(of: text).isEmpty } ? .tooShort : .elsewhere
    }
}
