import Distributed
import Model
import QuestionAnswering
import Testing

@testable import Training

@Suite struct FeatureViewTests {
    private static let context = "두레는 조선 후기에 자리 잡은 마을의 공동 노동 조직이다. 두레의 노동은 모내기 때에 많았다."

    /// The features of one question about `context` with this answer, and what shows them.
    private func views(
        answer: String, start: Int, context: String = context, question: String = "두레는 무엇인가?",
        length: Int = 64
    ) throws -> [FeatureView] {
        let loaded = try SampleModel.load()
        let dataset = Dataset(
            contexts: [context],
            questions: [
                Question(
                    id: "q1", text: question, contextIndex: 0,
                    answers: [Answer(text: answer, start: start)])
            ])
        let preparation = try DataPreparation(
            configuration: loaded.configuration, tokenizer: loaded.tokenizer,
            settings: FeatureSettings(maxSequenceLength: length, documentStride: 2))
        let set = try preparation.training(dataset, strict: true).set
        return set.features.map {
            FeatureView(
                feature: $0, questionID: "q1", windows: set.count, tokenizer: loaded.tokenizer,
                configuration: loaded.configuration,
                texts: (question: dataset.questions[0], context: CodePoints(context)))
        }
    }

    @Test func theAnswerIsMarkedInTextAndTokens() throws {
        let lines = try #require(try views(answer: "두레", start: 0).first).lines()
        #expect(lines.contains { $0.contains("【두레】는 조선") })
        #expect(lines.contains { $0.contains("“두레”, the gold answer exactly") })
        #expect(lines.contains { $0.contains("question q1, window 0") })
        let marked = lines.filter { $0.hasPrefix(" > ") }
        #expect(marked.count == 1 && marked[0].hasSuffix("두레              두레"))
    }

    @Test func anAnswerThatTokensDoNotEndWithIsSaidToBeOutOfReach() throws {
        // The vocabulary has the word whole, which the answer is only a part of.
        let lines = try #require(try views(answer: "마을", start: 17).first).lines()
        #expect(lines.contains { $0.contains("“마을의”, which is not the gold answer") })
    }

    @Test func aWindowWithoutTheAnswerPointsAtTheFirstToken() throws {
        let all = try views(answer: "두레", start: 0, length: 24)
        try #require(all.count > 1)
        let lines = try #require(all.last).lines()
        #expect(lines.contains { $0.contains("not in this window: start and end point at [CLS]") })
        #expect(lines.filter { $0.hasPrefix(" > ") }.map { $0.contains("[CLS]") } == [true])
        let words = all[0].lines().joined(separator: " ").split(separator: " ").joined(separator: " ")
        #expect(words.contains("context tokens; training has \(all.count) windows of this question"))
    }

    @Test func linesFitAWindowAndTextCannotControlTheTerminal() throws {
        let text = "두레\u{1B}[2J\u{202E} 는 조선\n후기에 " + String(repeating: "가나다라", count: 40)
        let lines = try #require(
            try views(answer: "두레", start: 0, context: text, question: text, length: 120).first
        ).lines()
        #expect(lines.allSatisfy { DisplayWidth.columns($0) <= 80 }, "\(lines.joined(separator: "\n"))")
        #expect(!lines.contains { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E } })
    }

    @Test func wordsAreKeptWholeWhereLinesEnd() {
        #expect(TextLines.wrapped("one two three", width: 8) == ["one two", "three"])
        #expect(TextLines.wrapped("가나다라 마", width: 6) == ["가나다", "라 마"])
        #expect(TextLines.wrapped("", width: 5) == [""])
        #expect(TextLines.wrapped("· one two", width: 6, hanging: 2) == ["· one", "  two"])
        #expect(TextLines.wrapped("· 가나다라", width: 6, hanging: 2) == ["·", "  가나", "  다라"])
    }

    @Test func aCutKeepsTheAnswerAndIsShort() throws {
        for (answer, start) in [("두레", 0), ("모내기", 41), ("조선 후기에 자리 잡은 마을의 공동", 4)] {
            let feature = try #require(try views(answer: answer, start: start).first).feature
            let label = try #require(feature.label)
            for count in [16, 24, 200] {
                let cut = feature.cut(to: count)
                let place = try #require(cut.label)
                #expect(cut.wordIDs.count <= max(count, 16) && cut.wordIDs.count == cut.tokenTypeIDs.count)
                #expect(cut.wordIDs[place.start] == feature.inputIDs[label.start])
                #expect(place.end >= place.start && place.end < cut.wordIDs.count - 1)
                #expect(cut.wordIDs.first == feature.inputIDs.first)
                #expect(cut.wordIDs.last == feature.inputIDs.last)
                if count == 200 {
                    #expect(cut.wordIDs[place.end] == feature.inputIDs[label.end])
                }
            }
        }
    }
}
