import TestSupport
import Testing

@testable import QuestionAnswering

struct ParticlesTests {
    private func cuts(_ text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        return Particles.cuts(of: scalars[...]).map { CodePoints.text(of: scalars[..<$0]) }
    }

    @Test(
        arguments: [
            ("거북선을", ["거북선"]), ("거북선를", []), ("제주도를", ["제주도"]), ("제주도을", []),
            ("이순신이", ["이순신"]), ("이순신가", []), ("학교가", ["학교"]), ("강원은", ["강원"]), ("학교는", ["학교"]),
            ("대한민국과", ["대한민국"]), ("학교와", ["학교"]), ("대한민국와", []),
            ("대한민국으로", ["대한민국"]), ("학교로", ["학교"]), ("서울로", ["서울"]), ("대한민국로", []),
            ("대구시에서는", ["대구시", "대구시에서"]), ("대한민국의", ["대한민국"]), ("한강까지", ["한강"]),
            ("한강부터", ["한강"]), ("세종에게", ["세종"]), ("세종께서", ["세종"]), ("한강이다", ["한강"]),
            ("아이라는", ["아이", "아이라"]), ("한국이라는", ["한국", "한국이라"]), ("한국으로부터", ["한국", "한국으로"]),
        ] as [(String, [String])])
    func finalConsonantsMustAgree(text: String, rests: [String]) { #expect(cuts(text) == rests) }

    @Test(
        arguments: [
            ("1988은", ["1988"]), ("1988는", ["1988"]), ("3이", ["3"]), ("KBS가", ["KBS"]), ("《아리랑》을", ["《아리랑》"]),
            ("서울(漢城)은", ["서울(漢城)"]), ("A는", ["A"]), ("'한글'이", ["'한글'"]),
        ] as [(String, [String])])
    func digitsLettersAndBracketsTakeEitherForm(text: String, rests: [String]) {
        #expect(cuts(text) == rests)
    }

    @Test(arguments: [
        "을", "은", "", "사이", "한국의 사이", "강은", ")은", "한강 은", "한강, 은", "漢江은", "거북선", "에서",
        "\u{1100}\u{1161}\u{11BC}\u{1109}\u{1161}\u{11AB}\u{110B}\u{1173}\u{11AF}",
    ])
    func fragmentsAndOtherTextsAreLeft(text: String) { #expect(cuts(text) == []) }

    private func answer(_ text: String, _ probability: Float, start: Int = 10) -> ScoredAnswer {
        ScoredAnswer(
            text: text, start: start, end: start + text.unicodeScalars.count, startLogit: 0, endLogit: 0,
            probability: probability)
    }

    @Test func aParticleGoesWhenTheRestHasMoreMass() throws {
        let candidates = [answer("거북선을", 0.4), answer("거북선", 0.3), answer("거북선", 0.2, start: 50)]
        let (trimmed, row) = Particles.trimmed(candidates[0], by: candidates, questionID: "q")
        #expect(trimmed.text == "거북선" && trimmed.start == 10 && trimmed.end == 13)
        let found = try #require(row)
        #expect(found.before == "거북선을" && found.after == "거북선" && found.particle == "을")
        #expect(abs(found.massBefore - 0.4) < 1e-6 && abs(found.massAfter - 0.5) < 1e-6)
    }

    @Test func aParticleStaysWhenTheRestHasNoMoreMass() {
        let candidates = [answer("거북선을", 0.5), answer("거북선", 0.5)]
        let (same, row) = Particles.trimmed(candidates[0], by: candidates, questionID: "q")
        #expect(same == candidates[0] && row == nil)
    }

    @Test func theLongestParticleWithMoreMassGoes() {
        let candidates = [answer("대구시에서는", 0.2), answer("대구시에서", 0.5), answer("대구시", 0.1)]
        #expect(Particles.trimmed(candidates[0], by: candidates, questionID: "q").0.text == "대구시에서")
    }

    @Test func theTableHasALineForEachChange() {
        let row = TrimmedParticle(
            questionID: "q\n1", before: "거북선을", after: "거북선", particle: "을", massBefore: 0.4,
            massAfter: 0.50001)
        #expect(TrimmedParticle.table([]).isEmpty)
        #expect(
            TrimmedParticle.table([row]) == "question\tbefore\tafter\tparticle\tmass before\tmass after\n"
                + "q 1\t거북선을\t거북선\t을\t0.4\t0.5\n")
    }
}
