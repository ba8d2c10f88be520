import QuestionAnswering
import Testing

struct AnswerExtractionTests {
    /// One token a code point, a question of one token: the context's tokens start at 3.
    private func predict(
        _ context: String, windows: [(range: Range<Int>, start: [Float], end: [Float])],
        settings: AnswerSettings = AnswerSettings()
    ) throws -> Prediction {
        let tokens = CodePointTokenizer().encode(context)
        let features = windows.enumerated().map { index, window in
            Feature(
                questionIndex: 0, window: index,
                inputIDs: Array(repeating: 0, count: window.range.count + 4), contextStart: 3,
                contextTokens: tokens[window.range])
        }
        let question = Question(id: "q", text: "?", contextIndex: 0, answers: [])
        return try AnswerExtractor(settings: settings).predictions(
            for: Dataset(contexts: [context], questions: [question]), features: features,
            logits: windows.map { SpanLogits(start: $0.start, end: $0.end) })[0]
    }

    @Test func theAnswerIsTheSliceOfTheContextInCodePoints() throws {
        let prediction = try predict(
            "e\u{301}🙂가나",
            windows: [(0..<5, [0, 0, 0, 0, 9, 0, 0, 0, 0], [0, 0, 0, 0, 0, 9, 0, 0, 0])])
        #expect(isSameText(prediction.text, "\u{301}🙂"))
        #expect(prediction.answer?.start == 1 && prediction.answer?.end == 3)
        #expect(prediction.nullOdds == nil)
    }

    @Test func tokensOutsideTheContextAreNoAnswers() throws {
        let high: [Float] = [9, 9, 9, 1, 0, 9]
        let prediction = try predict("가나", windows: [(0..<2, high, high)])
        #expect(prediction.text == "가")
        #expect(prediction.candidates.count == 3)
    }

    @Test func theBestOfAllWindowsWins() throws {
        let prediction = try predict(
            "가나다라",
            windows: [
                (0..<2, [0, 0, 0, 5, 0, 0], [0, 0, 0, 5, 0, 0]),
                (2..<4, [0, 0, 0, 0, 6, 0], [0, 0, 0, 0, 6, 0]),
            ])
        #expect(prediction.text == "라")
        #expect(prediction.answer?.start == 3)
    }

    @Test func answersAreNoLongerThanAllowed() throws {
        let prediction = try predict(
            "가나다라", windows: [(0..<4, [0, 0, 0, 9, 0, 0, 0, 0], [0, 0, 0, 0, 1, 2, 9, 0])],
            settings: AnswerSettings(maxAnswerLength: 3))
        #expect(prediction.text == "가나다")
    }

    @Test func equalScoresGiveTheLowerStartThenTheShorter() throws {
        let flat: [Float] = [0, 0, 0, 1, 1, 1, 0]
        let prediction = try predict("가나다", windows: [(0..<3, flat, flat)])
        #expect(prediction.candidates.prefix(3).map(\.text) == ["가", "가나", "가나다"])
    }

    @Test func withoutACandidateTheAnswerIsEmpty() throws {
        let low: [Float] = [9, 8, 7, 0, 6]
        let settings = AnswerSettings(bestCount: 2)
        let prediction = try predict("가", windows: [(0..<1, low, low)], settings: settings)
        #expect(prediction.text.isEmpty && prediction.answer == nil)
        #expect(prediction.ranked.map(\.text) == [""] && prediction.ranked[0].probability == 1)
        // The reference's word for it stays in the list.
        #expect(prediction.candidates.map(\.text) == ["empty"])
        #expect(prediction.candidates.map(\.probability) == [1])
        #expect(prediction.candidates[0].startLogit == 0)
    }

    @Test func withoutACandidateButTheNullAnswerTheAnswerIsEmpty() throws {
        // Below the placeholder's score of 0, which the null answer has to beat in the reference.
        let low: [Float] = [-3, 8, 7, -9, 6]
        let settings = AnswerSettings(bestCount: 1, maxAnswerLength: 1, allowsNoAnswer: true)
        let prediction = try predict("가", windows: [(0..<1, low, low)], settings: settings)
        #expect(prediction.nullOdds == -6 && prediction.candidates.map(\.text) == ["empty", ""])
        #expect(prediction.text.isEmpty && prediction.answer == nil)
        #expect(prediction.ranked.map(\.text) == [""] && prediction.ranked[0].probability == 1)
    }

