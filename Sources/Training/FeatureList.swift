import QuestionAnswering

/// Features that are made of columns when they are asked for, which take a tenth of the memory.
package struct FeatureList: Sendable, RandomAccessCollection {
    private(set) var columns: FeatureColumns

    package init(_ columns: FeatureColumns) { self.columns = columns }

    package init(_ features: some Sequence<Feature>) { columns = FeatureColumns(Array(features)) }

    package var startIndex: Int { 0 }
    package var endIndex: Int { columns.count }

    package subscript(index: Int) -> Feature {
        Feature(
            questionIndex: Int(columns.question[index]), window: Int(columns.window[index]),
            inputIDs: columns.inputIDs(index), segmentBoundary: Int(columns.segmentBoundary[index]),
            contextStart: Int(columns.contextStart[index]), contextTokens: contextTokens(index),
            label: columns.label(index))
    }

    /// Those at `indexes`, in that order.
    func selecting(_ indexes: some Sequence<Int>) -> FeatureList { FeatureList(columns.selecting(indexes)) }

    /// At most `limit`, the first ones.
    func first(_ limit: Int) -> FeatureList { selecting(indices.prefix(limit)) }

    /// With the indexes that they have in their context.
    private func contextTokens(_ index: Int) -> ArraySlice<Token> {
        guard columns.contextCount[index] > 0 else { return [] }
        let first = Int(columns.firstToken[index])
        var tokens = [Token](repeating: Token(id: 0, start: 0, end: 0), count: first)
        tokens += columns.contextTokens(index).map {
            Token(
                id: columns.contextIDs[$0], start: columns.offsets[2 * $0],
                end: columns.offsets[2 * $0 + 1])
        }
        return tokens[first...]
    }
}

extension FeatureList: Equatable, ExpressibleByArrayLiteral {
    package static func == (left: FeatureList, right: FeatureList) -> Bool { left.elementsEqual(right) }
    package init(arrayLiteral elements: Feature...) { self.init(elements) }
}
