/// A particle that was taken off an answer, and why.
package struct TrimmedParticle: Sendable, Equatable {
    package let questionID: String
    package let before: String
    package let after: String
    package let particle: String
    /// Probability of the n-best candidates whose text is exactly `before`.
    package let massBefore: Double
    /// The same of `after`; the greater of the two.
    package let massAfter: Double

    /// The rows as a table for people, tabs between the columns; empty without rows.
    package static func table(_ rows: [TrimmedParticle]) -> String {
        guard !rows.isEmpty else { return "" }
        let header = "question\tbefore\tafter\tparticle\tmass before\tmass after\n"
        return header
            + rows.map { row in
                let texts = [row.questionID, row.before, row.after, row.particle].map(oneLine)
                let masses = [row.massBefore, row.massAfter].map { String(($0 * 1e4).rounded() / 1e4) }
                return (texts + masses).joined(separator: "\t") + "\n"
            }.joined()
    }

    private static func oneLine(_ text: String) -> String {
        CodePoints.text(of: text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 })
    }
}

/// Korean particles at the end of an answer, found by spelling alone.
///
/// A particle counts only directly after a Hangul syllable, a digit, a Latin letter or a closing bracket or
/// quotation mark. Where its form depends on a final consonant (을 and 를, 으로 and 로 …) a syllable before it
/// must agree; how a digit or a foreign word is read is not looked at. Conjoining jamo (NFD) are no syllables
/// here: such a text is left as it is.
package enum Particles {
    /// What the syllable before has to end in.
    enum Condition {
        case any
        case consonant
        case vowel
        /// As 로: a vowel or ㄹ.
        case vowelOrRieul
    }

    private static let particles: [(text: [Unicode.Scalar], condition: Condition)] =
        [
            ("을 이 은 과 으로 으로는 으로도 으로의 으로서 으로써 으로부터 이나 이란 이랑 이라 이라는 이라고 이며", Condition.consonant),
            ("를 가 는 와 라는 라고", .vowel),
            ("로 로는 로도 로의 로서 로써 로부터", .vowelOrRieul),
            (
                "의 에 에는 에도 에서 에서는 에서도 에서의 에게 에게는 에게도 에게서 께서 께서는 한테 한테서 까지 까지는 까지도 까지의 부터 "
                    + "부터는 부터의 만 만은 만이 만을 도 보다 보다는 처럼 마다 조차 밖에 과의 와의 과는 와는 이다",
                .any
            ),
        ].flatMap { list, condition in
            list.unicodeScalars.split(separator: " ").map { (text: Array($0), condition: condition) }
        }.sorted { $0.text.count > $1.text.count }

    /// Ways of taking a particle off `text`: how many code points stay, the longest particle first.
    ///
    /// What stays is never empty nor ends in a lone syllable or bracket: 사이 is a word, not 사 with 이.
    static func cuts(of text: ArraySlice<Unicode.Scalar>) -> [Int] {
        var cuts: [Int] = []
        for (particle, condition) in particles {
            let kept = text.count - particle.count
            guard kept > 0, text.suffix(particle.count).elementsEqual(particle) else { continue }
            let rest = text.prefix(kept)
            guard let last = rest.last, holds(condition, after: last), !endsInFragment(rest) else { continue }
            // 으로 and 이라는 are one particle each: 로 after the 으 that was found to be part of it is none.
            if last == "으" || last == "이", cuts.contains(kept - 1) { continue }
            cuts.append(kept)
        }
        return cuts
    }

    /// The answer without the longest particle whose removal raises its mass, the probability of the
    /// candidates of exactly its text; the answer itself where none does.
    static func trimmed(
        _ answer: ScoredAnswer, by candidates: [ScoredAnswer], questionID: String
    ) -> (ScoredAnswer, TrimmedParticle?) {
        let scalars = Array(answer.text.unicodeScalars)
        let massBefore = mass(of: answer.text, in: candidates)
        for kept in cuts(of: scalars[...]) {
            let shorter = answer.narrowed(to: 0..<kept)
            let massAfter = mass(of: shorter.text, in: candidates)
            guard massAfter > massBefore else { continue }
            let row = TrimmedParticle(
                questionID: questionID, before: answer.text, after: shorter.text,
                particle: CodePoints.text(of: scalars[kept...]), massBefore: massBefore, massAfter: massAfter)
            return (shorter, row)
        }
        return (answer, nil)
    }

    private static func mass(of text: String, in candidates: [ScoredAnswer]) -> Double {
        candidates.reduce(0) { isSameText($1.text, text) ? $0 + Double($1.probability) : $0 }
    }

    private static func holds(_ condition: Condition, after scalar: Unicode.Scalar) -> Bool {
        guard let final = HangulSyllable.final(of: scalar) else { return isReadAloud(scalar) }
        return switch condition {
        case .any: true
        case .consonant: final != 0
        case .vowel: final == 0
        case .vowelOrRieul: final == 0 || final == HangulSyllable.rieul
        }
    }

    /// A digit, a Latin letter, a closing bracket or quotation mark.
    private static func isReadAloud(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "'", "\"", ">": return true
        default:
            let category = scalar.properties.generalCategory
            return category == .closePunctuation || category == .finalPunctuation
        }
    }

    /// Whether the last word is one syllable or one bracket.
    private static func endsInFragment(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let last = text.last else { return true }
        let isAlone = text.dropLast().last.map { PythonText.isSpace($0) } ?? true
        return isAlone && !(last.isASCII && last.properties.isAlphabetic) && !("0"..."9").contains(last)
    }
}

/// The arithmetic of precomposed Hangul syllables.
enum HangulSyllable {
    /// The final consonant's number, 0 for none; nil when `scalar` is no syllable.
    static func final(of scalar: Unicode.Scalar) -> Int? {
        (0xAC00...0xD7A3).contains(scalar.value) ? Int(scalar.value - 0xAC00) % 28 : nil
    }

    /// ㄹ as a final consonant.
    static let rieul = 8
}
