import Foundation
import TestSupport
import Testing

@testable import QuestionAnswering

@Suite struct WordPieceTokenizerTests {
    @Test func `tokens and offsets equal the fast tokenizer's under all settings`() throws {
        let fixture = try TokenFixture.load()
        let vocabulary = try Vocabulary(entries: fixture.vocabulary, source: "fixture")
        var compared = 0
        for (index, settings) in fixture.settings.enumerated() {
            let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
            for testCase in fixture.cases {
                let expected = testCase.expected(index)
                #expect(tokenizer.encode(testCase.text) == expected, "\(settings): \(testCase.escaped)")
                #expect(tokenizer.encodeStepByStep(testCase.text) == expected, "\(testCase.escaped)")
                compared += 1
            }
        }
        #expect(compared > 5000)
    }

    @Test func `added tokens obey their flags as in the fast tokenizer`() throws {
        let fixture = try TokenFixture.load()
        let vocabulary = try Vocabulary(
            entries: fixture.vocabulary + fixture.flagged.entries, source: "fixture")
        for (index, base) in fixture.flagged.settings.enumerated() {
            var settings = base
            for token in fixture.flagged.tokens {
                if token.content == settings.maskToken.content {
                    settings.maskToken = token
                } else if let id = vocabulary.id(of: token.content) {
                    settings.additionalTokens[Int(id)] = token
                }
            }
            let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
            for testCase in fixture.flagged.cases {
                #expect(tokenizer.encode(testCase.text) == testCase.expected(index), "\(testCase.escaped)")
            }
        }
    }

    @Test func `one pass by table equals the normaliser step by step on random text`() throws {
        var random = SeededGenerator(seed: 11)
        let fixture = try TokenFixture.load()
        let vocabulary = try Vocabulary(entries: fixture.vocabulary, source: "fixture")
        for settings in fixture.settings {
            let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
            for _ in 0..<100 {
                let text = randomText(using: &random)
                guard let tokens = tokenizer.encodeByTable(text) else { continue }
                #expect(tokens == tokenizer.encodeStepByStep(text), "\(settings): \(text.unicodeScalars)")
            }
        }
    }

