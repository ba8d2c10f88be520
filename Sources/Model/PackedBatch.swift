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
    package let starts: UnsafePointer<Int32>
    /// For each token and for each sequence, its feature's position in the global batch.
    let tokenFeatures: UnsafePointer<UInt32>
    let sequenceFeatures: UnsafePointer<UInt32>

    package init(_ content: [InputSequence]) {
        tokens = content.reduce(0) { $0 + $1.wordIDs.count }
        sequences = content.count
        labels = content.map(\.label)
        integers = .allocate(capacity: 3 * tokens + sequences + 1)
        features = .allocate(capacity: tokens + sequences)
        wordIDs = UnsafePointer(integers)
        tokenTypeIDs = UnsafePointer(integers + tokens)
        positionIDs = UnsafePointer(integers + 2 * tokens)
        starts = UnsafePointer(integers + 3 * tokens)
        tokenFeatures = UnsafePointer(features)
        sequenceFeatures = UnsafePointer(features + tokens)
        fill(content)
    }

    deinit {
        integers.deallocate()
        features.deallocate()
    }

    /// Tokens of one sequence.
    package func range(_ sequence: Int) -> Range<Int> { Int(starts[sequence])..<Int(starts[sequence + 1]) }

    private func fill(_ content: [InputSequence]) {
        var token = 0
        for (index, sequence) in content.enumerated() {
            precondition(sequence.wordIDs.count == sequence.tokenTypeIDs.count)
            integers[3 * tokens + index] = Int32(token)
            features[tokens + index] = sequence.position
            for place in sequence.wordIDs.indices {
                integers[token] = sequence.wordIDs[place]
                integers[tokens + token] = sequence.tokenTypeIDs[place]
                integers[2 * tokens + token] = Int32(place)
                features[token] = sequence.position
                token += 1
            }
        }
        integers[3 * tokens + sequences] = Int32(tokens)
    }
}