    @Test func theNullScoreIsTheLeastOverTheWindows() throws {
        let windows: [(Range<Int>, [Float], [Float])] = [
            (0..<1, [5, 0, 0, 1, 0], [5, 0, 0, 1, 0]), (1..<2, [2, 0, 0, 1, 0], [1, 0, 0, 1, 0]),
        ]
        var settings = AnswerSettings(allowsNoAnswer: true)
        let null = try predict("가나", windows: windows, settings: settings)
        #expect(null.text.isEmpty && null.answer == nil)
        #expect(null.nullOdds == 1)
        #expect(null.candidates[0].text.isEmpty && null.candidates[0].startLogit == 2)
        settings.nullThreshold = 1
        #expect(try predict("가나", windows: windows, settings: settings).text == "가")
    }

    @Test func theNullAnswerIsKeptBeyondTheBest() throws {
        let settings = AnswerSettings(bestCount: 4, allowsNoAnswer: true)
        let logits: [Float] = [-9, -9, -9, 3, 2, -9]
        let prediction = try predict("가나", windows: [(0..<2, logits, logits)], settings: settings)
        #expect(prediction.candidates.map(\.text) == ["가", "가나", "나", ""])
    }

    private static let argmax = AnswerSettings(decoding: .argmax)

    @Test func argmaxTakesTheLikeliestTokensOfTheBestWindow() throws {
        let prediction = try predict(
            "가나다라",
            windows: [
                (0..<2, [0, 0, 0, 4, 0, 0], [0, 0, 0, 0, 4, 0]),
                (2..<4, [0, 0, 0, 5, 0, 0], [0, 0, 0, 0, 5, 0]),
            ], settings: Self.argmax)
        #expect(prediction.text == "다라" && prediction.answer?.start == 2)
        #expect(prediction.candidates.map(\.text) == ["다라", "가나"])
        #expect(abs(prediction.candidates.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
    }

    @Test(
        arguments: [
            // The end before the start, the start in the question, the end behind the context, both at `[CLS]`.
            ([0, 0, 0, 0, 5, 0], [0, 0, 0, 5, 0, 0]), ([0, 5, 0, 0, 0, 0], [0, 0, 0, 5, 0, 0]),
            ([0, 0, 0, 5, 0, 0], [0, 0, 0, 0, 0, 5]), ([5, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0]),
        ] as [([Float], [Float])])
    func argmaxWithoutASpanIsEmpty(start: [Float], end: [Float]) throws {
        let low: [Float] = [0, 0, 0, 1, 0, 0]
        let windows = [(0..<2, start, end), (0..<2, low, low)]
        let prediction = try predict("가나", windows: windows, settings: Self.argmax)
        #expect(prediction.text.isEmpty && prediction.answer == nil)
        #expect(prediction.candidates.map(\.text) == ["", "가"])
    }

    @Test func argmaxTakesTheEarlierOfEqualsAndAnyLength() throws {
        let flat: [Float] = [0, 0, 0, 1, 1, 0]
        let prediction = try predict(
            "가나다라", windows: [(0..<2, flat, flat), (2..<4, flat, flat)], settings: Self.argmax)
        #expect(prediction.text == "가")
        var settings = Self.argmax
        settings.maxAnswerLength = 1
        settings.allowsNoAnswer = true
        let long = try predict(
            "가나", windows: [(0..<2, [1, 0, 0, 3, 0, 0], [1, 0, 0, 0, 3, 0])], settings: settings)
        #expect(long.text == "가나" && long.nullOdds == -4)
    }

