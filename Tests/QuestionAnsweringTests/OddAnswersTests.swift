import Foundation
import QuestionAnswering
import Testing

/// Answers as they should not be: each is taken, repaired, or reported by its id and skipped.
struct OddAnswersTests {
    /// The audit of one question about `context`.
    private func audit(_ answers: String, context: String = "🙂한강은 서울에 있다") throws -> AnswerAudit {
        let text =
            #"{"data":[{"paragraphs":[{"context":"\#(context)","qas":[{"id":"odd","question":"?","answers":\#(answers)}]}]}]}"#
        return try withFile(text.utf8) { try DatasetReader.read([$0]).auditingAnswers() }
    }

    private func answer(_ text: String, _ start: String) -> String {
        #"[{"text":"\#(text)","answer_start":\#(start)}]"#
    }

    @Test(arguments: ["5", "5.0", "\"5\"", "\" 5 \"", "5e0"])
    func aStartMayBeWrittenInAnyWay(start: String) throws {
        let audit = try audit(answer("서울", start))
        #expect(audit.trainable == [0] && audit.repaired.isEmpty)
        #expect(audit.dataset.questions[0].answers[0].start == 5)
    }

    @Test(arguments: ["-7", "1000000", "3000000000", "9007199254740992", "-9007199254740992"])
    func aStartFarAwayIsRepaired(start: String) throws {
        let audit = try audit(answer("서울", start))
        #expect(audit.repaired.map(\.place.record) == ["question odd"])
        #expect(audit.dataset.questions[0].answers[0].start == 5)
        #expect(audit.repaired[0].problem.contains("does not stand at \(start): found at 5"))
    }

    /// UTF-16 counts the emoji as two, UTF-8 as four bytes and each syllable as three.
    @Test(arguments: [("6", "counts UTF-16 units"), ("14", "counts bytes")])
    func otherUnitsAreRepairedAndTold(start: String, words: String) throws {
        let audit = try audit(answer("서울", start))
        #expect(audit.dataset.questions[0].answers[0].start == 5)
        #expect(audit.repaired.count == 1 && audit.repaired[0].problem.contains(words))
    }

    /// In UTF-16 units 9 is the second of the two; which of them is meant is not for the program to say.
    @Test func otherUnitsAreToldWhereTheTextIsAmbiguous() throws {
        let audit = try audit(answer("서울", "9"), context: "🙂한강은 서울 서울에 있다")
        #expect(audit.trainable.isEmpty && audit.skipped.map(\.place.record) == ["question odd"])
        #expect(audit.skipped[0].problem.contains("it stands at 8, which is 9 in UTF-16 units"))
        let bytes = try self.audit(answer("서울", "21"), context: "🙂한강은 서울 서울에 있다")
        #expect(bytes.skipped[0].problem.contains("it stands at 8, which is 21 in bytes"))
    }

    @Test func aTextThatIsNotInTheContextIsSkipped() throws {
        let audit = try audit(answer("부산", "5"))
        #expect(audit.skipped.map(\.place.record) == ["question odd"] && audit.trainable.isEmpty)
        #expect(try self.audit(answer("", "5")).skipped.count == 1)
    }

    @Test func decomposedTextIsTakenAsItIs() throws {
        let context = "한강은 서울에 있다".decomposedStringWithCanonicalMapping
        let text = "서울".decomposedStringWithCanonicalMapping
        let start = "한강은 ".decomposedStringWithCanonicalMapping.unicodeScalars.count
        let right = try audit(answer(text, "\(start)"), context: context)
        #expect(right.trainable == [0] && right.repaired.isEmpty)
        let counted = try audit(answer(text, "4"), context: context)
        #expect(counted.dataset.questions[0].answers[0].start == start)
        let mixed = try audit(answer("서울", "4"), context: context)
        #expect(mixed.skipped.count == 1 && mixed.skipped[0].problem.contains("Unicode normalisation"))
    }

    @Test func anAnswerMayBeAnObject() throws {
        let audit = try audit(#"{"text":"서울","answer_start":"5"}"#)
        #expect(audit.trainable == [0] && audit.repaired.isEmpty)
    }
}
