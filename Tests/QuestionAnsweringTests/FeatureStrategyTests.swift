import QuestionAnswering
import TestSupport
import Testing

private func question(
    _ context: String, question: String = "ab", answers: [Answer] = []
) -> Dataset {
    Dataset(
        contexts: [context],
        questions: [Question(id: "q", text: question, contextIndex: 0, answers: answers)])
}

struct SingleWindowTests {
    private func builder(
        _ length: Int, stride: Int = 128, query: Int? = nil, windows: UnanswerableWindows = .cls,
        types: Bool = true
    ) throws -> FeatureBuilder {
        var settings = FeatureSettings(
            maxSequenceLength: length, documentStride: stride, maxQueryLength: query,
            unanswerableWindows: windows, usesTokenTypes: types)
        settings.layout = .singleWindow
        return try FeatureBuilder(tokenizer: CodePointTokenizer(), settings: settings)
    }

    @Test func theContextComesFirst() throws {
        let data = question("가나다", question: " ab", answers: [Answer(text: "나다", start: 1)])
        let features = try builder(20).features(of: data, labelled: true)
        #expect(features.count == 1)
        #expect(features[0].inputIDs == [-1, 0xAC00, 0xB098, 0xB2E4, -2, 0x61, 0x62, -2])
        #expect(features[0].tokenTypeIDs == [0, 0, 0, 0, 0, 1, 1, 1])
        #expect(features[0].contextRange == 1..<4 && features[0].label == Feature.Label(start: 2, end: 3))
        #expect(try builder(20, types: false).features(of: data, labelled: true)[0].tokenTypeIDs.max() == 0)
    }

    @Test func whatDoesNotFitIsCutOffTheContext() throws {
        let data = question("0123456789", answers: [Answer(text: "89", start: 8)])
        let features = try builder(9).features(of: data, labelled: true)
        #expect(features.count == 1 && features[0].count == 9 && features[0].contextTokens.count == 4)
        #expect(features[0].label == .unanswerable)
        #expect(try builder(9, windows: .drop).features(of: data, labelled: true).isEmpty)
        #expect(try builder(9, windows: .drop).features(of: data, labelled: false).count == 1)
    }

    @Test func theStrideDoesNotMatterAndTheQuestionDoes() throws {
        let builder = try builder(10, stride: 1000)
        #expect(try builder.features(of: question("가", question: "abcdef"), labelled: false)[0].count == 10)
        let error = FeatureError.questionTooLong(
            questionID: "q", tokenCount: 7, settings: builder.settings)
        #expect(throws: error) {
            try builder.features(of: question("가", question: "abcdefg"), labelled: false)
        }
        #expect(!error.description.contains("stride") && error.description.contains("--max-query-length"))
        let cut = try self.builder(10, query: 3).features(
            of: question("가", question: "abcdefg"), labelled: false)
        #expect(cut[0].inputIDs == [-1, 0xAC00, -2, 0x61, 0x62, 0x63, -2])
    }

    @Test func featuresAreThoseOfTheReference() throws {
        let reference: SingleWindowReference = try fixture("features/single_window.json")
        let dataset = reference.dataset
        for (length, expected) in reference.features {
            var settings = FeatureSettings(maxSequenceLength: try #require(Int(length)))
            settings.layout = .singleWindow
            let features = try FeatureBuilder(tokenizer: reference.tokenizer, settings: settings)
                .features(of: dataset, labelled: true)
            #expect(features.count == expected.count && features.count == 30)
            for (feature, row) in zip(features, expected) {
                #expect(feature.inputIDs == row.ids)
                #expect(feature.tokenTypeIDs.count { $0 == 0 } == row.numbers[0])
                #expect(feature.contextRange == row.numbers[1]..<row.numbers[1] + row.numbers[2])
                #expect(feature.label == Feature.Label(start: row.numbers[3], end: row.numbers[4]))
            }
            #expect(expected.contains { $0.numbers[3] > 0 } && expected.contains { $0.numbers[3] == 0 })
        }
    }
}

struct SentenceWindowTests {
    private func builder(_ length: Int, _ stride: Int, sentences: Bool = true) throws -> FeatureBuilder {
        var settings = FeatureSettings(maxSequenceLength: length, documentStride: stride)
        settings.splitsSentences = sentences
        return try FeatureBuilder(tokenizer: PieceTokenizer(), settings: settings)
    }

