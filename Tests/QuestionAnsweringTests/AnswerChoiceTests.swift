import TestSupport
import Testing

@testable import QuestionAnswering

struct AnswerChoiceTests {
    private func answer(_ text: String, _ probability: Float = 1, start: Int = 10) -> ScoredAnswer {
        ScoredAnswer(
            text: text, start: start, end: start + text.unicodeScalars.count, startLogit: 0, endLogit: 0,
            probability: probability)
    }

    private func choose(
        _ candidates: [ScoredAnswer], _ settings: AnswerSettings, nullOdds: Float? = nil
    ) -> Prediction {
        AnswerChooser(settings: settings).prediction(
            from: CandidateList(questionID: "q", candidates: candidates, nullOdds: nullOdds))
    }

    @Test(
        arguments: [
            ("[CLS] 서울 [SEP]", "서울", 16, 18), ("서[UNK]울", "서울", 10, 17), ("[PAD][MASK]", "", 0, 0),
            (" 서울 ", "서울", 11, 13), ("[unk] 서울", "[unk] 서울", 10, 18), ("[[UNK]UNK]", "[UNK]", 10, 20),
            ("서울", "서울", 10, 12), ("[UNK]", "", 0, 0),
        ] as [(String, String, Int, Int)])
    func specialTokensAreTakenOut(text: String, stripped: String, start: Int, end: Int) {
        let prediction = choose([answer(text)], AnswerSettings(stripsSpecialTokens: true))
        #expect(prediction.text == stripped)
        #expect(prediction.answer?.text ?? "" == stripped)
        #expect(prediction.answer.map { [$0.start, $0.end] } ?? [0, 0] == [start, end])
        #expect(choose([answer(text)], AnswerSettings()).text == text)
    }

    @Test func aLongerAnswerThanAllowedIsEmpty() {
        let settings = AnswerSettings(blankLongerThan: 3)
        #expect(choose([answer("가나다")], settings).text == "가나다")
        let blank = choose([answer("가나다라")], settings)
        #expect(blank.text.isEmpty && blank.answer == nil && blank.candidates.count == 1)
        #expect(choose([answer("e\u{301}e\u{301}")], settings).text.isEmpty)
    }

    @Test func stepsFollowOneAnother() {
        var settings = AnswerSettings(blankLongerThan: 2, stripsSpecialTokens: true, trimsParticles: true)
        let candidates = [answer("[UNK]서울을", 0.4), answer("[UNK]서울", 0.3), answer("[UNK]서울", 0.3)]
        let prediction = choose(candidates, settings)
        #expect(prediction.text == "서울")
        #expect(prediction.answer?.start == 15 && prediction.answer?.end == 17)
        #expect(prediction.trimmedParticle?.before == "[UNK]서울을")
        settings.trimsParticles = false
        #expect(choose(candidates, settings).text.isEmpty)
    }

    @Test func theThresholdDecidesTheBestOnly() {
        let candidates = [answer("가나", 0.6), answer("", 0.4, start: 0)]
        var settings = AnswerSettings(allowsNoAnswer: true, nullThreshold: 1)
        #expect(choose(candidates, settings, nullOdds: 1).text == "가나")
        #expect(choose(candidates, settings, nullOdds: 1.5).text.isEmpty)
        settings.decoding = .leastEditDistance
        #expect(choose(candidates, settings, nullOdds: 1.5).text == "가나")
        settings.decoding = .argmax
        #expect(choose(candidates, settings, nullOdds: 1.5).text == "가나")
        #expect(choose(candidates.reversed(), settings, nullOdds: -9).text.isEmpty)
        #expect(choose([], settings, nullOdds: nil).text.isEmpty)
    }

    @Test func answersOfRandomListsStayWithinTheirCandidates() {
        var random = SeededGenerator(seed: 12)
        let context = Array("이순신은 [UNK] 《거북선》을 1592년에 만들었다. [SEP] 서울에서 ".unicodeScalars)
        for _ in 0..<2000 {
            let candidates = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                let start = Int.random(in: 0..<context.count, using: &random)
                let end = Int.random(in: start...min(start + 20, context.count), using: &random)
                return ScoredAnswer(
                    text: CodePoints.text(of: context[start..<end]), start: start, end: end, startLogit: 0,
                    endLogit: 0, probability: .random(in: 0...1, using: &random))
            }
            let settings = AnswerSettings(
                decoding: AnswerDecoding.allCases.randomElement(using: &random) ?? .best,
                blankLongerThan: Bool.random(using: &random) ? 9 : nil,
                stripsSpecialTokens: Bool.random(using: &random),
                trimsParticles: Bool.random(using: &random))
            let prediction = choose(candidates, settings)
            #expect(isSameText(prediction.text, prediction.answer?.text ?? ""))
            guard let answer = prediction.answer else { continue }
            #expect(candidates.contains { $0.start <= answer.start && answer.end <= $0.end })
            let slice = CodePoints.text(of: context[answer.start..<answer.end])
            #expect(isSameText(slice, answer.text) || settings.stripsSpecialTokens)
            #expect(settings.blankLongerThan.map { answer.text.unicodeScalars.count <= $0 } ?? true)
        }
    }
}
