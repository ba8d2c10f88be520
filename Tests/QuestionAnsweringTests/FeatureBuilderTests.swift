import QuestionAnswering
import TestSupport
import Testing

/// One token a code point, its id the code point's value.
struct CodePointTokenizer: Tokenizer {
    let specialTokenIDs = SpecialTokenIDs(classification: -1, separator: -2, padding: -3)

    func encode(_ text: String) -> [Token] {
        text.unicodeScalars.enumerated().map { index, scalar in
            Token(id: Int32(scalar.value), start: Int32(index), end: Int32(index) + 1)
        }
    }
}

struct FeatureBuilderTests {
    private func builder(
        _ length: Int, _ stride: Int, query: Int? = nil, windows: UnanswerableWindows = .cls
    ) throws -> FeatureBuilder {
        let settings = FeatureSettings(
            maxSequenceLength: length, documentStride: stride, maxQueryLength: query,
            unanswerableWindows: windows)
        return try FeatureBuilder(tokenizer: CodePointTokenizer(), settings: settings)
    }

    private func dataset(_ context: String, question: String = "ab", answer: Answer? = nil) -> Dataset {
        let answers = answer.map { [$0] } ?? []
        return Dataset(
            contexts: [context],
            questions: [Question(id: "q", text: question, contextIndex: 0, answers: answers)])
    }

    @Test func aFeatureIsQuestionAndContextBetweenSpecialTokens() throws {
        let features = try builder(20, 4).features(
            of: dataset("가나다", question: " \u{3000}ab", answer: Answer(text: "나", start: 1)), labelled: true)
        #expect(features.count == 1)
        let feature = features[0]
        #expect(feature.inputIDs == [-1, 0x61, 0x62, -2, 0xAC00, 0xB098, 0xB2E4, -2])
        #expect(feature.tokenTypeIDs == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(feature.contextRange == 4..<7)
        #expect(feature.label == Feature.Label(start: 5, end: 5))
        #expect(feature.contextToken(at: 3) == nil && feature.contextToken(at: 7) == nil)
        #expect(feature.contextToken(at: 4)?.start == 0)
    }

    @Test func labelsAreGivenOnlyWhenAskedFor() throws {
        let data = dataset("가나다", answer: Answer(text: "나", start: 1))
        #expect(try builder(20, 4).features(of: data, labelled: false)[0].label == nil)
    }

    @Test func anAnswerAtOffsetZeroIsAnAnswer() throws {
        let data = dataset("가나다", answer: Answer(text: "가나", start: 0))
        #expect(
            try builder(20, 4).features(of: data, labelled: true)[0].label == Feature.Label(start: 4, end: 5))
    }

    @Test func anAnswerInTheLastTokenStaysInTheContext() throws {
        let data = dataset("가나다", answer: Answer(text: "다", start: 2))
        #expect(
            try builder(20, 4).features(of: data, labelled: true)[0].label == Feature.Label(start: 6, end: 6))
    }

    @Test func windowsWithoutTheAnswerPointAtTheClassificationTokenOrAreLeftOut() throws {
        let data = dataset("0123456789", answer: Answer(text: "89", start: 8))
        let all = try builder(9, 1).features(of: data, labelled: true)
        #expect(all.map(\.window) == [0, 1, 2])
        #expect(all.map(\.label) == [.unanswerable, .unanswerable, Feature.Label(start: 6, end: 7)])
        let kept = try builder(9, 1, windows: .drop).features(of: data, labelled: true)
        #expect(kept.map(\.window) == [2])
        #expect(try builder(9, 1, windows: .drop).features(of: data, labelled: false).count == 3)
    }

    @Test func windowsCoverTheContextWithTheOverlapAskedFor() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<300 {
            let count = Int.random(in: 0...60, using: &random)
            let length = Int.random(in: 8...40, using: &random)
            let room = length - 5
            let overlap = Int.random(in: 0..<room, using: &random)
            guard overlap < length - 4 else { continue }
            let data = dataset(String(repeating: "가", count: count))
            let windows = try builder(length, overlap).features(of: data, labelled: true)
            #expect(windows.first?.contextTokens.startIndex == 0)
            #expect(windows.last?.contextTokens.endIndex == count)
            for (left, right) in zip(windows, windows.dropFirst()) {
                #expect(left.count == length)
                #expect(left.contextTokens.endIndex - right.contextTokens.startIndex == overlap)
            }
            // No window lies within the one before.
            #expect(windows.dropLast().allSatisfy { $0.contextTokens.endIndex < count })
        }
    }

    @Test func aContextWithoutTokensHasOneWindow() throws {
        let features = try builder(20, 4).features(
            of: dataset("", answer: Answer(text: "x", start: 0)), labelled: true)
        #expect(features.map(\.inputIDs) == [[-1, 0x61, 0x62, -2, -2]])
        #expect(features[0].label == .unanswerable)
    }

    @Test func longQuestionsAreCutWhenAskedFor() throws {
        let data = dataset("가나다", question: "abcdefgh")
        let feature = try builder(12, 2, query: 3).features(of: data, labelled: false)[0]
        #expect(feature.inputIDs.prefix(5) == [-1, 0x61, 0x62, 0x63, -2])
        #expect(feature.count == 9)
    }

    @Test func aQuestionThatLeavesNoRoomIsReportedWithItsId() throws {
        let builder = try builder(10, 2)
        for question in ["abcdefg", "abcdefghijkl"] {
            let expected = FeatureError.questionTooLong(
                questionID: "q", tokenCount: question.count, settings: builder.settings)
            #expect(throws: expected) {
                try builder.features(of: dataset("가", question: question), labelled: false)
            }
            #expect(expected.description.contains("question q"))
        }
        #expect(try builder.features(of: dataset("가", question: "abcdef"), labelled: false).count == 1)
    }

    @Test func anOverlapAsWideAsTheWindowIsReportedWhenTheContextDoesNotFit() throws {
        let builder = try builder(12, 6)
        let question = "abc"
        #expect(try builder.features(of: dataset("012345", question: question), labelled: false).count == 1)
        let expected = FeatureError.questionTooLong(
            questionID: "q", tokenCount: 3, settings: builder.settings)
        #expect(throws: expected) {
            try builder.features(of: dataset("0123456", question: question), labelled: false)
        }
    }

    @Test func settingsWithoutRoomAreRefused() {
        #expect(throws: FeatureError.sequenceTooShort(maxSequenceLength: 4)) { try builder(4, 0) }
        #expect(throws: FeatureError.strideTooLarge(documentStride: 60, maxSequenceLength: 64)) {
            try builder(64, 60)
        }
        #expect(throws: FeatureError.strideTooLarge(documentStride: -1, maxSequenceLength: 64)) {
            try builder(64, -1)
        }
        #expect(throws: FeatureError.emptyQuery(maxQueryLength: 0)) { try builder(64, 16, query: 0) }
    }

    @Test func questionsCanBeTakenInAnyOrder() throws {
        let contexts = ["가나다", "라마바"]
        let questions = (0..<4).map { Question(id: "q\($0)", text: "?", contextIndex: $0 / 2, answers: []) }
        let data = Dataset(contexts: contexts, questions: questions)
        let features = try builder(20, 4).features(of: data, questions: [3, 0, 1], labelled: false)
        #expect(features.map(\.questionIndex) == [3, 0, 1])
        #expect(features.map { $0.inputIDs[3] } == [0xB77C, 0xAC00, 0xAC00])
    }
}

