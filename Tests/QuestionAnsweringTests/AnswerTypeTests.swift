import Testing

@testable import QuestionAnswering

struct AnswerTypeTests {
    @Test(
        arguments: [
            "12,345명", "약 3.5%", "1억 2천만 원", "세 번", "5년간", "3", "제3회", "100km", "-40℃", "두 개", "30여 명", "3위",
            "$100",
            "10일 동안", "1/3", "스무 살", "70~80%",
        ])
    func numbers(text: String) { #expect(AnswerType(ofText: text) == .number) }

    @Test(arguments: [
        "1988년", "1988년 3월 15일", "3월 15일", "19세기", "1990년대", "2020.1.5", "1988-03-15", "월요일", "오전 9시 30분",
        "기원전 37년", "1592년 4월경", "19세기 후반", "1950년 6월 25일 새벽 4시", "《1988년》",
    ])
    func dates(text: String) { #expect(AnswerType(ofText: text) == .date) }

    @Test(
        arguments: [
            "이순신", "김영수", "《훈민정음》", "‘아리랑’", "Seoul", "Bank of Korea", "George W. Bush", "김대중 대통령", "세종대왕",
            "제갈공명",
        ])
    func names(text: String) { #expect(AnswerType(ofText: text) == .name) }

    @Test(arguments: [
        "", "거북선", "대한민국", "서울", "강원도", "정부", "5.18 민주화 운동", "3·1 운동", "한강과 낙동강", "《아리랑》과 《도라지》", "river",
        "한글", "독립 운동", "!?", "년", "3개의 대륙을 잇는 다리",
    ])
    func others(text: String) { #expect(AnswerType(ofText: text) == .other) }

    @Test func theFirstGoldAnswerDecides() {
        let answers = [Answer(text: "1988년", start: 0), Answer(text: "서울", start: 0)]
        #expect(AnswerType(of: Question(id: "q", text: "?", contextIndex: 0, answers: answers)) == .date)
        #expect(AnswerType(of: Question(id: "q", text: "?", contextIndex: 0, answers: [])) == .other)
    }
}
