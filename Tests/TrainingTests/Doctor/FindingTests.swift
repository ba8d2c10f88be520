import Checkpoints
import Testing

@testable import Training

@Suite struct FindingTests {
    @Test func anErrorOfARunIsTakenApart() {
        let error = CheckpointError(
            .badData, "holds (among others): nothing", path: "a (copy).h5", item: "/model/x",
            remedy: "save it again")
        let finding = Finding.problem(.model, error)
        #expect(finding.what == "holds (among others): nothing")
        #expect(finding.place == "a (copy).h5, /model/x" && finding.remedy == "save it again")
        #expect(finding.level == .problem && finding.exitCode == 65)
        let setting = TrainingError.setting(flag: "--threads 9", problem: "too many", remedy: "give fewer")
        #expect(
            Finding.problem(.threads, setting)
                == .problem(.threads, "too many", at: "--threads 9", remedy: "give fewer"))
    }

    @Test func anErrorOfAnotherFormKeepsItsWords() {
        struct Odd: Error, CustomStringConvertible { let description: String }
        let finding = Finding.problem(.data, Odd(description: "all is lost"))
        #expect(finding.what == "all is lost" && finding.place == nil && finding.remedy != nil)
        #expect(finding.exitCode == 70)
        #expect(Finding.problem(.data, Odd(description: "odd): end")).what == "odd): end")
    }

    @Test func longListsAreCut() {
        #expect(Finding.details(["a", "b"]) == ["a", "b"])
        let many = Finding.details((1...12).map { "\($0)" })
        #expect(many.count == 11 && many.last == "and 2 more")
    }
}
