import Testing

@testable import QuestionAnswering

struct CodePointsTests {
    @Test func slicesCountCodePoints() {
        let text = CodePoints("e\u{301}🙂👩‍👧\r\n가")
        #expect(text.count == 9)
        #expect(isSameText(text.slice(1, 3), "\u{301}🙂"))
        #expect(isSameText(text.slice(6, 7), "\r"))
    }

    @Test func slicesAreCutToTheText() {
        let text = CodePoints("abc")
        #expect(text.slice(-2, 2) == "ab")
        #expect(text.slice(2, 9) == "c")
        #expect(text.slice(2, 1) == "")
        #expect(text.slice(7, 9) == "")
    }

    @Test func equivalentTextsAreNotTheSame() {
        #expect("가" == "\u{1100}\u{1161}")
        #expect(!isSameText("가", "\u{1100}\u{1161}"))
        #expect(ExactText("가") != ExactText("\u{1100}\u{1161}"))
        #expect(Set([ExactText("가"), ExactText("가"), ExactText("\u{1100}\u{1161}")]).count == 2)
    }

    @Test func overlappingOccurrencesAreTwo() {
        #expect(CodePoints("xaay").onlyOccurrence(of: CodePoints("aa")) == 1)
        #expect(CodePoints("xaaay").onlyOccurrence(of: CodePoints("aa")) == nil)
        #expect(CodePoints("xy").onlyOccurrence(of: CodePoints("xyz")) == nil)
        #expect(CodePoints("xy").onlyOccurrence(of: CodePoints("")) == nil)
    }
}
