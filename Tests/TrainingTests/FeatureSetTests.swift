import Model
import QuestionAnswering
import Testing
import Training

@Suite struct FeatureSetTests {
    private static let dataset = Dataset(
        contexts: ["ab"],
        questions: [
            Question(id: "q0", text: "", contextIndex: 0, answers: []),
            Question(id: "q1", text: "", contextIndex: 0, answers: []),
        ])
    private static let set = FeatureSet(
        dataset: dataset,
        features: [
            Feature(
                questionIndex: 1, window: 2, inputIDs: [2, 9, 3, 10, 11, 3], contextStart: 3,
                contextTokens: [Token(id: 10, start: 0, end: 1), Token(id: 11, start: 1, end: 2)],
                label: Feature.Label(start: 3, end: 4)),
            Feature(
                questionIndex: 0, window: 0, inputIDs: [2, 3, 10, 3], contextStart: 2,
                contextTokens: [Token(id: 10, start: 0, end: 1)]),
        ])

    @Test func aFeatureBecomesWhatTheModelReads() {
        let sequence = Self.set.sequence(0, position: 5)
        #expect(sequence.wordIDs == [2, 9, 3, 10, 11, 3])
        #expect(sequence.tokenTypeIDs == [0, 0, 0, 1, 1, 1])
        #expect(sequence.label == SpanLabel(start: 3, end: 4))
        #expect(sequence.position == 5)
        #expect(Self.set.sequence(1, position: 0).label == nil)
    }

    @Test func aFeatureIsNamedByQuestionAndWindow() {
        #expect(Self.set.name(0) == "q1/2" && Self.set.name(1) == "q0/0")
    }

    @Test func sizesAreCounted() {
        #expect(Self.set.count == 2 && Self.set.longest == 6 && Self.set.totalTokens == 10)
        #expect(Self.set.tokenCount(1) == 4)
        #expect(FeatureSet(dataset: Self.dataset, features: []).longest == 0)
    }

    @Test func theChecksumTellsIdsLabelsAndOrderApart() {
        let tokens = Self.set.features[1].contextTokens
        func checksum(_ ids: [Int32], contextStart: Int = 2, label: Feature.Label? = nil) -> UInt64 {
            let feature = Feature(
                questionIndex: 0, window: 0, inputIDs: ids, contextStart: contextStart,
                contextTokens: tokens, label: label)
            return FeatureSet(dataset: Self.dataset, features: [feature]).checksum
        }
        let sums = [
            checksum([2, 3, 10, 3]), checksum([2, 3, 11, 3]), checksum([2, 10, 3, 3]),
            checksum([2, 3, 10, 3], contextStart: 1),
            checksum([2, 3, 10, 3], label: Feature.Label(start: 2, end: 2)),
            checksum([2, 3, 10, 3], label: Feature.Label(start: 2, end: 3)),
            checksum([2, 3, 10, 3], label: .unanswerable), Self.set.checksum,
            FeatureSet(dataset: Self.dataset, features: Self.set.features.reversed()).checksum,
        ]
        #expect(Set(sums).count == sums.count)
        #expect(checksum([2, 3, 10, 3]) == sums[0])
    }
}
