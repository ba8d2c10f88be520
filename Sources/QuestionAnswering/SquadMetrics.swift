/// Exact match and F1 of one prediction, from 0 to 1.
package struct AnswerScore: Sendable, Equatable {
    package var exactMatch: Double
    package var f1: Double

    package init(exactMatch: Double, f1: Double) {
        self.exactMatch = exactMatch
        self.f1 = f1
    }

    /// The higher of each, not necessarily of the same gold answer.
    static func best(_ scores: some Sequence<AnswerScore>) -> AnswerScore {
        scores.reduce(AnswerScore(exactMatch: 0, f1: 0)) {
            AnswerScore(exactMatch: max($0.exactMatch, $1.exactMatch), f1: max($0.f1, $1.f1))
        }
    }
}

/// The evaluation scripts of SQuAD 1.1 and 2.0.
package enum SquadMetrics {
    /// The best over the gold answers.
    package static func score(_ prediction: String, golds: [String], version: SquadVersion) -> AnswerScore {
        let words = normalizedWords(prediction)
        var goldWords = golds.map(normalizedWords)
        if version == .version2 { goldWords.removeAll(where: \.isEmpty) }
        // No gold answer left means that having none is right.
        if goldWords.isEmpty { goldWords = [[]] }
        return AnswerScore.best(
            goldWords.map { gold in
                AnswerScore(exactMatch: words == gold ? 1 : 0, f1: f1(words, gold, version: version))
            })
    }

    /// Lower case, without ASCII punctuation and articles, split at white space. Two texts normalise to the
    /// same text when their words are the same.
    static func normalizedWords(_ text: String) -> [[Unicode.Scalar]] {
        let lower = PythonText.lowercased(Array(text.unicodeScalars))
        let bare = lower.filter { !PythonText.isASCIIPunctuation($0) }
        return PythonText.split(withoutArticles(bare)).map(Array.init)
    }

    /// Replaces each run of word characters that is an article by a space, which is what the scripts'
    /// `\b(a|an|the)\b` comes to: a Hangul syllable or digit touching an article is part of the run.
    private static func withoutArticles(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            guard PythonText.isWord(text[index]) else {
                result.append(text[index])
                index += 1
                continue
            }
            let end = text[index...].firstIndex { !PythonText.isWord($0) } ?? text.count
            let run = text[index..<end]
            if articles.contains(where: run.elementsEqual) {
                result.append(" ")
            } else {
                result.append(contentsOf: run)
            }
            index = end
        }
        return result
    }

    private static let articles: [[Unicode.Scalar]] = [["a"], ["a", "n"], ["t", "h", "e"]]

    private static func f1(
        _ prediction: [[Unicode.Scalar]], _ gold: [[Unicode.Scalar]], version: SquadVersion
    ) -> Double {
        if version == .version2, prediction.isEmpty || gold.isEmpty { return prediction == gold ? 1 : 0 }
        return overlapF1(prediction, gold)
    }
}

/// Harmonic mean of precision and recall over two bags of elements; 0 when they share none, also when both
/// are empty.
func overlapF1<Element: Hashable>(_ prediction: [Element], _ gold: [Element]) -> Double {
    var remaining: [Element: Int] = [:]
    for element in gold { remaining[element, default: 0] += 1 }
    var common = 0
    for element in prediction {
        guard let count = remaining[element], count > 0 else { continue }
        remaining[element] = count - 1
        common += 1
    }
    if common == 0 { return 0 }
    let precision = Double(common) / Double(prediction.count)
    let recall = Double(common) / Double(gold.count)
    return (2 * precision * recall) / (precision + recall)
}
