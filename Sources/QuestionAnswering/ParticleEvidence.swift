extension Particles {
    /// Whether `context` itself shows that the answer ends in a particle: a word ends with the answer, and what stands
    /// before the particle is a word elsewhere too, alone or with another particle.
    ///
    /// Syllables that end nouns as well (법학과 beside 법학, 독도, 기고가, 870만) show nothing.
    static func areShown(at answer: Answer, in context: CodePoints) -> Bool {
        let text = CodePoints(answer.text)
        let end = answer.start + text.count
        guard context.holds(text, at: answer.start), context.isWordEnd(end) else { return false }
        return cuts(of: text.scalars[...]).contains { kept in
            let particle = Array(text.scalars[kept...])
            guard !endsNouns(particle) else { return false }
            let stem = CodePoints(CodePoints.text(of: text.scalars[..<kept]))
            return context.occurrences(of: stem).contains { place in
                place.lowerBound != answer.start && context.isWordEnd(place.lowerBound)
                    && isWord(stem, at: place, in: context, without: particle)
            }
        }
    }

    private static func endsNouns(_ particle: [Unicode.Scalar]) -> Bool {
        particle.count == 1 && nounEndings.contains(particle[0])
    }

    private static let nounEndings: Set<Unicode.Scalar> = ["과", "도", "가", "만", "의", "로", "이", "와"]

    /// Whether nothing, or a particle other than `particle`, follows the stem in its word.
    private static func isWord(
        _ stem: CodePoints, at place: Range<Int>, in context: CodePoints, without particle: [Unicode.Scalar]
    ) -> Bool {
        if context.isWordEnd(place.upperBound) { return true }
        let rest = context.scalars[place.upperBound...]
        let ending = rest.prefix { PythonText.isWord($0) }
        guard !ending.elementsEqual(particle) else { return false }
        return cuts(of: (stem.scalars + ending)[...]).contains(stem.count)
    }
}

extension CodePoints {
    /// Whether no letter or digit stands on one of both sides of `offset`.
    fileprivate func isWordEnd(_ offset: Int) -> Bool {
        guard offset > 0, offset < count else { return true }
        return !PythonText.isWord(scalars[offset - 1]) || !PythonText.isWord(scalars[offset])
    }
}
