/// Takes the answer out of a list of candidates: decodes, then trims a particle, strips special tokens and
/// blanks what is too long, each as the settings say.
package struct AnswerChooser: Sendable {
    package let settings: AnswerSettings

    package init(settings: AnswerSettings) { self.settings = settings }

    package func prediction(from list: CandidateList) -> Prediction {
        var answer = decoded(list)
        var trimmed: TrimmedParticle?
        if settings.trimsParticles, let untrimmed = answer {
            (answer, trimmed) = Particles.trimmed(
                untrimmed, by: list.candidates, questionID: list.questionID)
        }
        if settings.stripsSpecialTokens { answer = answer.flatMap(SpecialTokenLiterals.stripped) }
        if let most = settings.blankLongerThan, let text = answer?.text, text.unicodeScalars.count > most {
            answer = nil
        }
        return Prediction(
            questionID: list.questionID, text: answer?.text ?? "", answer: answer,
            candidates: list.candidates, nullOdds: list.nullOdds, trimmedParticle: trimmed)
    }

    package func predictions(from lists: [CandidateList]) -> [Prediction] { lists.map(prediction) }

    /// The answer before any step that follows, nil when it is empty.
    private func decoded(_ list: CandidateList) -> ScoredAnswer? {
        switch settings.decoding {
        case .best: best(of: list)
        // What a null threshold would say, the likeliest tokens have said already.
        case .argmax: list.candidates.first.flatMap { $0.text.isEmpty ? nil : $0 }
        case .leastEditDistance: MinimumRisk.answer(from: list.candidates)
        }
    }

    private func best(of list: CandidateList) -> ScoredAnswer? {
        guard settings.allowsNoAnswer else { return list.candidates.first { !$0.isPlaceholder } }
        let best = list.candidates.first { !$0.text.isEmpty && !$0.isPlaceholder }
        return (list.nullOdds ?? .infinity) > settings.nullThreshold ? nil : best
    }
}

/// The special tokens as they may stand in an answer's text, where a dataset was made from a tokenizer's output.
enum SpecialTokenLiterals {
    private static let literals: [[Unicode.Scalar]] = ["[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"].map {
        Array($0.unicodeScalars)
    }

    /// The answer without them and without white space around it; nil when nothing is left. Taken out from
    /// left to right, once: what comes together from both sides of one stays.
    static func stripped(_ answer: ScoredAnswer) -> ScoredAnswer? {
        let scalars = Array(answer.text.unicodeScalars)
        var kept: [Int] = []
        var index = 0
        while index < scalars.count {
            if let literal = literals.first(where: { scalars[index...].starts(with: $0) }) {
                index += literal.count
            } else {
                kept.append(index)
                index += 1
            }
        }
        guard let first = kept.firstIndex(where: { !PythonText.isSpace(scalars[$0]) }),
            let last = kept.lastIndex(where: { !PythonText.isSpace(scalars[$0]) })
        else { return nil }
        let text = CodePoints.text(of: kept[first...last].map { scalars[$0] })
        return answer.replacingText(by: text, at: kept[first]..<kept[last] + 1, of: scalars.count)
    }
}
