/// One feature on its way into the model.
package struct InputSequence: Sendable {
    package let wordIDs: [Int32]
    package let tokenTypeIDs: [Int32]
    /// Token indices of the answer's first and last token; absent without labels.
    package let label: SpanLabel?
    /// Position in the global batch: what the feature's dropout masks are drawn for.
    package let position: UInt32

    package init(wordIDs: [Int32], tokenTypeIDs: [Int32], label: SpanLabel?, position: UInt32) {
        self.wordIDs = wordIDs
        self.tokenTypeIDs = tokenTypeIDs
        self.label = label
        self.position = position
    }
}

/// First and last token of an answer, as indices into its feature.
package struct SpanLabel: Sendable, Equatable {
    package let start: Int
    package let end: Int

    package init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
}

/// The features of a micro-batch with their tokens end to end: no padding reaches any product.
package final class PackedBatch {
    package let tokens: Int
    package let sequences: Int
    package let labels: [SpanLabel?]
    private let integers: UnsafeMutablePointer<Int32>
    private let features: UnsafeMutablePointer<UInt32>

    /// For each token, its row of the word, position and token type tables; and for each sequence its first
    /// token, with the number of tokens at the end.
    let wordIDs: UnsafePointer<Int32>
    let tokenTypeIDs: UnsafePointer<Int32>
    let positionIDs: UnsafePointer<Int32>
    /// For each token, its index in its sequence: what dropout masks are drawn for.
    let places: UnsafePointer<Int32>
    package let starts: UnsafePointer<Int32>
    /// For each token and for each sequence, its feature's position in the global batch.
    let tokenFeatures: UnsafePointer<UInt32>
    let sequenceFeatures: UnsafePointer<UInt32>

    /// - configuration: of the model that takes the batch. It decides on rows of the position table, and one without
    ///   token types has them all 0, whatever `content` says.
    package init(_ content: [InputSequence], for configuration: ModelConfiguration) {
        tokens = content.reduce(0) { $0 + $1.wordIDs.count }
        sequences = content.count
        labels = content.map(\.label)
        integers = .allocate(capacity: 4 * tokens + sequences + 1)
        features = .allocate(capacity: tokens + sequences)
        wordIDs = UnsafePointer(integers)
        tokenTypeIDs = UnsafePointer(integers + tokens)
        positionIDs = UnsafePointer(integers + 2 * tokens)
        places = UnsafePointer(integers + 3 * tokens)
        starts = UnsafePointer(integers + 4 * tokens)
        tokenFeatures = UnsafePointer(features)
        sequenceFeatures = UnsafePointer(features + tokens)
        fill(content, usesTokenTypes: configuration.usesTokenTypes)
        number(padding: configuration.paddingPosition.map(Int32.init))
    }

    deinit {
        integers.deallocate()
        features.deallocate()
    }

    /// Tokens of one sequence.
    package func range(_ sequence: Int) -> Range<Int> { Int(starts[sequence])..<Int(starts[sequence + 1]) }

    private func fill(_ content: [InputSequence], usesTokenTypes: Bool) {
        var token = 0
        for (index, sequence) in content.enumerated() {
            precondition(sequence.wordIDs.count == sequence.tokenTypeIDs.count)
            integers[4 * tokens + index] = Int32(token)
            features[tokens + index] = sequence.position
            for place in sequence.wordIDs.indices {
                integers[token] = sequence.wordIDs[place]
                integers[tokens + token] = usesTokenTypes ? sequence.tokenTypeIDs[place] : 0
                integers[3 * tokens + token] = Int32(place)
                features[token] = sequence.position
                token += 1
            }
        }
        integers[4 * tokens + sequences] = Int32(tokens)
    }

    /// Fills in the rows of the position table: from 0 on, or, where row `padding` is kept for padding, from the next
    /// one on. There, as in transformers, a padding token that stands in a text (its id and the row are one number)
    /// selects that row and does not count.
    private func number(padding: Int32?) {
        let positions = integers + 2 * tokens
        guard let padding else { return positions.update(from: places, count: tokens) }
        for sequence in 0..<sequences {
            var last = padding
            for token in range(sequence) {
                let isPadding = wordIDs[token] == padding
                if !isPadding { last += 1 }
                positions[token] = isPadding ? padding : last
            }
        }
    }
}
