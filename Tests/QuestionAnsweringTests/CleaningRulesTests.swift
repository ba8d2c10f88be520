import QuestionAnswering
import Testing

/// What each rule leaves out, and what it must not.
struct CleaningRulesTests {
    private static let hanja: [(String, String)] = [
        ("대한민국(大韓民國)은", "대한민국은"),
        ("이황(李滉, 1501년)", "이황(李滉, 1501년)"),
        ("세종（世宗）과 정조［正祖］, 고종〔高宗〕", "세종과 정조, 고종"),
        ("사서 (論語·孟子、大學, 中庸) 등", "사서  등"),
        ("한자((漢)字)", "한자"),
        ("漢字로 쓴다", "漢字로 쓴다"),
        ("나라(한국, 韓國)와 (Korea 韓)", "나라(한국, 韓國)와 (Korea 韓)"),
        ("책 《論語》", "책 《論語》"),
        ("빈 () 와 (,)", "빈 () 와 (,)"),
        ("글자(\u{F9D0}\u{2F800}𠀀\u{3400}々)", "글자"),
        ("짝 없는 (漢字 ] 둘", "짝 없는 (漢字 ] 둘"),
        ("줄(漢\n字)", "줄(漢\n字)"),
    ]

    @Test(arguments: hanja)
    func hanjaInBracketsGoes(text: String, expected: String) {
        #expect(isSameText(cleaned(text, .hanja), expected))
    }

    private static let special: [(String, String)] = [
        ("▲서울▲부산", "서울 부산"),
        ("■ 제목 ★☆", " 제목 "),
        ("영\u{200B}웅\u{AD}담\u{FEFF}", "영웅담"),
        ("가■\u{200D}□나", "가 나"),
        ("가\u{200D}\u{200B}나", "가나"),
        ("㈜두레 ‘인용’ … 3·1 운동 → 50% ~ ♪", "㈜두레 ‘인용’ … 3·1 운동 → 50% ~ ♪"),
        ("김○○ 씨", "김 씨"),
    ]

    @Test(arguments: special)
    func decorationGoes(text: String, expected: String) {
        #expect(isSameText(cleaned(text, .special), expected))
    }

    private static let boilerplate: [(String, String)] = [
        ("(서울=연합뉴스) 홍길동 기자 = 정부는 밝혔다.", "정부는 밝혔다."),
        ("[서울=뉴시스]홍길동 기자 = 정부는", "정부는"),
        ("(서울=뉴스1) 홍길동 기자,김철수 인턴기자 = 정부는", "정부는"),
        ("(뉴욕·워싱턴=연합뉴스) 홍길동 김철수 특파원 = 미국은", "미국은"),
        ("[이데일리 홍길동 기자] 정부는", " 정부는"),
        ("［스포츠서울 = 홍길동 선임기자］ 경기는", " 경기는"),
        ("홍길동 기자 = 정부는", "정부는"),
        ("했다. 홍길동 기자 abc@news.com", "했다. "),
        ("했다. 홍길동기자 <abc.d-e@news.co.kr>", "했다. "),
        ("했다. abc@news.com 홍길동 기자\n다음", "했다. \n다음"),
        ("했다. abc@yna.co.kr\n다음", "했다. \n다음"),
        ("했다.\nabc@yna.co.kr", "했다.\n"),
        ("끝. 무단전재 및 재배포 금지", "끝. "),
        ("끝. <저작권자(c) 연합뉴스, 무단 전재-재배포 금지>", "끝. "),
        ("끝. 저작권자 ⓒ 두레신문 무단전재 및 재배포 금지.", "끝. "),
        ("끝. ⓒ 두레일보 & 두레닷컴, 무단 전재-재배포, AI 학습 및 활용 금지", "끝. "),
        ("끝. 저작권자 © 두레", "끝. "),
        ("끝. Copyright ⓒ Dure. All rights reserved.", "끝. "),
        ("사진 ⓒ 뉴시스 광장", "사진  광장"),
        ("끝.\n▶ 두레뉴스 바로가기 ▶ 제보는 카카오톡 abc\n다음", "끝.\n \n다음"),
    ]

    @Test(arguments: boilerplate)
    func boilerplateGoes(text: String, expected: String) {
        #expect(isSameText(cleaned(text, .boilerplate), expected), "\(cleaned(text, .boilerplate))")
    }

    private static let news = [
        "홍길동 기자는 기자회견을 열었다.", "건물을 무단 점거하고 있던 농성자", "무단 방류와 관련해",
        "트위터(@BTS_twt) 팔로워", "메일 주소는 abc@news.com 이다.", "식 (a=b) 에서", "함수(값=3)를", "(서울=한국)",
        "저작권자가 허락했다.", "사진 ⓒ 홍길동", "▶ 경찰은 제보를 받고 출동했다.", "연합뉴스와의 통화에서", "[서울신문] 보도",
        "무단전재를 했다", "김철수 기자가 쓴 글", "(주) 두레", "a@b 와 @ 와 x@y.",
    ]

    @Test(arguments: news)
    func whatTextsSayStays(text: String) {
        #expect(isSameText(cleaned(text, .boilerplate), text), "\(cleaned(text, .boilerplate))")
    }

    @Test func removalsAreCounted() throws {
        let text = "(서울=연합뉴스) 홍길동 기자 = 한국(韓國)과 일본(日本) ■■"
        let counts = try #require(TextCleaning(CleaningRule.allCases).cleaned(text)).counts
        #expect(counts[.hanja] == CleaningCount(removals: 2, codePoints: 8))
        #expect(counts[.special] == CleaningCount(removals: 1, codePoints: 2))
        #expect(counts[.boilerplate] == CleaningCount(removals: 1, codePoints: 19))
    }
}
