import Checkpoints
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

@Suite struct WindowLogitsTests {
    /// Two questions about one context, the first in two windows.
    static func group(
        _ shift: Float, models: [String] = ["m"], tokenizer: String = "t",
        question: Int32 = 9
    ) -> WindowLogits {
        let tokens = [Token(id: 10, start: 0, end: 2), Token(id: 11, start: 3, end: 5)]
        func feature(_ index: Int, _ window: Int, _ tokens: ArraySlice<Token>) -> Feature {
            Feature(
                questionIndex: index, window: window, inputIDs: [2, question, 3] + tokens.map(\.id) + [3],
                contextStart: 3, contextTokens: tokens)
        }
        let features = [
            feature(0, 0, tokens[0..<1]), feature(0, 1, tokens[1..<2]), feature(1, 0, tokens[...]),
        ]
        let dataset = Dataset(
            contexts: ["두레 마을"],
            questions: ["a", "b"].map { Question(id: $0, text: "?", contextIndex: 0, answers: []) })
        return WindowLogits(
            data: FeatureSet(dataset: dataset, features: features),
            logits: features.map { feature in
                SpanLogits(
                    start: (0..<feature.count).map { Float($0) + shift },
                    end: (0..<feature.count).map { Float($0) * shift })
            }, models: models, tokenizer: tokenizer)
    }

    @Test func everyModelCountsOnceInTheMean() {
        let groups = WindowLogits.averagingSameWindows([
            Self.group(1, models: ["a"]), Self.group(4, models: ["b", "c"]),
        ])
        #expect(groups.count == 1)
        #expect(groups[0].models == ["a", "b", "c"])
        #expect(groups[0].logits[0].start == [3, 4, 5, 6, 7])
        #expect(groups[0].logits[0].end == [0, 3, 6, 9, 12])
    }

    @Test func otherTokensOrAnotherTokenizerStayApart() {
        let groups = WindowLogits.averagingSameWindows([
            Self.group(1), Self.group(2, tokenizer: "other"), Self.group(3, question: 8),
            Self.group(5),
        ])
        #expect(groups.map(\.models.count) == [2, 1, 1])
        #expect(groups[0].logits[0].start[0] == 3)
    }

    @Test func aFileHoldsAllThatAnswersNeed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("logits.h5")
        let group = Self.group(1.5, models: ["가", "b"])
        let dataset = try #require(group.data.dataset)
        try SavedLogits(group, dataset: dataset).write(to: path)
        let read = try SavedLogits(path: path).group(with: dataset, path: path)
        #expect(read.data.features == group.data.features)
        #expect(read.logits == group.logits)
        #expect(read.models == group.models && read.tokenizer == "t")
        let other = Dataset(contexts: ["두레 마음"], questions: dataset.questions)
        #expect(throws: TrainingError.self) { try SavedLogits(path: path).group(with: other, path: path) }
    }

    @Test func damageIsFound() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("logits.h5")
        let group = Self.group(1.5)
        try SavedLogits(group, dataset: try #require(group.data.dataset)).write(to: path)
        let whole = try Data(contentsOf: URL(filePath: path))
        var generator = SeededGenerator(seed: 7)
        var found = 0
        for _ in 0..<200 {
            var damaged = whole
            let place = Int.random(in: 0..<whole.count, using: &generator)
            damaged[place] ^= UInt8.random(in: 1...255, using: &generator)
            try damaged.write(to: URL(filePath: path))
            // Room that nothing uses may change.
            guard let read = try? SavedLogits(path: path) else {
                found += 1
                continue
            }
            #expect(read.logits == group.logits && read.questionIDs == group.data.questionIDs)
        }
        #expect(found > 0)
    }
}
