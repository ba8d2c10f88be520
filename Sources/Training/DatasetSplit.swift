import QuestionAnswering

/// What a split keeps together.
package enum SplitUnit: String, Sendable, CaseIterable {
    case question
    /// Articles that share the text of a context are one, so that no context is in both parts.
    case article
}

extension Dataset {
    /// Splits off a share of the questions, drawn with `seed`: at least one unit on either side.
    ///
    /// - Throws: `TrainingError.data` when there is only one unit.
    package func splitting(
        validationShare: Double, seed: UInt64, by unit: SplitUnit = .question
    ) throws -> (training: Dataset, validation: Dataset) {
        let isDrawn: [Bool]
        switch unit {
        case .question:
            isDrawn = try drawnUnits(
                sizes: Array(repeating: 1, count: questions.count), share: validationShare, seed: seed,
                location: paths.joined(separator: ", "), unit: "question")
        case .article:
            let (units, count) = articleUnits()
            var sizes = [Int](repeating: 0, count: count)
            for unit in units { sizes[unit] += 1 }
            let drawn = try drawnUnits(
                sizes: sizes, share: validationShare, seed: seed, location: paths.joined(separator: ", "),
                unit: "article")
            isDrawn = units.map { drawn[$0] }
        }
        return (
            selecting(questions.indices.filter { !isDrawn[$0] }),
            selecting(questions.indices.filter { isDrawn[$0] })
        )
    }

    /// - Throws: as `splitting`.
    package func part(_ part: DatasetPart) throws -> Dataset {
        switch part {
        case .whole: self
        case .trainingShare(let share, let seed, let unit):
            try splitting(validationShare: share, seed: seed, by: unit).training
        case .validationShare(let share, let seed, let unit):
            try splitting(validationShare: share, seed: seed, by: unit).validation
        }
    }

    /// The unit of each question, numbered in the order of first appearance, and how many there are.
    private func articleUnits() -> (units: [Int], count: Int) {
        var sets = DisjointSets(count: (questions.map(\.articleIndex).max() ?? -1) + 1)
        var firstArticle: [ContextKey: Int] = [:]
        for question in questions {
            let key = ContextKey(text: context(of: question))
            if let other = firstArticle[key] {
                sets.join(other, question.articleIndex)
            } else {
                firstArticle[key] = question.articleIndex
            }
        }
        var numbers: [Int: Int] = [:]
        let units = questions.map { question in
            let root = sets.root(of: question.articleIndex)
            let number = numbers[root] ?? numbers.count
            numbers[root] = number
            return number
        }
        return (units, numbers.count)
    }
}

/// Which of some units of `sizes` questions are drawn with `seed`, so that theirs are as near as can be to `share` of
/// all questions.
///
/// - Throws: `TrainingError.data` when there is only one unit, called so in the message.
func drawnUnits(
    sizes: [Int], share: Double, seed: UInt64, location: String, unit: String
) throws -> [Bool] {
    guard sizes.count > 1 else {
        throw TrainingError.data(
            location: location, problem: "one \(unit) cannot be split",
            remedy: unit == "article"
                ? "split by question, or give --validation-file" : "give --validation-file")
    }
    var sampler = FeatureSampler(
        featureCount: sizes.count, batchSize: sizes.count, seed: seed, shuffles: true)
    let order = sampler.batch(0).features
    let wanted = (share * Double(sizes.reduce(0, +))).rounded()
    var drawn = [Bool](repeating: false, count: sizes.count)
    var total = 0.0
    for (index, unit) in order.dropLast().enumerated() {
        let next = total + Double(sizes[unit])
        guard index == 0 || abs(next - wanted) < abs(total - wanted) else { break }
        drawn[unit] = true
        total = next
    }
    return drawn
}

/// A context's text by its bytes: equivalent texts of other code points are other contexts.
private struct ContextKey: Hashable {
    let text: String

    static func == (left: ContextKey, right: ContextKey) -> Bool { isSameText(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// Numbers in sets that can be joined.
private struct DisjointSets {
    private var parents: [Int]

    init(count: Int) { parents = Array(0..<count) }

    mutating func root(of element: Int) -> Int {
        var element = element
        while parents[element] != element {
            parents[element] = parents[parents[element]]
            element = parents[element]
        }
        return element
    }

    mutating func join(_ left: Int, _ right: Int) {
        let (left, right) = (root(of: left), root(of: right))
        parents[max(left, right)] = min(left, right)
    }
}