    @Test func windowsBeginWithSentences() throws {
        // Tokens: 하나 둘. 셋 넷. 다섯 여섯. … of which a window of 5 holds two sentences and a half.
        let data = question("하나 둘. 셋 넷. 다섯 섯. 일곱 덟. 아홉 열.", question: "ab")
        let windows = try builder(9, 1).features(of: data, labelled: false)
        #expect(windows.map(\.contextTokens.startIndex) == [0, 4, 8])
        #expect(
            try builder(9, 1, sentences: false).features(of: data, labelled: false)[1].contextTokens
                .startIndex == 4)
        #expect(
            try builder(9, 2).features(of: data, labelled: false).map(\.contextTokens.startIndex) == [
                0, 2, 4, 6,
            ])
        #expect(
            try builder(10, 1).features(of: data, labelled: false).map(\.contextTokens.startIndex) == [0, 4])
    }

    @Test func windowsMoveOnAndCoverEverything() throws {
        var random = SeededGenerator(seed: 31)
        for _ in 0..<400 {
            let words = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                ["가", "나다. ", "라마바", " ", "\n", "사? ", "3.14 ", "아자차카. "].randomElement(using: &random) ?? ""
            }
            let length = Int.random(in: 8...40, using: &random)
            let room = length - 4
            let overlap = Int.random(in: 0..<room, using: &random)
            let data = question(words.joined())
            let plain = try builder(length, overlap, sentences: false).features(of: data, labelled: false)
            let windows = try builder(length, overlap).features(of: data, labelled: false)
            let count = PieceTokenizer().encode(words.joined()).count
            #expect(
                windows.first?.contextTokens.startIndex == 0 && windows.last?.contextTokens.endIndex == count)
            #expect(windows.map(\.window) == Array(0..<windows.count))
            #expect(windows.count <= 2 * plain.count)
            for (left, right) in zip(windows, windows.dropFirst()) {
                #expect(left.count == length)
                #expect(left.contextTokens.startIndex < right.contextTokens.startIndex)
                #expect(left.contextTokens.endIndex - right.contextTokens.startIndex >= overlap)
                #expect(left.contextTokens.endIndex < count)
            }
        }
    }
}

struct CleanedFeatureTests {
    private static let context = "대한민국(大韓民國)은 ■ 나라이다. 일본(日本)도 나라이다."

    private func builder(spares: Bool = true, cleaning: TextCleaning) throws -> FeatureBuilder {
        var settings = FeatureSettings(maxSequenceLength: 100, documentStride: 8)
        settings.cleaning = cleaning
        return try FeatureBuilder(tokenizer: CodePointTokenizer(), settings: settings, sparesAnswers: spares)
    }

    /// The text that the label's tokens cover in the original, and that they spell.
    private func labelled(_ feature: Feature) -> String? {
        guard let label = feature.label, label != .unanswerable else { return nil }
        return String(
            String.UnicodeScalarView(
                feature.inputIDs[label.start...label.end].compactMap { Unicode.Scalar(UInt32($0)) }))
    }

