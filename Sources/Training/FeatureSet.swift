import Model
import QuestionAnswering
import Reports

/// The features cut from a dataset.
package struct FeatureSet: FeatureSource, Sendable {
    /// The texts, where they are needed: on rank 0, to evaluate on.
    package let dataset: Dataset?
    /// Of the dataset's questions, to which features refer by index.
    package let questionIDs: [String]
    package let features: FeatureList

    package init(dataset: Dataset, features: some Sequence<Feature>) {
        self.init(dataset: dataset, questionIDs: dataset.questions.map(\.id), features: FeatureList(features))
    }

    package init(dataset: Dataset?, questionIDs: [String], features: some Sequence<Feature>) {
        self.init(dataset: dataset, questionIDs: questionIDs, features: FeatureList(features))
    }

    package init(dataset: Dataset?, questionIDs: [String], features: FeatureList) {
        self.dataset = dataset
        self.questionIDs = questionIDs
        self.features = features
    }

    package var count: Int { features.count }

    package func tokenCount(_ index: Int) -> Int { features.columns.tokenCount(index) }

    package func sequence(_ index: Int, position: UInt32) -> InputSequence {
        let columns = features.columns
        let ids = columns.inputIDs(index)
        let boundary = Int(columns.segmentBoundary[index])
        return InputSequence(
            wordIDs: ids, tokenTypeIDs: ids.indices.map { $0 < boundary ? 0 : 1 },
            label: columns.label(index).map { SpanLabel(start: $0.start, end: $0.end) }, position: position)
    }

    package func name(_ index: Int) -> String {
        let columns = features.columns
        return "\(questionIDs[Int(columns.question[index])])/\(columns.window[index])"
    }

    /// Differs, as good as surely, where what a step or an evaluation would compute differs.
    package var checksum: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: some BinaryInteger) {
            hash = (hash ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01B3
        }
        for index in 0..<count {
            let ids = features.columns.inputIDs(index)
            let boundary = Int(features.columns.segmentBoundary[index])
            let label = features.columns.label(index)
            add(ids.count)
            for id in ids { add(id) }
            for place in ids.indices { add(place < boundary ? 0 : 1) }
            add(label?.start ?? -1)
            add(label?.end ?? -1)
        }
        return hash
    }

    /// For `run.json`.
    var lengths: LengthHistogram {
        LengthHistogram(
            (0..<count).map { index in
                (
                    tokens: tokenCount(index), question: Int(features.columns.question[index]),
                    window: Int(features.columns.window[index])
                )
            })
    }

    package var longest: Int { (0..<count).reduce(0) { max($0, tokenCount($1)) } }
    package var totalTokens: Int { features.columns.tokenCount }

    /// Bytes of memory that the features and texts take on this rank.
    var memoryBytes: Int {
        let texts = dataset.map { $0.contexts.memoryBytes + $0.questions.memoryBytes } ?? 0
        // Ids of up to 15 bytes stand in the list, longer ones in allocations of their own.
        let ids = questionIDs.reduce(0) { $0 + 16 + ($1.utf8.count > 15 ? $1.utf8.count + 32 : 0) }
        return features.columns.memoryBytes + texts + ids
    }
}
