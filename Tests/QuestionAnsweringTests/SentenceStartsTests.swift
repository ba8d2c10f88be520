import TestSupport
import Testing

@testable import QuestionAnswering

struct SentenceStartsTests {
    /// `|` marks where sentences begin.
    private static let texts = [
        "하나다. |둘이다. |셋이요? |넷이다!", "서울은 크다.\n|부산도 크다.", "첫째\n|둘째\r\n|셋째", "“좋다.” |그가 말했다.",
        "말했다(했다.) |다음", "(“좋다!”) |다음", "글쎄… |모르겠다. ", "원주율은 3.14 이다. |끝", "2019. 3. 1. 서울에서 시작되었다. |끝",
        "U.S. 정부와 J. K. 롤링이 왔다. |끝", "「끝。」 |다음。이어서", "정말?! |그래... |응", "한다.그런데 한다", " 앞의 빈칸. |뒤",
        "1. 개요\n|두레는 조직이다.", "NATO. |다음", "\n\n시작\n\n|끝", "！ |끝", "",
    ]

    @Test(arguments: texts)
    func sentencesBeginAfterMarks(marked: String) {
        var offsets: [Int] = []
        var text = String.UnicodeScalarView()
        for scalar in marked.unicodeScalars {
            if scalar == "|" { offsets.append(text.count) } else { text.append(scalar) }
        }
        #expect(SentenceStarts.offsets(in: String(text)) == offsets)
    }

    @Test func theFirstTokenOfASentenceBeginsIt() {
        let text = "가나. 다라마바. \u{200B} 사"
        let tokens = PieceTokenizer().encode(text)
        let indexes = SentenceStarts.indexes(in: tokens, offsets: SentenceStarts.offsets(in: text))
        #expect(indexes.map { tokens[$0].start } == [4, 10])
        #expect(SentenceStarts.indexes(in: tokens, offsets: [0, 1, 2, 100]) == [0, 1])
        #expect(SentenceStarts.indexes(in: [], offsets: [3]) == [])
    }
}
