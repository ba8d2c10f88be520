import Foundation

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

    package init(
        bestCount: Int = 20, maxAnswerLength: Int = 30, allowsNoAnswer: Bool = false, nullThreshold: Float = 0
    ) {
        self.bestCount = bestCount
        self.maxAnswerLength = maxAnswerLength
        self.allowsNoAnswer = allowsNoAnswer
        self.nullThreshold = nullThreshold
    }
}

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
}

/// The answer to one question.
package struct Prediction: Sendable, Equatable {
    package let questionID: String
    /// The answer's text; empty when there is none.
    package let text: String
    /// The candidate behind the answer, nil when the answer is that there is none.
    package let answer: ScoredAnswer?
    /// Best first; holds the null answer when `allowsNoAnswer`.
    package let candidates: [ScoredAnswer]
    /// Null score minus the best other score, when `allowsNoAnswer`.
    package let nullOdds: Float?

    package init(
        questionID: String, text: String, answer: ScoredAnswer?, candidates: [ScoredAnswer], nullOdds: Float?
    ) {
        self.questionID = questionID
        self.text = text
        self.answer = answer
        self.candidates = candidates
        self.nullOdds = nullOdds
    }
}

/// Turns logits into answers as `postprocess_qa_predictions` of Hugging Face's `run_qa.py` does, in the same
/// `Float` arithmetic. What that leaves open is settled so: equal logits by lower token, equal scores by
/// lower start in the context, then shorter, then earlier window; the null answer after its equals.
package struct AnswerExtractor: Sendable {
    package let settings: AnswerSettings

    package init(settings: AnswerSettings) {
        precondition(settings.bestCount > 0 && settings.maxAnswerLength > 0)
        self.settings = settings
    }

    /// The answer to every question of `dataset`, in its order.
    ///
    /// - Parameters:
    ///   - features: windows of the questions, in any order of questions.
    ///   - logits: one for each feature.
    /// - Throws: `FeatureError.nonFiniteLogits`.
    package func predictions(
        for dataset: Dataset, features: [Feature], logits: [SpanLogits]
    ) throws(FeatureError) -> [Prediction] {
        precondition(features.count == logits.count)
        var windows: [[Int]] = Array(repeating: [], count: dataset.questions.count)
        for (index, feature) in features.enumerated() { windows[feature.questionIndex].append(index) }
        var predictions: [Prediction] = []
        predictions.reserveCapacity(windows.count)
        var context: (index: Int, text: CodePoints)?
        for (question, indexes) in zip(dataset.questions, windows) {
            let text: CodePoints
            if let context, context.index == question.contextIndex {
                text = context.text
            } else {
                text = CodePoints(dataset.context(of: question))
                context = (question.contextIndex, text)
            }
            predictions.append(
                try prediction(
                    questionID: question.id, context: text, features: indexes.map { features[$0] },
                    logits: indexes.map { logits[$0] }))
        }
        return predictions
    }

    /// The answer to one question from its windows.
    ///
    /// - Throws: `FeatureError.nonFiniteLogits`.
    package func prediction(
        questionID: String, context: CodePoints, features: [Feature], logits: [SpanLogits]
    ) throws(FeatureError) -> Prediction {
        var spans: [SpanCandidate] = []
        var null: SpanCandidate?
        for (feature, logits) in zip(features, logits) {
            precondition(logits.start.count == feature.count)
            guard logits.start.allSatisfy(\.isFinite), logits.end.allSatisfy(\.isFinite) else {
                throw .nonFiniteLogits(questionID: questionID, window: feature.window)
            }
            appendSpans(of: feature, logits: logits, to: &spans)
            let windowNull = SpanCandidate(
                start: 0, end: 0, startLogit: logits.start[0], endLogit: logits.end[0])
            if null.map({ $0.score > windowNull.score }) ?? true { null = windowNull }
        }
        let kept = ranked(spans, null: settings.allowsNoAnswer ? null : nil)
        return choose(
            from: scored(kept, context: context), questionID: questionID,
            nullScore: settings.allowsNoAnswer ? null?.score : nil)
    }

    /// Pairs of the window's best starts and ends that lie in the context, in order and not too long.
    private func appendSpans(of feature: Feature, logits: SpanLogits, to spans: inout [SpanCandidate]) {
        let ends = highestIndexes(of: logits.end, count: settings.bestCount)
        for start in highestIndexes(of: logits.start, count: settings.bestCount) {
            guard let first = feature.contextToken(at: start) else { continue }
            for end in ends where end >= start && end - start < settings.maxAnswerLength {
                guard let last = feature.contextToken(at: end) else { continue }
                spans.append(
                    SpanCandidate(
                        start: Int(first.start), end: Int(last.end), startLogit: logits.start[start],
                        endLogit: logits.end[end]))
            }
        }
    }

    /// The best `bestCount`; the null answer is kept even when it is not among them.
    private func ranked(_ spans: [SpanCandidate], null: SpanCandidate?) -> [SpanCandidate] {
        var all = spans
        if let null { all.append(null) }
        // Position in `all` comes last, for the sort is not promised to be stable.
        let order = all.indices.sorted { left, right in
            if all[left].isNull != all[right].isNull, all[left].score == all[right].score {
                return all[right].isNull
            }
            if SpanCandidate.ranksBefore(all[left], all[right]) { return true }
            if SpanCandidate.ranksBefore(all[right], all[left]) { return false }
            return left < right
        }
        var kept = order.prefix(settings.bestCount).map { all[$0] }
        if let null, !kept.contains(where: \.isNull) { kept.append(null) }
        return kept
    }

    /// Texts and probabilities. Without any candidate but an empty text, one called `empty` of score 0 comes
    /// first, so that there is always an answer.
    private func scored(_ candidates: [SpanCandidate], context: CodePoints) -> [ScoredAnswer] {
        var entries = candidates.map { ($0, context.slice($0.start, $0.end)) }
        if entries.isEmpty || (entries.count == 1 && entries[0].1.isEmpty) {
            entries.insert((SpanCandidate(start: 0, end: 0, startLogit: 0, endLogit: 0), "empty"), at: 0)
        }
        let probabilities = softmax(entries.map(\.0.score))
        return zip(entries, probabilities).map { entry, probability in
            let (span, text) = entry
            return ScoredAnswer(
                text: text, start: span.start, end: span.end, startLogit: span.startLogit,
                endLogit: span.endLogit, probability: probability)
        }
    }

    private func softmax(_ scores: [Float]) -> [Float] {
        guard let highest = scores.max() else { return [] }
        let weights = scores.map { Float(exp(Double($0 - highest))) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    private func choose(from candidates: [ScoredAnswer], questionID: String, nullScore: Float?) -> Prediction
    {
        guard let nullScore else {
            return Prediction(
                questionID: questionID, text: candidates.first?.text ?? "", answer: candidates.first,
                candidates: candidates, nullOdds: nil)
        }
        let best = candidates.first { !$0.text.isEmpty }
        // Subtracted one after the other, as the reference does: the rounding decides at the threshold.
        let odds = best.map { nullScore - $0.startLogit - $0.endLogit }
        let answer = (odds ?? .infinity) > settings.nullThreshold ? nil : best
        return Prediction(
            questionID: questionID, text: answer?.text ?? "", answer: answer, candidates: candidates,
            nullOdds: odds)
    }
}