    @Test func aTouchedAnswerKeepsItsContextInTraining() throws {
        let cleaning = TextCleaning([.hanja, .special])
        let untouched = question(Self.context, answers: [Answer(text: "대한민국", start: 0)])
        let touched = question(Self.context, answers: [Answer(text: "대한민국(大韓民國)", start: 0)])
        let second = question(
            Self.context, answers: [Answer(text: "나라", start: 14), Answer(text: "日本", start: 23)])
        let full = CodePoints(Self.context).count + 5
        let feature = try builder(cleaning: cleaning).features(of: untouched, labelled: true)[0]
        #expect(feature.count < full && labelled(feature) == "대한민국")
        for data in [touched, second] {
            let kept = try builder(cleaning: cleaning).features(of: data, labelled: true)[0]
            #expect(kept.count == full)
            let evaluated = try builder(spares: false, cleaning: cleaning).features(of: data, labelled: true)[
                0]
            #expect(evaluated.count == feature.count && evaluated.label != nil)
            #expect(
                try builder(cleaning: cleaning).features(of: data, labelled: false)[0].count == feature.count)
        }
    }

    @Test func labelsOfUntouchedQuestionsAreTheirAnswers() throws {
        var random = SeededGenerator(seed: 41)
        let pieces = ["서울", "은(銀)", "(漢)", "■", "\u{200B}", " ", "가", "나. ", "(다)", "[", "▲ "]
        let cleaning = TextCleaning(CleaningRule.allCases)
        var untouched = 0
        for _ in 0..<600 {
            let text = "글" + (0..<15).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let original = CodePoints(text)
            let start = Int.random(in: 0..<original.count, using: &random)
            let answer = Answer(
                text: original.slice(start, start + Int.random(in: 1...4, using: &random)), start: start)
            let feature = try builder(cleaning: cleaning).features(
                of: question(text, answers: [answer]), labelled: true)[0]
            // Whether cleaned or not, one code point is one token here.
            #expect(labelled(feature) == answer.text)
            if let cleanedText = cleaning.cleaned(text), !cleanedText.touches(start: start, count: 1),
                feature.count < original.count + 5
            {
                untouched += 1
                let label = try #require(feature.label)
                #expect(feature.contextToken(at: label.start)?.start == Int32(start))
            }
        }
        #expect(untouched > 100)
    }

    @Test func statisticsTellWhatChanged() throws {
        let questions = [
            Question(id: "a", text: "?", contextIndex: 0, answers: [Answer(text: "대한민국", start: 0)]),
            Question(id: "b", text: "?", contextIndex: 1, answers: []),
            Question(id: "c", text: "?", contextIndex: 0, answers: [Answer(text: "日本", start: 23)]),
        ]
        let data = Dataset(contexts: [Self.context, "글", "(漢) 없는 물음"], questions: questions)
        let cleaning = TextCleaning([.hanja, .special])
        let training = CleaningStatistics(
            data, questions: [0, 1, 2], labelledCount: 3, builder: try builder(cleaning: cleaning))
        #expect(training.contexts == 2 && training.changedContexts == 1)
        #expect(training.counts[.hanja] == CleaningCount(removals: 2, codePoints: 10))
        #expect(training.counts[.special] == CleaningCount(removals: 1, codePoints: 1))
        #expect(training.sparedQuestions == 1 && training.touchedQuestions == 0)
        let evaluation = CleaningStatistics(
            data, questions: [0, 1, 2], labelledCount: 3,
            builder: try builder(spares: false, cleaning: cleaning))
        #expect(evaluation.sparedQuestions == 0 && evaluation.touchedQuestions == 1)
        #expect(
            training.notices[0].contains("1 of 2 contexts")
                && training.notices[1].contains("1 question(s) keep"))
        #expect(
            JSONValue.object(training.members).compact.contains(#""hanja":{"removals":2,"code_points":10}"#))
    }
}

/// What `single_window.py` wrote.
private struct SingleWindowReference: Decodable {
    struct Example: FixtureRow {
        let context: String
        let question: String
        let answers: [Answer]

        init(row: inout any UnkeyedDecodingContainer) throws {
            context = try row.decode(String.self)
            question = try row.decode(String.self)
            if try row.decodeNil() {
                answers = []
            } else {
                var pair = try row.nestedUnkeyedContainer()
                answers = [Answer(text: try pair.decode(String.self), start: try pair.decode(Int.self))]
            }
        }
    }

    struct Row: FixtureRow {
        let ids: [Int32]
        /// Tokens of type 0, the context's start and count, and the label.
        let numbers: [Int]

        init(row: inout any UnkeyedDecodingContainer) throws {
            ids = try row.decode([Int32].self)
            numbers = try (0..<5).map { _ in try row.decode(Int.self) }
        }
    }

    let special: [Int32]
    let tokens: [String: [[Int32]]]
    let examples: [Example]
    /// By `max-seq-length`.
    let features: [String: [Row]]

    var dataset: Dataset {
        Dataset(
            contexts: examples.map(\.context),
            questions: examples.enumerated().map { index, example in
                Question(
                    id: "q\(index)", text: example.question, contextIndex: index, answers: example.answers)
            })
    }

    var tokenizer: LookupTokenizer {
        LookupTokenizer(
            specialTokenIDs: SpecialTokenIDs(
                classification: special[0], separator: special[1], padding: special[2]),
            tokens: tokens.mapValues { rows in rows.map { Token(id: $0[0], start: $0[1], end: $0[2]) } })
    }

    struct LookupTokenizer: Tokenizer {
        let specialTokenIDs: SpecialTokenIDs
        let tokens: [String: [Token]]

        func encode(_ text: String) -> [Token] { tokens[text] ?? [] }
    }
}
