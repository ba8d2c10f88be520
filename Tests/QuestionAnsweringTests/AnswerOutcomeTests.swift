import QuestionAnswering
import Testing

struct AnswerOutcomeTests {
    //  0123456789 (code points): 서울은 …, 부산은 …, 서울역.
    private static let context = "서울은 수도이고 부산은 항구다. 옛 서울역은 문화역이다."

    private static func placed(
        _ prediction: String, gold: [(String, Int)] = [("수도", 4)], known: Bool = true,
        version: SquadVersion = .version1
    ) -> PlacedAnswer {
        let question = Question(
            id: "q", text: "?", contextIndex: 0, answers: gold.map { Answer(text: $0.0, start: $0.1) },
            hasKnownAnswers: known)
        let score = QuestionScore(prediction, question: question, version: version)
        return PlacedAnswer(
            prediction, question: question, context: CodePoints(context),
            isExact: score.squad.exactMatch == 1)
    }

    @Test(arguments: [
        ("수도", AnswerOutcome.exact), ("수도.", .exact), ("서울은 수도", .tooLong), ("수도이고", .tooLong),
        ("수", .tooShort), ("도이고 부산", .overlap), ("부산", .elsewhere), ("", .missed), ("없는 말", .elsewhere),
        // Not a slice of the context: the texts decide.
        ("수도 [UNK]", .tooLong),
    ])
    func anErrorHasItsKind(prediction: String, outcome: AnswerOutcome) {
        #expect(Self.placed(prediction).outcome == outcome)
    }

    @Test func withoutAnAnswerGivingOneIsTheError() {
        #expect(Self.placed("부산", gold: [], version: .version2).outcome == .spurious)
        #expect(Self.placed("", gold: [], version: .version2).outcome == .exact)
        #expect(Self.placed("부산", gold: [], known: false).outcome == .unknown)
    }

    @Test func ofSeveralPlacesTheOneOfTheAnswerCounts() {
        let placed = Self.placed("서울", gold: [("서울역", 20)])
        #expect(placed.outcome == .tooShort)
        #expect(placed.predicted == 20..<22 && placed.gold == 20..<23 && placed.places == 2)
        #expect(Self.placed("서울", gold: [("항구", 13)]).predicted == 0..<2)
    }

    @Test func theNearestOfSeveralRightAnswersCounts() {
        let placed = Self.placed("항구다", gold: [("수도", 4), ("항구", 13)])
        #expect(placed.outcome == .tooLong && placed.gold == 13..<15)
    }

    @Test func aRightTextStandsWhereTheDatasetSays() {
        let placed = Self.placed("서울", gold: [("서울", 20)])
        #expect(placed.outcome == .exact && placed.predicted == 20..<22)
    }

    @Test func anAnswerThatStandsElsewhereThanTheDatasetSaysIsFound() {
        #expect(Self.placed("부산은", gold: [("부산", 3)]).outcome == .tooLong)
        #expect(Self.placed("x", gold: [("없다", 0)]).gold == nil)
    }

    @Test func occurrencesMayOverlap() {
        let text = CodePoints("아아아")
        #expect(text.firstOccurrence(of: CodePoints("아아")) == 0..<2)
        #expect(text.firstOccurrence(of: CodePoints("")) == nil)
        #expect(text.firstOccurrence(of: CodePoints("아아아아")) == nil)
        #expect(Self.placed("이").places == 2)
    }
}