/// Features against Hugging Face's fast tokenizer and `run_qa.py`.
struct FeatureParityTests {
    private struct Reference: Decodable {
        let special: [Int32]
        let tokens: [String: [[Int32]]]
        let examples: [Example]
        /// By `max-seq-length/doc-stride`, then by example, then by window.
        let features: [String: [[Window]]]
    }

    private struct Example: FixtureRow {
        let context: String
        let question: String
        let answer: Answer?

        init(row: inout any UnkeyedDecodingContainer) throws {
            context = try row.decode(String.self)
            question = try row.decode(String.self)
            if try row.decodeNil() {
                answer = nil
            } else {
                var pair = try row.nestedUnkeyedContainer()
                answer = Answer(text: try pair.decode(String.self), start: try pair.decode(Int.self))
            }
        }
    }

    private struct Window: FixtureRow {
        let ids: [Int32]
        let zeroTypes: Int
        let contextStart: Int
        let contextCount: Int
        let label: Feature.Label

        init(row: inout any UnkeyedDecodingContainer) throws {
            ids = try row.decode([Int32].self)
            zeroTypes = try row.decode(Int.self)
            contextStart = try row.decode(Int.self)
            contextCount = try row.decode(Int.self)
            label = Feature.Label(start: try row.decode(Int.self), end: try row.decode(Int.self))
        }
    }

    /// Looks tokens up that the reference made.
    private struct LookupTokenizer: Tokenizer {
        let specialTokenIDs: SpecialTokenIDs
        let tokens: [String: [Token]]

        init(_ reference: Reference) {
            specialTokenIDs = SpecialTokenIDs(
                classification: reference.special[0], separator: reference.special[1],
                padding: reference.special[2])
            tokens = reference.tokens.mapValues { rows in
                rows.map { Token(id: $0[0], start: $0[1], end: $0[2]) }
            }
        }

        func encode(_ text: String) -> [Token] { tokens[text] ?? [] }
    }

    @Test func featuresAreThoseOfTheReference() throws {
        let reference: Reference = try fixture("features/features.json")
        let tokenizer = LookupTokenizer(reference)
        let questions = reference.examples.enumerated().map { index, example in
            Question(
                id: "q\(index)", text: example.question, contextIndex: index,
                answers: example.answer.map { [$0] } ?? [])
        }
        let dataset = Dataset(contexts: reference.examples.map(\.context), questions: questions)
        for (name, expected) in reference.features {
            let numbers = name.split(separator: "/").compactMap { Int($0) }
            let settings = FeatureSettings(maxSequenceLength: numbers[0], documentStride: numbers[1])
            let features = try FeatureBuilder(tokenizer: tokenizer, settings: settings)
                .features(of: dataset, labelled: true)
            let windows = expected.flatMap(\.self)
            #expect(features.count == windows.count, "\(name)")
            for (feature, window) in zip(features, windows) {
                #expect(feature.inputIDs == window.ids)
                #expect(feature.tokenTypeIDs.count { $0 == 0 } == window.zeroTypes)
                #expect(
                    feature.contextRange == window.contextStart..<window.contextStart + window.contextCount)
                #expect(feature.label == window.label, "\(name), question \(feature.questionIndex)")
            }
            #expect(windows.contains { $0.label != .unanswerable })
        }
    }
}
