import Foundation

/// Turns logits into ranked candidates as `postprocess_qa_predictions` of Hugging Face's `run_qa.py` does, in
/// the same `Float` arithmetic. What that leaves open is settled so: equal logits by lower token, equal scores
/// by lower start in the context, then shorter, then earlier window; the null answer after its equals.
///
/// With `AnswerDecoding.argmax` a list holds one candidate a window instead, the window of the highest score
/// first, of equal ones the earlier: from the token with the highest start logit to the one with the highest
/// end logit, of any length. Where these are not both in the context, or in the wrong order, the candidate is
/// the empty answer.
package struct AnswerExtractor: Sendable {
    package let settings: AnswerSettings

    package init(settings: AnswerSettings) {
        precondition(settings.bestCount > 0 && settings.maxAnswerLength > 0)
        self.settings = settings
    }

    /// The candidates for every question of `dataset`, in its order.
    ///
    /// - Parameters:
    ///   - features: windows of the questions, in any order of questions.
    ///   - logits: one for each feature.
    /// - Throws: `FeatureError.nonFiniteLogits`.
    package func candidates<Features: RandomAccessCollection<Feature>>(
        for dataset: Dataset, features: Features, logits: [SpanLogits]
    ) throws(FeatureError) -> [CandidateList] where Features.Index == Int {
        precondition(features.count == logits.count)
        var windows: [[Int]] = Array(repeating: [], count: dataset.questions.count)
        for (index, feature) in features.enumerated() { windows[feature.questionIndex].append(index) }
        var lists: [CandidateList] = []
        lists.reserveCapacity(windows.count)
        var context: (index: Int, text: CodePoints)?
        for (question, indexes) in zip(dataset.questions, windows) {
            let text: CodePoints
            if let context, context.index == question.contextIndex {
                text = context.text
            } else {
                text = CodePoints(dataset.context(of: question))
                context = (question.contextIndex, text)
            }
            lists.append(
                try candidates(
                    questionID: question.id, context: text, features: indexes.map { features[$0] },
                    logits: indexes.map { logits[$0] }))
        }
        return lists
    }

    /// The candidates for one question from its windows.
    ///
    /// - Throws: `FeatureError.nonFiniteLogits`.
    package func candidates(
        questionID: String, context: CodePoints, features: [Feature], logits: [SpanLogits]
    ) throws(FeatureError) -> CandidateList {
        var spans: [SpanCandidate] = []
        var null: SpanCandidate?
        for (feature, logits) in zip(features, logits) {
            precondition(logits.start.count == feature.count)
            guard logits.start.allSatisfy(\.isFinite), logits.end.allSatisfy(\.isFinite) else {
                throw .nonFiniteLogits(questionID: questionID, window: feature.window)
            }
            if settings.decoding == .argmax {
                spans.append(likeliestSpan(of: feature, logits: logits))
            } else {
                appendSpans(of: feature, logits: logits, to: &spans)
            }
            let windowNull = SpanCandidate(
                start: 0, end: 0, startLogit: logits.start[0], endLogit: logits.end[0])
            if null.map({ $0.score > windowNull.score }) ?? true { null = windowNull }
        }
        if !settings.allowsNoAnswer { null = nil }
        let kept = settings.decoding == .argmax ? rankedWindows(spans) : ranked(spans, null: null)
        let scored = scored(kept, context: context)
        return CandidateList(
            questionID: questionID, candidates: scored, nullOdds: null.flatMap { odds(of: $0, among: scored) }
        )
    }

    /// The answer to every question of `dataset`, in its order: candidates and choice in one.
    ///
    /// - Throws: `FeatureError.nonFiniteLogits`.
    package func predictions<Features: RandomAccessCollection<Feature>>(
        for dataset: Dataset, features: Features, logits: [SpanLogits]
    ) throws(FeatureError) -> [Prediction] where Features.Index == Int {
        let chooser = AnswerChooser(settings: settings)
        return try candidates(for: dataset, features: features, logits: logits).map(chooser.prediction)
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

    /// From the likeliest start to the likeliest end, sought over every token of the window.
    private func likeliestSpan(of feature: Feature, logits: SpanLogits) -> SpanCandidate {
        let start = highestIndex(of: logits.start)
        let end = highestIndex(of: logits.end)
        let tokens = start <= end ? (feature.contextToken(at: start), feature.contextToken(at: end)) : nil
        var span = 0..<0
        if case (let first?, let last?)? = tokens { span = Int(first.start)..<Int(last.end) }
        return SpanCandidate(
            start: span.lowerBound, end: span.upperBound, startLogit: logits.start[start],
            endLogit: logits.end[end])
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

    /// The best `bestCount` windows, one span each; equal ones in their order.
    private func rankedWindows(_ spans: [SpanCandidate]) -> [SpanCandidate] {
        highestIndexes(of: spans.map(\.score), count: settings.bestCount).map { spans[$0] }
    }

    /// Texts and probabilities. An n-best list without any candidate but an empty text gets one called `empty`
    /// of score 0 in front, as in the reference; it is never the answer.
    private func scored(_ candidates: [SpanCandidate], context: CodePoints) -> [ScoredAnswer] {
        var entries = candidates.map { ($0, context.slice($0.start, $0.end)) }
        if settings.decoding != .argmax, entries.isEmpty || (entries.count == 1 && entries[0].1.isEmpty) {
            let none = SpanCandidate(start: 0, end: 0, startLogit: 0, endLogit: 0)
            entries.insert((none, ScoredAnswer.placeholderText), at: 0)
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

    private func odds(of null: SpanCandidate, among candidates: [ScoredAnswer]) -> Float? {
        // Subtracted one after the other, as the reference does: the rounding decides at the threshold.
        candidates.first { !$0.text.isEmpty }.map { null.score - $0.startLogit - $0.endLogit }
    }
}
