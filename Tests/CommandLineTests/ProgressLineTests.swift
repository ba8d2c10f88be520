import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// What a run shows on stderr: on a terminal, through a launcher that has one, in a file, and when it is quiet.
    @Suite struct ProgressLineTests {
        private static let terminal: [String: String?] = ["TERM": "xterm", "DURE_STATUS_LINE": nil]

        /// Runs a program on a terminal, in which `meanwhile` may do something.
        private static func show(
            _ arguments: [String], program: String = Program.dure, columns: Int,
            environment: [String: String?] = terminal,
            meanwhile: (RunningProgram, PseudoTerminal) async throws -> Void = { _, _ in }
        ) async throws -> (result: ProgramResult, text: String) {
            let terminal = try PseudoTerminal(columns: columns)
            let running = try RunningProgram(
                program, arguments, environment: environment, terminal: terminal)
            try await meanwhile(running, terminal)
            let result = try await running.wait()
            return (result, try await terminal.finish())
        }

        private static func screen(_ text: String, columns: Int) -> TerminalScreen {
            var screen = TerminalScreen(columns: columns)
            screen.write(text)
            return screen
        }

        /// The lines that were drawn over.
        private static func drawn(_ text: String) -> [String] {
            text.components(separatedBy: "\u{1B}[J").dropFirst().compactMap { part in
                // As bytes: Swift takes a return and a line feed for one character.
                let bytes = Array(part.utf8)
                let end = bytes.firstIndex(of: UInt8(ascii: "\r")) ?? bytes.count
                let isMessage = bytes.dropFirst(end + 1).first == UInt8(ascii: "\n")
                return end == 0 || isMessage ? nil : String(decoding: bytes[..<end], as: UTF8.self)
            }
        }

        private static func columns(_ text: String) -> Int {
            text.unicodeScalars.reduce(0) { $0 + TerminalScreen.columns($1) }
        }

        /// A run of a few steps that evaluates and saves.
        private static func training(_ work: Workspace, steps: Int = 12) -> [String] {
            work.train(
                into: "output", "--max-steps", "\(steps)", "--batch-size", "4", "--eval-strategy", "steps",
                "--eval-steps", "6", "--save-strategy", "steps", "--save-steps", "6", "--validation-file",
                work.validationFile)
        }

        private static func expectWhole(_ text: String, columns: Int) {
            let screen = screen(text, columns: columns)
            let lines = screen.lines
            #expect(lines.contains { $0.hasPrefix("training on ") && $0.hasSuffix(" 12 steps") })
            #expect(lines.contains("saved step 6: checkpoints/step-00000006.h5"))
            #expect(lines.contains { $0.hasPrefix("evaluation at step 12 · loss ") })
            #expect(lines.contains { $0.hasPrefix("12 steps in 0:") })
            #expect(screen.unknown.isEmpty)
            #expect(!lines.contains { $0.contains("▰") || $0.contains("▱") }, "the line goes at the end")
            let drawn = drawn(text)
            // The first at once; how many more depends on the machine.
            #expect(drawn.contains { $0.contains("step  0/12") })
            #expect(drawn.allSatisfy { Self.columns($0) < columns }, "\(drawn)")
        }

        @Test func oneLineIsDrawnOverItself() async throws {
            let work = try await Workspace()
            let (result, text) = try await Self.show(Self.training(work), columns: 130)
            #expect(result.exitCode == 0 && result.outputText.isEmpty, "\(text)")
            Self.expectWhole(text, columns: 130)
        }

        @Test func aLauncherDrawsTheLineOfRankZero() async throws {
            let work = try await Workspace()
            let environment = Self.terminal.merging(
                ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1"]) { $1 }
            let (result, text) = try await Self.show(
                ["2"] + Self.training(work), program: Paths.launcher("local"), columns: 130,
                environment: environment)
            #expect(result.exitCode == 0, "\(text)")
            Self.expectWhole(text, columns: 130)
            #expect(!text.contains("dure-launch") && !text.contains("\u{1F}"))
        }

        @Test func aFailureComesAfterTheLineIsGone() async throws {
            let work = try await Workspace()
            let environment = Self.terminal.merging(
                ["DURE_BINARY": Program.dure, "DURE_ALLOW_ROOT": "1"]) { $1 }
            let arguments = work.train(into: "output", "--max-steps", "50", "--learning-rate", "1e30")
            for (program, arguments) in [
                (Program.dure, arguments), (Paths.launcher("local"), ["2"] + arguments),
            ] {
                let (result, text) = try await Self.show(
                    arguments, program: program, columns: 4000, environment: environment)
                #expect(result.exitCode == 65 || result.exitCode == 70, "\(text)")
                #expect(
                    Self.screen(text, columns: 4000).lines.last?.hasPrefix("dure: error: ") == true, "\(text)"
                )
            }
        }

        @Test func theLineFollowsTheWindow() async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--max-steps", "100000", "--batch-size", "4", "--save-strategy", "no")
            let (result, text) = try await Self.show(arguments, columns: 130) { running, terminal in
                try await work.wait(for: "wide lines") { Self.drawn(terminal.text).count > 3 }
                terminal.resize(columns: 40)
                try await work.wait(for: "narrow lines") {
                    Self.drawn(terminal.text).suffix(3).allSatisfy { Self.columns($0) < 40 }
                }
                kill(running.process, SIGINT)
            }
            #expect(result.exitCode == 75)
            #expect(Self.drawn(text).contains { Self.columns($0) > 90 })
            let end = Self.screen(text, columns: 2000).lines.suffix(2)
            #expect(end.first?.hasPrefix("stopped on request after step ") == true, "\(end)")
            #expect(end.last?.hasPrefix("to go on: ") == true, "\(end)")
        }

        @Test(arguments: ["dumb", ""])
        func aTerminalThatCannotGetsPlainLines(kind: String) async throws {
            let work = try await Workspace()
            let (result, text) = try await Self.show(
                Self.training(work), columns: 80, environment: ["TERM": kind, "DURE_STATUS_LINE": nil])
            #expect(result.exitCode == 0 && !text.contains("\u{1B}"))
            let lines = text.components(separatedBy: "\r\n")
            #expect(lines.count { $0.contains(/^step \d+\/12 · epoch .* · learning rate .* left$/) } == 12)
        }

        @Test func aFileGetsPlainLines() async throws {
            let work = try await Workspace()
            let result = try await Program.run(Self.training(work), environment: Self.terminal)
            expectSuccess(result)
            #expect(!result.errorText.contains("\u{1B}") && !result.errorText.contains("\r"))
            #expect(result.errorLines.count { $0.hasPrefix("step ") } == 12)
            #expect(result.errorLines.contains("evaluating after step 6"))
        }

        @Test func evaluationTellsHowMuchIsAnswered() async throws {
            let work = try await Workspace()
            let arguments = work.evaluate(work.model, into: "evaluation")
            let (result, text) = try await Self.show(arguments, columns: 100)
            #expect(result.exitCode == 0 && result.outputText.hasPrefix("{"))
            #expect(Self.drawn(text).contains { $0.contains("answering  0 %  0/") })
            #expect(!Self.screen(text, columns: 100).lines.contains { $0.contains("answering") })
        }

        @Test func quietMeansWarningsAndErrorsOnly() async throws {
            let work = try await Workspace()
            let training = try await Self.show(Self.training(work) + ["--quiet"], columns: 80)
            #expect(training.result.exitCode == 0 && training.text.isEmpty, "\(training.text)")
            for arguments in [
                work.evaluate(work.model, into: "evaluation", "--quiet"),
                [
                    "prepare", "--quiet", "--model", work.model, "--dataset", work.trainFile, "--output",
                    work.folder.file("features.h5"),
                ] + Workspace.windows,
                ["answer", "--quiet", "--model", work.model, "--question", "두레는?", "--context", "두레는 조직이다."]
                    + Workspace.windows,
            ] {
                let result = try await Program.run(arguments)
                expectSuccess(result)
                #expect(result.errorText.isEmpty && !result.outputText.isEmpty, "\(result.errorText)")
            }
            // The checkpoints of the first run are in the way: that is a warning.
            let again = try await Program.run(ranks: 2, Self.training(work) + ["--quiet"])
            expectSuccess(again)
            #expect(again.errorLines.count == 1 && again.errorText.hasPrefix("dure: warning: kept what"))
            let failing = try await Program.run(Self.training(work) + ["--quiet", "--train-file", "/none"])
            expectFailure(failing, 66, "/none")
        }
    }
}
