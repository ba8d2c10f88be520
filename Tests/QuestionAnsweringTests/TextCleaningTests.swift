import QuestionAnswering
import TestSupport
import Testing

/// What is left of `text`.
func cleaned(_ text: String, _ rules: CleaningRule...) -> String {
    TextCleaning(rules).cleaned(text)?.text ?? text
}

struct TextCleaningTests {
    /// Pieces in which every rule finds something, and that make more of it when they meet.
    private static let pieces = [
        "서울", "은 ", "대한민국(大韓民國)", "((漢)字)", "(", ")", "[", "]", "漢", "·", "■", "▲ ", "▶ ", "\u{200B}",
        "무단 ", "무단전재", " 및 재배포", " 금지", "ⓒ ", "(c) ", "연합뉴스", " 홍길동 기자 ", "abc@news.com", "@", "a.b", "\n",
        " ", ". ", "=", "(서울=연합뉴스) ", "[서울=", "저작권자 ", "<", ">", "e\u{301}", "\u{1112}\u{1161}\u{11AB}",
        "🙂", "𠀀", "바로가기", "제보", "했다. ", "3.14", "(다)",
    ]

    private static func text(_ random: inout SeededGenerator) -> String {
        (0..<Int.random(in: 1...25, using: &random)).map { _ in
            Self.pieces.randomElement(using: &random) ?? ""
        }.joined()
    }

    private static let everyChoice: [TextCleaning] = (1...7).map { bits in
        TextCleaning(CleaningRule.allCases.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element))
    }

    private static let all = TextCleaning(CleaningRule.allCases)

    @Test func nothingIsCleanedUnlessAskedFor() {
        #expect(TextCleaning.none.cleaned("대한민국(大韓民國) ■") == nil)
        #expect(Self.all.cleaned("서울은 대한민국의 수도이다.") == nil)
        #expect(Self.all.cleaned("") == nil)
    }

    @Test func cleaningACleanedTextChangesNothing() {
        var random = SeededGenerator(seed: 17)
        var changed = 0
        for _ in 0..<1500 {
            let text = Self.text(&random)
            for cleaning in Self.everyChoice {
                guard let once = cleaning.cleaned(text) else { continue }
                changed += 1
                #expect(cleaning.cleaned(once.text) == nil, "\(cleaning): \(text) → \(once.text)")
            }
        }
        #expect(changed > 3000)
    }

    @Test func whatIsLeftIsTheOriginalWithoutTheChanges() {
        var random = SeededGenerator(seed: 18)
        for _ in 0..<1500 {
            let original = CodePoints(Self.text(&random))
            guard let cleaned = Self.all.cleaned(original.slice(0, original.count)) else { continue }
            var kept: [Unicode.Scalar] = []
            var start = 0
            for change in cleaned.changes {
                #expect(start <= change.lowerBound && !change.isEmpty)
                kept += original.scalars[start..<change.lowerBound]
                start = change.upperBound
            }
            kept += original.scalars[start...]
            // A blank may stand in a change's place, and lines stay what they are.
            let blank: Unicode.Scalar = " "
            #expect(CodePoints(cleaned.text).scalars.filter { $0 != blank } == kept.filter { $0 != blank })
            #expect(kept.count { $0 == "\n" } == original.scalars.count { $0 == "\n" })
            #expect(cleaned.counts.values.allSatisfy { $0.removals > 0 && $0.codePoints >= $0.removals })
            // What one rule leaves a blank for, another may take with it.
            let changed = cleaned.changes.reduce(0) { $0 + $1.count }
            #expect(changed <= cleaned.counts.values.reduce(0) { $0 + $1.codePoints })
        }
    }

    @Test func tokensOfCleanedTextHaveTheirPlacesInTheOriginal() {
        var random = SeededGenerator(seed: 19)
        for _ in 0..<1000 {
            let original = CodePoints(Self.text(&random))
            guard let cleaned = Self.all.cleaned(original.slice(0, original.count)) else { continue }
            let text = CodePoints(cleaned.text)
            let removed = Set(cleaned.changes.flatMap(\.self))
            for token in PieceTokenizer().encode(cleaned.text) {
                let place = cleaned.original(token)
                let left = (Int(place.start)..<Int(place.end)).filter { !removed.contains($0) }
                    .map { original.scalars[$0] }
                #expect(left.elementsEqual(text.scalars[Int(token.start)..<Int(token.end)]))
                #expect(!removed.contains(Int(place.start)) && !removed.contains(Int(place.end) - 1))
            }
        }
    }

    @Test func aTextOfNothingElseStays() {
        #expect(Self.all.cleaned("■ ▲\n(大韓)") == nil)
        #expect(Self.all.cleaned("무단전재 및 재배포 금지") == nil)
    }

    @Test func rulesUncoverWorkForEachOther() {
        #expect(cleaned("한국(韓■國)은", .hanja) == "한국(韓■國)은")
        #expect(cleaned("한국(韓■國)은", .hanja, .special) == "한국은")
        #expect(cleaned("한국(韓\u{200B}國)은", .special, .hanja) == "한국은")
    }

    @Test func oddTextTakesNoTimeBeyondItsLength() {
        let deep = "가" + String(repeating: "(", count: 20_000) + "漢" + String(repeating: ")", count: 20_000)
        let outer = cleaned(deep, .hanja)
        #expect(outer.unicodeScalars.count == 1)
        for piece in ["(漢", "(", "@a.", "ⓒ ", "무단 전재 ", "(서울=", "▶ 제보 ", "가가", "저작권자 (c) ", "■가"] {
            let text = "글 " + String(repeating: piece, count: 10_000)
            let left = Self.all.cleaned(text)?.text ?? text
            #expect(left.unicodeScalars.count <= text.unicodeScalars.count)
        }
    }

    @Test func aTouchIsAnOverlap() throws {
        let text = try #require(TextCleaning([.hanja]).cleaned("한국(韓國)은 나라"))
        #expect(text.changes == [2..<6])
        #expect(!text.touches(start: 0, count: 2) && text.touches(start: 0, count: 3))
        #expect(text.touches(start: 5, count: 1) && !text.touches(start: 6, count: 1))
        #expect(text.touches(start: 3, count: 1) && !text.touches(start: 3, count: 0))
        #expect(
            !text.touches(start: Int.max, count: Int.max) && !text.touches(start: Int.min, count: Int.max))
        #expect(text.touches(start: 1, count: Int.max))
    }
}

/// Pieces of up to three code points of words, which blanks part; equal pieces have equal ids.
struct PieceTokenizer: Tokenizer {
    let specialTokenIDs = SpecialTokenIDs(classification: -1, separator: -2, padding: -3)

    func encode(_ text: String) -> [Token] {
        var tokens: [Token] = []
        var start = 0
        var hash: Int32 = 7
        let scalars = Array(text.unicodeScalars)
        for index in 0...scalars.count {
            let ends = index == scalars.count || scalars[index].properties.isWhitespace
            if index > start, ends || index - start == 3 {
                tokens.append(Token(id: hash, start: Int32(start), end: Int32(index)))
                (start, hash) = (index, 7)
            }
            if ends { start = index + 1 } else { hash = hash &* 31 &+ Int32(scalars[index].value) }
        }
        return tokens
    }
}
