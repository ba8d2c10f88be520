import QuestionAnswering
import Testing

struct TokenAccuracyTests {
    private func feature(_ label: Feature.Label?) -> Feature {
        Feature(
            questionIndex: 0, window: 0, inputIDs: [0, 0, 0, 0], contextStart: 2, contextTokens: [],
            label: label)
    }

    @Test func theLikeliestTokenIsComparedWithTheLabel() throws {
        let features = [
            feature(Feature.Label(start: 1, end: 3)), feature(nil), feature(.unanswerable),
            feature(Feature.Label(start: 2, end: 2)),
        ]
        let logits = [
            SpanLogits(start: [0, 5, 5, 1], end: [-3, -2, -1, 0]),
            SpanLogits(start: [0, 0, 0, 0], end: [0, 0, 0, 0]),
            SpanLogits(start: [1, 1, 1, 1], end: [0, 1, 0, 0]),
            SpanLogits(start: [0, 3, 3, 0], end: [0, 0, 1, 0]),
        ]
        let accuracy = try #require(TokenAccuracy(features: features, logits: logits))
        #expect(accuracy.windows == 3)
        #expect(accuracy.start == 2.0 / 3 && accuracy.end == 2.0 / 3)
        #expect(accuracy.members.map(\.0) == ["start_accuracy", "end_accuracy"])
    }

    @Test func withoutLabelsThereIsNone() {
        let logits = SpanLogits(start: [0, 0, 0, 0], end: [0, 0, 0, 0])
        #expect(TokenAccuracy(features: [feature(nil)], logits: [logits]) == nil)
        #expect(TokenAccuracy(features: [], logits: []) == nil)
    }
}
