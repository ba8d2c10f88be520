/// Start and end logits of one feature, one value a token of the feature.
package struct SpanLogits: Sendable, Equatable {
    package let start: [Float]
    package let end: [Float]

    package init(start: [Float], end: [Float]) {
        precondition(start.count == end.count)
        self.start = start
        self.end = end
    }
}

/// A span of context tokens that may be the answer, or the null answer `[CLS]`.
struct SpanCandidate {
    /// Code points of the context; 0 and 0 for the null answer.
    let start: Int
    let end: Int
    let startLogit: Float
    let endLogit: Float
    /// Sum of the logits in `Float`, as numpy adds them.
    let score: Float

    init(start: Int, end: Int, startLogit: Float, endLogit: Float) {
        self.start = start
        self.end = end
        self.startLogit = startLogit
        self.endLogit = endLogit
        score = startLogit + endLogit
    }

    var isNull: Bool { start == 0 && end == 0 }

    /// Higher score, then lower start, then shorter.
    static func ranksBefore(_ left: SpanCandidate, _ right: SpanCandidate) -> Bool {
        if left.score != right.score { return left.score > right.score }
        if left.start != right.start { return left.start < right.start }
        return left.end < right.end
    }
}

/// Indexes of the `count` highest values, highest first, equal values by lower index. numpy's `argsort`,
/// which `run_qa.py` uses, leaves the order of equal values open.
func highestIndexes(of values: [Float], count: Int) -> [Int] {
    let count = min(count, values.count)
    guard count > 0 else { return [] }
    var best: [Int] = []
    best.reserveCapacity(count + 1)
    for (index, value) in values.enumerated() {
        if best.count == count, value <= values[best[count - 1]] { continue }
        // Few values pass the line above, so sorting each in by hand beats a full sort.
        var place = best.count
        while place > 0, values[best[place - 1]] < value { place -= 1 }
        best.insert(index, at: place)
        if best.count > count { best.removeLast() }
    }
    return best
}

/// Index of the highest value, of equal ones the lowest.
func highestIndex(of values: [Float]) -> Int {
    precondition(!values.isEmpty)
    var best = 0
    for index in values.indices.dropFirst() where values[index] > values[best] { best = index }
    return best
}
