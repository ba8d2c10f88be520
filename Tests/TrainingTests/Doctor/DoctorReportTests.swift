import QuestionAnswering
import Testing

@testable import Training

@Suite struct DoctorReportTests {
    private func problem(_ exitCode: Int32) -> Finding {
        .problem(.data, "broken", remedy: "mend it", exitCode: exitCode)
    }

    @Test func theWorstDecidesTheExitCode() {
        let note = Finding.note(.data, "odd", remedy: "look")
        #expect(DoctorReport(findings: []).exitCode == 0)
        #expect(DoctorReport(findings: [.ok(.data, "fine"), note]).exitCode == 0)
        #expect(DoctorReport(findings: [note, problem(64)]).exitCode == 64)
        #expect(DoctorReport(findings: [problem(64), problem(73)]).exitCode == 73)
        #expect(DoctorReport(findings: [problem(73), problem(65), problem(64)]).exitCode == 65)
        #expect(DoctorReport(findings: [problem(65), problem(66)]).exitCode == 66)
    }

    @Test func theGravestOfAnAreaComesFirst() {
        let report = DoctorReport(findings: [
            .ok(.data, "a"), problem(65), .note(.blas, "b", remedy: "c"), .ok(.processor, "d"),
        ])
        #expect(report.findings.map(\.area) == [.processor, .blas, .data, .data])
        #expect(report.findings[2].level == .problem)
        #expect(report.count(.problem) == 1 && report.count(.note) == 1)
    }

    @Test func whatSeveralHostsFoundNamesThem() {
        let (slow, fine) = (Finding.note(.blas, "slow", remedy: "r"), Finding.ok(.blas, "fine"))
        let merged = DoctorReport.merged([("a", [slow]), ("a", []), ("b", [fine]), ("c", [slow])])
        #expect(merged.map(\.what) == ["slow", "fine"])
        #expect(merged.map(\.hosts) == [["a", "c"], ["b"]])
    }

    @Test func textNamesHostsWhereThereAreSeveral() {
        let merged = DoctorReport.merged([
            ("a", [.ok(.mpi, "x"), .ok(.blas, "y")]), ("b", [.ok(.mpi, "x")]),
        ])
        let text = DoctorReport(findings: merged, ranks: 2, hosts: ["a", "b"]).lines(width: 80).joined(
            separator: "\n")
        #expect(text.contains("x (all hosts)") && text.contains("y (host a)"))
        #expect(
            !DoctorReport(findings: merged, ranks: 2, hosts: ["a"]).lines(width: 80).joined(separator: "\n")
                .contains("host"))
    }

    @Test func jsonHoldsEveryFinding() throws {
        let report = DoctorReport(findings: [problem(65)], ranks: 2, hosts: ["a"])
        let json = report.json.compact
        #expect(
            json.hasPrefix(#"{"well":false,"exit_code":65,"problems":1,"notes":0,"ranks":2,"hosts":["a"],"#))
        #expect(
            json.contains(
                #"{"level":"problem","check":"data","what":"broken","where":null,"remedy":"mend it","details":[],"#
            ))
    }

    @Test(arguments: [40, 80, 100]) func textKeepsToTheWidth(width: Int) {
        let report = DoctorReport(findings: [
            .problem(
                .tokenizer, "질문의 답이 본문에 없거나 두 번 이상 나오는 경우에는 학습에 쓰이지 않습니다 " + "가나다라마바사".repeated(9),
                at: "/a/path/without/any/space/" + "x".repeated(120),
                remedy: "고치세요 mend it " + "word ".repeated(30),
                details: ["질문 하나"])
        ])
        let lines = report.lines(width: width)
        #expect(lines.allSatisfy { DisplayWidth.columns($0) <= max(width, 44) })
        #expect(lines[0].hasPrefix("problem  tokenizer  "))
        #expect(lines.last == "1 problem.")
        #expect(lines.contains { $0.hasPrefix("                    → 고치세요") })
        // Nothing is lost.
        #expect(lines.joined().count { $0 == "x" } == 120)
    }

    @Test func allWellIsSaidInOneLine() {
        #expect(
            DoctorReport(findings: [.ok(.mpi, "fine")]).lines(width: 80).joined(separator: "\n").hasSuffix(
                "\n\nAll is well."))
    }
}

extension String {
    fileprivate func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}