    @Test func logitsThatAreNotFiniteAreAnError() {
        #expect(throws: FeatureError.nonFiniteLogits(questionID: "q", window: 0)) {
            try predict("가", windows: [(0..<1, [0, 0, 0, .nan, 0], [0, 0, 0, 0, 0])])
        }
    }
}

/// Answers against `postprocess_qa_predictions` of `run_qa.py`.
struct AnswerParityTests {
    private struct Item: FixtureRow {
        let context: String
        let windows: [Window]

        init(row: inout any UnkeyedDecodingContainer) throws {
            context = try row.decode(String.self)
            windows = try row.decode([Window].self)
        }
    }

    private struct Window: FixtureRow {
        let count: Int
        let contextStart: Int
        let offsets: [[Int32]]
        let logits: SpanLogits

        init(row: inout any UnkeyedDecodingContainer) throws {
            count = try row.decode(Int.self)
            contextStart = try row.decode(Int.self)
            offsets = try row.decode([[Int32]].self)
            logits = SpanLogits(start: try row.decode([Float].self), end: try row.decode([Float].self))
        }
    }

    private struct Expected: Decodable {
        let n: Int
        let length: Int
        let version2: Bool
        let threshold: Float
        let answers: [Row]
    }

    private struct Row: FixtureRow {
        let text: String
        let nullOdds: Float?
        let candidates: [Candidate]

        init(row: inout any UnkeyedDecodingContainer) throws {
            text = try row.decode(String.self)
            nullOdds = try row.decodeIfPresent(Float.self)
            candidates = try row.decode([Candidate].self)
        }
    }

    private struct Candidate: FixtureRow {
        let answer: ScoredAnswer

        init(row: inout any UnkeyedDecodingContainer) throws {
            answer = ScoredAnswer(
                text: try row.decode(String.self), start: try row.decode(Int.self),
                end: try row.decode(Int.self),
                startLogit: try row.decode(Float.self), endLogit: try row.decode(Float.self),
                probability: try row.decode(Float.self))
        }
    }

    @Test func answersAreThoseOfTheReference() throws {
        let items: [Item] = try fixture("answers/logits.json")
        let questions = items.indices.map { Question(id: "q\($0)", text: "?", contextIndex: $0, answers: []) }
        let dataset = Dataset(contexts: items.map(\.context), questions: questions)
        let features = items.enumerated().flatMap { index, item in
            item.windows.enumerated().map { number, window in
                Feature(
                    questionIndex: index, window: number, inputIDs: Array(repeating: 0, count: window.count),
                    contextStart: window.contextStart,
                    contextTokens: window.offsets.map { Token(id: 0, start: $0[0], end: $0[1]) }[...])
            }
        }
        let logits = items.flatMap { $0.windows.map(\.logits) }
        for expected in try fixture("answers/answers.json", as: [Expected].self) {
            let settings = AnswerSettings(
                bestCount: expected.n, maxAnswerLength: expected.length, allowsNoAnswer: expected.version2,
                nullThreshold: expected.threshold)
            let predictions = try AnswerExtractor(settings: settings)
                .predictions(for: dataset, features: features, logits: logits)
            #expect(predictions.count == expected.answers.count)
            for (prediction, row) in zip(predictions, expected.answers) {
                // Where the reference has no candidate, its word for that is no answer here.
                let hasNone = row.candidates[0].answer.text == "empty" && row.text == "empty"
                #expect(
                    isSameText(prediction.text, hasNone ? "" : row.text),
                    "\(prediction.questionID), n \(expected.n)")
                #expect(prediction.nullOdds == row.nullOdds)
                expectSame(prediction.candidates, row.candidates.map(\.answer))
            }
        }
    }

    private func expectSame(_ found: [ScoredAnswer], _ expected: [ScoredAnswer]) {
        #expect(found.count == expected.count)
        for (left, right) in zip(found, expected) {
            #expect(isSameText(left.text, right.text))
            #expect(left.start == right.start && left.end == right.end)
            #expect(left.startLogit == right.startLogit && left.endLogit == right.endLogit)
            #expect(abs(left.probability - right.probability) <= 1e-6 * max(right.probability, 1e-6))
        }
    }
}
