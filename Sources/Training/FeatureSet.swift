import Model
import QuestionAnswering
import Reports

/// The features cut from a dataset.
package struct FeatureSet: FeatureSource, Sendable {
    /// The texts, where they are needed: on rank 0, to evaluate on.
    package let dataset: Dataset?
    /// Of the dataset's questions, to which features refer by index.
    package let questionIDs: [String]
    package let features: [Feature]

    package init(dataset: Dataset, features: [Feature]) {
        self.init(dataset: dataset, questionIDs: dataset.questions.map(\.id), features: features)
    }

    package init(dataset: Dataset?, questionIDs: [String], features: [Feature]) {
        self.dataset = dataset
        self.questionIDs = questionIDs
        self.features = features
    }

    package var count: Int { features.count }

    package func tokenCount(_ index: Int) -> Int { features[index].count }

    package func sequence(_ index: Int, position: UInt32) -> InputSequence {
        let feature = features[index]
        return InputSequence(
            wordIDs: feature.inputIDs, tokenTypeIDs: feature.tokenTypeIDs,
            label: feature.label.map { SpanLabel(start: $0.start, end: $0.end) }, position: position)
    }

    package func name(_ index: Int) -> String {
        let feature = features[index]
        return "\(questionIDs[feature.questionIndex])/\(feature.window)"
    }

    /// Differs, as good as surely, where what a step or an evaluation would compute differs.
    package var checksum: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: some BinaryInteger) {
            hash = (hash ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01B3
        }
        for feature in features {
            add(feature.count)
            for id in feature.inputIDs { add(id) }
            for type in feature.tokenTypeIDs { add(type) }
            add(feature.label?.start ?? -1)
            add(feature.label?.end ?? -1)
        }
        return hash
    }

    /// For `run.json`.
    var lengths: LengthHistogram {
        LengthHistogram(features.map { (tokens: $0.count, question: $0.questionIndex, window: $0.window) })
    }

    package var longest: Int { features.map(\.count).max() ?? 0 }
    package var totalTokens: Int { features.reduce(0) { $0 + $1.count } }
}
