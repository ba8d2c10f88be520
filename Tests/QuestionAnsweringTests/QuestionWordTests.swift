import QuestionAnswering
import Testing

struct QuestionWordTests {
    @Test(
        arguments: [
            ("거북선을 만든 사람은 누구인가?", QuestionWord.who), ("누가 만들었나?", .who), ("만든 이는 누굴까?", .who),
            ("서울은 언제 수도가 되었나?", .when), ("언제부터인가?", .when), ("언제나 푸른 나무는?", .other),
            ("수도는 어디인가?", .place), ("어디서 태어났나?", .place), ("어느 곳에서 열렸나?", .place),
            ("어느 나라의 수도인가?", .place), ("어느 나라 사람인가?", .place),
            ("이것은 무엇인가?", .what), ("무슨 꽃인가?", .what), ("뭐라고 불렀나?", .what), ("어떤 꽃인가?", .what),
            ("어느 팀이 이겼나?", .what),
            ("왜 떠났나?", .why), ("떠난 이유는 무엇인가?", .why), ("무엇 때문에 떠났나?", .why), ("왜?", .why),
            ("왜군이 온 해는?", .other), ("임진왜란은 언제 일어났나?", .when), ("아이유의 노래는 무엇인가?", .what),
            ("이유식은 무엇인가?", .what),
            ("어떻게 만드나?", .how), ("몇 명인가?", .howMany), ("높이는 얼마인가?", .howMany), ("며칠 걸렸나?", .howMany),
            ("어떤 배를 누가 만들었나?", .who), ("누구와 어디로 갔나?", .who), ("어디로 누구와 갔나?", .place),
            ("누가복음의 저자 이름은?", .other), ("", .other), ("수도는?", .other),
            ("\u{1102}\u{116E}\u{1100}\u{116E}\u{110B}\u{1175}\u{11AB}\u{1100}\u{1161}?", .who),
        ] as [(String, QuestionWord)])
    func theFirstWordDecides(question: String, word: QuestionWord) {
        #expect(QuestionWord(of: question) == word)
    }

    @Test func theNamesAreThoseOfTheResultFiles() {
        #expect(
            QuestionWord.allCases.map(\.rawValue) == ["누구", "언제", "어디", "무엇", "왜", "어떻게", "몇", "other"])
    }
}
