import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// What TensorBoard makes of a run. `DURE_TEST_PYTHON` names a Python that has the package tensorboard.
    @Suite struct EventFileTests {
        private static let python = ProcessInfo.processInfo.environment["DURE_TEST_PYTHON"]

        @Test(.enabled(if: python != nil, "DURE_TEST_PYTHON names no Python with tensorboard"))
        func tensorBoardReadsAllThatARunTold() async throws {
            let folder = try TemporaryFolder()
            let script = Paths.package.appending(path: "Tests/Compare/tensorboard_events.py").path()
            let result = try await Program.run(
                [script, Program.dure, "--workdir", folder.file("work")], program: try #require(Self.python),
                timeout: .seconds(300))
            #expect(result.exitCode == 0, "\(result.outputText)\n\(result.errorText)")
            #expect(result.outputLines.contains { $0.hasPrefix("ok ") })
        }

        @Test func everyRunHasItsFileAndAnEarlierOneIsKept() async throws {
            let work = try await Workspace()
            func files(_ folder: String = "output") -> [String] {
                work.folder.contents(of: folder).filter { $0.hasPrefix("events.out.tfevents.") }
            }
            let arguments = work.train(into: "output", "--max-steps", "2", "--save-strategy", "steps")
            expectSuccess(try await Program.run(arguments))
            let first = files()
            #expect(first.count == 1)
            expectSuccess(try await Program.run(arguments + ["--resume"]))
            #expect(files().count == 2 && files().starts(with: first))
            expectSuccess(try await Program.run(arguments))
            #expect(files().count == 1 && files() != first)
            #expect(files("output/earlier-1").count == 2)
        }

    }
}
