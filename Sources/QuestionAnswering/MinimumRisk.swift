/// Decoding by minimum Bayes risk: the answer whose expected edit distance to the right one is least, were the
/// right one drawn from the candidates by their probabilities.
enum MinimumRisk {
    /// The choice among the texts of `candidates`, their trimmed forms and the empty answer; nil for the last.
    ///
    /// Candidates of the same text count together, a placeholder as the empty text. Risks that differ by
    /// rounding only are equal; of equal risks the text with the more probability is taken, then the first:
    /// candidates in their order, then forms in the order of their candidates, then the empty answer.
    static func answer(from candidates: [ScoredAnswer]) -> ScoredAnswer? {
        let hypotheses = Hypotheses(candidates)
        var table = SymbolTable()
        let texts = hypotheses.all.map { table.symbols(of: $0.answer?.text ?? "") }
        // Likely texts first: they bring a hopeless hypothesis over the best risk so far the soonest.
        let references = hypotheses.all.indices.filter { hypotheses.all[$0].mass > 0 }
            .sorted { (hypotheses.all[$0].mass, $1) > (hypotheses.all[$1].mass, $0) }
        var calculator = EditDistanceCalculator(alphabet: table.count)
        var best: (index: Int, risk: Double)?
        for index in texts.indices {
            let limit = best.map { $0.risk + tolerance * (1 + $0.risk) } ?? .infinity
            var risk = 0.0
            for reference in references {
                let distance = calculator.distance(texts[index], texts[reference])
                risk += hypotheses.all[reference].mass * Double(distance)
                if risk > limit { break }
            }
            guard let held = best else {
                best = (index, risk)
                continue
            }
            let isLess = risk < held.risk - tolerance * (1 + held.risk)
            let isMoreLikely = hypotheses.all[index].mass > hypotheses.all[held.index].mass
            if isLess || (risk <= limit && isMoreLikely) { best = (index, risk) }
        }
        return best.flatMap { hypotheses.all[$0.index].answer }
    }

    private static let tolerance = 1e-9
}

/// What may be answered, each text once.
private struct Hypotheses {
    struct Hypothesis {
        /// Nil for the empty answer.
        let answer: ScoredAnswer?
        /// Probability of the candidates of this text.
        var mass: Double
    }

    private(set) var all: [Hypothesis] = []
    private var places: [ExactText: Int] = [:]

    init(_ candidates: [ScoredAnswer]) {
        let spans = candidates.filter { !$0.text.isEmpty && !$0.isPlaceholder }
        for span in spans { add(span, mass: Double(span.probability)) }
        for span in spans { addForms(of: span) }
        let empty = candidates.filter { $0.text.isEmpty || $0.isPlaceholder }
        all.append(Hypothesis(answer: nil, mass: empty.reduce(0) { $0 + Double($1.probability) }))
    }

    private mutating func add(_ answer: ScoredAnswer, mass: Double) {
        let key = ExactText(answer.text)
        if let place = places[key] {
            all[place].mass += mass
        } else {
            places[key] = all.count
            all.append(Hypothesis(answer: answer, mass: mass))
        }
    }

    /// Without the marks around it, and each of the two without a trailing particle and the marks that then
    /// stand around it.
    private mutating func addForms(of span: ScoredAnswer) {
        let scalars = Array(span.text.unicodeScalars)
        let bare = SurroundingMarks.trimmed(scalars.indices, of: scalars)
        if !bare.isEmpty { add(span.narrowed(to: bare), mass: 0) }
        for range in bare == scalars.indices ? [bare] : [scalars.indices, bare] {
            for kept in Particles.cuts(of: scalars[range]) {
                let form = SurroundingMarks.trimmed(range.lowerBound..<range.lowerBound + kept, of: scalars)
                if !form.isEmpty { add(span.narrowed(to: form), mass: 0) }
            }
        }
    }
}
