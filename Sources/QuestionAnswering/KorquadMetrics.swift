/// The evaluation script of KorQuAD 1.0.
package enum KorquadMetrics {
    /// The best over the gold answers; without any, the gold answer is the empty text.
    package static func score(_ prediction: String, golds: [String]) -> AnswerScore {
        let words = normalizedWords(prediction)
        let characters = words.flatMap(\.self)
        return AnswerScore.best(
            (golds.isEmpty ? [""] : golds).map { gold in
                let goldWords = normalizedWords(gold)
                return AnswerScore(
                    exactMatch: words == goldWords ? 1 : 0,
                    f1: overlapF1(characters, goldWords.flatMap(\.self)))
            })
    }

    /// Quotation marks and brackets count as white space; then lower case, without ASCII punctuation, split
    /// at white space.
    static func normalizedWords(_ text: String) -> [[Unicode.Scalar]] {
        let spaced = text.unicodeScalars.map { separators.contains($0) ? " " : $0 }
        let bare = PythonText.lowercased(spaced).filter { !PythonText.isASCIIPunctuation($0) }
        return PythonText.split(bare).map(Array.init)
    }

    private static let separators: Set<Unicode.Scalar> = [
        "'", "\"", "《", "》", "<", ">", "〈", "〉", "(", ")", "‘", "’",
    ]
}
