import Core

/// Questions drawn from a dataset, with their answers, for people to look at.
package enum AnswerSamples {
    /// Code points of the context shown on either side of the gold answer.
    private static let margin = 80

    /// Text of `count` questions drawn with `seed`, in the dataset's order: question, excerpt of the context
    /// around the gold answer, gold and predicted answer, scores. The gold answer stands in `[[` and `]]`, on a
    /// terminal in bold; nothing else is there that a terminal would obey.
    ///
    /// - Parameters:
    ///   - predictions: of the questions of `dataset`, in its order.
    ///   - scores: as many, or nil when the dataset has no gold answers.
    package static func text(
        dataset: Dataset, predictions: [Prediction], scores: [QuestionScore]?, count: Int, seed: UInt64,
        isTerminal: Bool = false
    ) -> String {
        precondition(predictions.count == dataset.questions.count)
        precondition(scores.map { $0.count == predictions.count } ?? true)
        return drawn(count, of: predictions.count, seed: seed).map { index in
            let question = dataset.questions[index]
            var lines = ["\(oneLine(question.id)): \(oneLine(question.text))"]
            let excerpt = excerpt(
                of: question, context: dataset.context(of: question), isTerminal: isTerminal)
            lines.append("  context    \(excerpt)")
            if scores != nil { lines.append("  gold       \(shown(question.answers.map(\.text)))") }
            lines.append("  predicted  \(shown([predictions[index].text]))")
            if let score = scores?[index] { lines.append("  scores     \(shown(score))") }
            return lines.joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }

    /// Different indexes below `total`, rising; all of them when there are no more than `count`.
    static func drawn(_ count: Int, of total: Int, seed: UInt64) -> [Int] {
        guard count > 0, total > 0 else { return [] }
        let random = CounterRandom(seed: seed, stream: .max)
        var indexes = Array(0..<total)
        for place in 0..<min(count, total) {
            indexes.swapAt(place, place + random.index(below: total - place, UInt64(place)))
        }
        return indexes.prefix(count).sorted()
    }

    private static func excerpt(of question: Question, context: String, isTerminal: Bool) -> String {
        let text = CodePoints(context)
        // Without an answer, or with one that is not there, the context's beginning.
        var answer = 0..<0
        if let gold = question.answers.first {
            let goldText = CodePoints(gold.text)
            if goldText.count > 0, text.holds(goldText, at: gold.start) {
                answer = gold.start..<gold.start + goldText.count
            }
        }
        let start = max(answer.lowerBound - margin, 0)
        let end = min(answer.upperBound + (answer.isEmpty ? 2 : 1) * margin, text.count)
        let (open, close) = isTerminal ? ("\u{1B}[1m", "\u{1B}[0m") : ("[[", "]]")
        let marked =
            answer.isEmpty ? "" : open + oneLine(text.slice(answer.lowerBound, answer.upperBound)) + close
        return (start > 0 ? "…" : "") + oneLine(text.slice(start, answer.lowerBound)) + marked
            + oneLine(text.slice(answer.upperBound, end)) + (end < text.count ? "…" : "")
    }

    private static func shown(_ answers: [String]) -> String {
        let texts = answers.filter { !$0.isEmpty }
        return texts.isEmpty ? "(no answer)" : texts.map(oneLine).joined(separator: " | ")
    }

    private static func shown(_ score: QuestionScore) -> String {
        func percent(_ share: Double) -> String { String(Int((100 * share).rounded())) }
        return "exact match \(percent(score.squad.exactMatch)) · F1 \(percent(score.squad.f1)) · "
            + "KorQuAD exact match \(percent(score.korquad.exactMatch)) · F1 \(percent(score.korquad.f1)) · "
            + "edit distance \(score.editDistance)"
    }

    private static func oneLine(_ text: String) -> String { PrintableText.onOneLine(text) }
}
