import Model

/// The rows of the word embeddings that a step's features select: few of the largest table of the model, and the
/// only ones whose gradient is not zero.
///
/// Every rank knows the features of all ranks, so that all have the same rows without exchanging them.
struct WordRows {
    /// Their elements in the flat gradients, ascending, neighbouring rows in one.
    private(set) var ranges: [Range<Int>] = []
    let table: Range<Int>
    private let width: Int
    private var isSelected: [Bool]

    init(_ layout: ParameterLayout) {
        let parameter = Self.parameter(layout)
        table = parameter?.range ?? 0..<0
        width = parameter?.shape.last ?? 1
        isSelected = [Bool](repeating: false, count: parameter?.shape.first ?? 0)
    }

    /// What is not in the table, ascending.
    static func others(_ layout: ParameterLayout) -> [Range<Int>] {
        let table = parameter(layout)?.range ?? 0..<0
        precondition(table.lowerBound == 0, "the word embeddings stand first")
        return [table.upperBound..<layout.count]
    }

    /// - words: of every feature.
    mutating func set(_ words: [[Int32]]) {
        for feature in words {
            for word in feature { isSelected[Int(word)] = true }
        }
        ranges = []
        for row in isSelected.indices where isSelected[row] {
            isSelected[row] = false
            let start = table.lowerBound + row * width
            if let last = ranges.last, last.upperBound == start {
                ranges[ranges.count - 1] = last.lowerBound..<start + width
            } else {
                ranges.append(start..<start + width)
            }
        }
    }

    private static func parameter(_ layout: ParameterLayout) -> Parameter? {
        layout.parameters.first { $0.gradient == .wordRows }
    }
}

extension UnsafeMutablePointer<Float> {
    func zero(_ range: Range<Int>) { (self + range.lowerBound).update(repeating: 0, count: range.count) }
}
