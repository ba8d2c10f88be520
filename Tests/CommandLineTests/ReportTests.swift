import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct ReportTests {
        private static func train(_ work: Workspace, into output: String, _ more: String...) async throws {
            let arguments = work.train(
                into: output, "--validation-file", work.validationFile, "--max-steps", "2",
                "--save-strategy", "no")
            expectSuccess(try await Program.run(ranks: 2, arguments + more))
        }

        @Test func aRunsPageIsMadeAgainFromItsFolder() async throws {
            let work = try await Workspace()
            try await Self.train(work, into: "run")
            let before = try work.bytes("run/report.html")
            let result = try await Program.run(["report", work.folder.file("run")])
            expectSuccess(result)
            #expect(result.outputLines == [work.folder.file("run/report.html")] && result.errors.isEmpty)
            #expect(try work.bytes("run/report.html") == before)
            let other = work.folder.file("other.html")
            expectSuccess(try await Program.run(["report", work.folder.file("run/"), "--output", other]))
            #expect(try work.bytes("other.html") == before)
        }

        @Test func severalRunsAreCompared() async throws {
            let work = try await Workspace()
            try await Self.train(work, into: "one")
            try await Self.train(work, into: "two", "--learning-rate", "1e-3")
            let page = work.folder.file("page.html")
            let result = try await Program.run(
                ["report", work.folder.file("one"), work.folder.file("two"), "--output", page])
            expectSuccess(result)
            #expect(result.outputLines == [page])
            let text = String(decoding: try work.bytes("page.html"), as: UTF8.self)
            #expect(text.contains("2 runs compared") && text.contains("learning-rate"))
            #expect(!text.contains("doc-stride") && text.contains("★"))
            let runs = [work.folder.file("one"), work.folder.file("two")]
            let before = try work.bytes("one/report.html")
            expectFailure(try await Program.run(["report"] + runs), 64, "--output")
            #expect(try work.bytes("one/report.html") == before)
        }

        @Test func aDatasetThatIsGoneIsAWarning() async throws {
            let work = try await Workspace()
            let validation = try work.folder.write(
                try Data(contentsOf: URL(filePath: work.validationFile)), to: "validation.json")
            let arguments = work.train(
                into: "run", "--validation-file", validation, "--max-steps", "1", "--save-strategy", "no")
            expectSuccess(try await Program.run(arguments))
            try FileManager.default.removeItem(atPath: validation)
            let result = try await Program.run(["report", work.folder.file("run")])
            expectSuccess(result)
            #expect(result.errorText.contains("dure: warning:") && result.errorText.contains(validation))
        }

        @Test func whatIsNoRunIsRefused() async throws {
            let work = try await Workspace()
            expectFailure(
                try await Program.run(["report", work.folder.file("missing")]), 66, "no such folder")
            expectFailure(try await Program.run(["report", work.model]), 66, "run.json")
            let folder = work.folder.file("damaged")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = try work.folder.write("{".utf8, to: "damaged/run.json")
            let page = work.folder.file("page.html")
            expectFailure(
                try await Program.run(["report", work.model, folder, "--output", page]), 66, "run.json")
            expectFailure(try await Program.run(["report", folder]), 65, "run.json")
            expectFailure(try await Program.run(["report"]), 64)
        }
    }
}