    @Test func `offsets ascend, stay within the text and are never empty`() throws {
        var random = SeededGenerator(seed: 5)
        let fixture = try TokenFixture.load()
        let vocabulary = try Vocabulary(entries: fixture.vocabulary, source: "fixture")
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: TokenizerSettings())
        for _ in 0..<300 {
            let text = randomText(using: &random)
            let length = Int32(text.unicodeScalars.count)
            var last: Int32 = 0
            for token in tokenizer.encode(text) {
                #expect(token.start >= last && token.start < token.end && token.end <= length)
                last = token.start
            }
        }
    }

    @Test func `lower-casing with strip_accents false leaves Hangul syllables whole`() throws {
        let vocabulary = try Vocabulary(
            entries: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "서울", "a"], source: "test")
        let settings = TokenizerSettings(doLowerCase: true, stripAccents: false)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
        let expected = [Token(id: 4, start: 0, end: 2), Token(id: 5, start: 3, end: 4)]
        #expect(tokenizer.encode("서울 A") == expected)
    }

    @Test func `a syllable and its conjoining jamo are different entries`() throws {
        let vocabulary = try Vocabulary(
            entries: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u{AC01}", "\u{1100}\u{1161}\u{11A8}"],
            source: "test")
        let settings = TokenizerSettings(doLowerCase: false)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
        #expect(tokenizer.encode("\u{AC01}").map(\.id) == [4])
        #expect(tokenizer.encode("\u{1100}\u{1161}\u{11A8}").map(\.id) == [5])
    }

    @Test func `special token ids follow the names in the settings`() throws {
        let vocabulary = try Vocabulary(
            entries: ["<pad>", "[UNK]", "<s>", "</s>", "[CLS]", "["], source: "test")
        var settings = TokenizerSettings(doLowerCase: false)
        settings.paddingToken = AddedToken("<pad>")
        settings.classificationToken = AddedToken("<s>")
        settings.separatorToken = AddedToken("</s>")
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
        #expect(tokenizer.specialTokenIDs == SpecialTokenIDs(classification: 2, separator: 3, padding: 0))
        #expect(tokenizer.encode("<s>x").map(\.id) == [2, 1])
        #expect(tokenizer.encode("[CLS]").map(\.id) == [5, 1, 1])
    }

    @Test(arguments: ["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    func `a vocabulary without a needed special token is refused by name`(missing: String) throws {
        let entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"].filter { $0 != missing }
        let vocabulary = try Vocabulary(entries: entries, source: "folder/vocab.txt")
        #expect(throws: TextError.missingSpecialToken(path: "folder/vocab.txt", token: missing)) {
            try WordPieceTokenizer(vocabulary: vocabulary, settings: TokenizerSettings())
        }
    }

    @Test func `a text is described by entries, ids and code point offsets on one line of JSON`() throws {
        let vocabulary = try Vocabulary(
            entries: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "서울", "##은", "😀", "/"], source: "test")
        let settings = TokenizerSettings(doLowerCase: false)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
        let described = tokenizer.describe("😀 서울은/")
        #expect(described.tokens == ["😀", "서울", "##은", "/"])
        let decoded =
            try JSONSerialization.jsonObject(with: Data(described.json.compact.utf8)) as? [String: Any]
        #expect(decoded?["ids"] as? [Int] == [6, 4, 5, 7])
        #expect(decoded?["offsets"] as? [[Int]] == [[0, 1], [2, 4], [4, 5], [5, 6]])
        #expect(!described.json.compact.contains("\n"))
    }

    @Test func `encoding from many threads at once gives the same tokens`() async throws {
        let fixture = try TokenFixture.load()
        let vocabulary = try Vocabulary(entries: fixture.vocabulary, source: "fixture")
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: fixture.settings[0])
        let texts = fixture.cases.map(\.text)
        let expected = texts.map(tokenizer.encode)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { texts.map(tokenizer.encode) == expected } }
            for await same in group { #expect(same) }
        }
    }

    private func randomText(using random: inout SeededGenerator) -> String {
        let interesting: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0xA0...0x24F, 0x300...0x36F, 0x370...0x3FF, 0x1100...0x11FF, 0x2000...0x206F,
            0x3000...0x30FF, 0x4E00...0x4EFF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0x1D150...0x1D180,
            0x0...0x10FFFF,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            if Int.random(in: 0..<20, using: &random) == 0 {
                text.append(
                    contentsOf: ["[CLS]", "[MASK]", "[UNK"][Int.random(in: 0..<3, using: &random)]
                        .unicodeScalars)
            }
            let range = interesting[Int.random(in: 0..<interesting.count, using: &random)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
        }
        return String(text)
    }
}

/// `Tests/Fixtures/tokenizer/tokens.json`.
struct TokenFixture: Decodable {
    struct Case: Decodable {
        struct Outcome: Decodable {
            let ids: [Int32]
            let offsets: [Int32]
        }
        let text: String
        let outcomes: [Outcome]
        let outcome: [Int]

        func expected(_ settings: Int) -> [Token] {
            let outcome = outcomes[outcome[settings]]
            return outcome.ids.indices.map { index in
                Token(
                    id: outcome.ids[index], start: outcome.offsets[2 * index],
                    end: outcome.offsets[2 * index + 1])
            }
        }

        var escaped: String { text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
    }

    struct Flagged: Decodable {
        let entries: [String]
        let tokens: [AddedToken]
        let settings: [TokenizerSettings]
        let cases: [Case]
    }

    let vocabulary: [String]
    let settings: [TokenizerSettings]
    let cases: [Case]
    let flagged: Flagged

    static func load() throws -> TokenFixture {
        let url = Paths.fixtures.appending(path: "tokenizer/tokens.json")
        return try JSONDecoder().decode(TokenFixture.self, from: Data(contentsOf: url))
    }
}
