import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// What other machines are like is unknown: these tests look at the model and the data.
    @Suite struct DoctorTests {
        /// What slows OpenBLAS is a finding of its own.
        private static let environment: [String: String?] = [
            "OPENBLAS_CORETYPE": nil, "OPENBLAS_L2_SIZE": nil, "OMP_NUM_THREADS": nil,
        ]

        private func doctor(_ work: Workspace, _ more: String...) async throws -> (JSON, ProgramResult) {
            let result = try await Program.run(
                ["doctor", "--json", "--output-dir", work.folder.file("out")] + Workspace.windows + more,
                environment: Self.environment)
            #expect(result.errors.isEmpty, "\(result.errorText)")
            return (try JSON(result.output), result)
        }

        private func problems(_ report: JSON, _ areas: String...) -> [JSON] {
            (report["findings"]?.list ?? []).filter {
                $0["level"] == "problem" && areas.contains($0["check"]?.text ?? "")
            }
        }

        @Test func theSampleIsWell() async throws {
            let work = try await Workspace()
            let before = work.folder.contents(of: "")
            let (report, result) = try await doctor(
                work, "--model", work.model, "--dataset", work.trainFile, "--validation-file",
                work.validationFile)
            #expect(problems(report, "model", "tokenizer", "windows", "weights", "data", "output").isEmpty)
            #expect(report["exit_code"]?.number == Double(result.exitCode))
            #expect(report["well"] == .boolean(result.exitCode == 0))
            let findings = report["findings"]?.list ?? []
            #expect(findings.allSatisfy { $0["level"] == "ok" || $0["remedy"] != .null })
            #expect(work.folder.contents(of: "") == before)
        }

        @Test func aMisplacedAnswerIsNamed() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset("d.json", questions: [Workspace.question("q1", start: 5)])
            let (report, result) = try await doctor(work, "--dataset", dataset)
            #expect(result.exitCode == 65)
            let details = problems(report, "data").flatMap { $0["details"]?.list ?? [] }.map(\.text)
            #expect(details == ["question q1: \"두레\" is not at 5, it stands at 0"])
        }

        @Test func aNumberThatIsNotFiniteIsNamed() async throws {
            let work = try await Workspace()
            let path = "\(work.model)/model.safetensors"
            var file = try Safetensors(contentsOf: path)
            let name = "bert.encoder.layer.1.output.dense.weight"
            let nan = withUnsafeBytes(of: Float.nan.bitPattern.littleEndian) { Array($0) }
            file[name].bytes.replaceSubrange(70 * 4..<71 * 4, with: nan)
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            let (report, result) = try await doctor(work, "--model", work.model)
            #expect(result.exitCode == 65)
            // Rows have 64 elements.
            let places = problems(report, "weights").compactMap { $0["where"]?.text }
            #expect(places == ["\(path), \(name)[1, 6]"])
        }

        @Test func missingInputsAreToldTogether() async throws {
            let work = try await Workspace()
            let (report, result) = try await doctor(
                work, "--model", work.folder.file("none"), "--dataset", work.folder.file("a.json"),
                "--train-file", work.folder.file("b.json"))
            #expect(result.exitCode == 66)
            #expect(problems(report, "model", "data").count == 3)
        }

        @Test func windowsLongerThanTheModelAreRefused() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                ["doctor", "--model", work.model, "--output-dir", work.folder.path],
                environment: Self.environment)
            #expect(result.exitCode == 64)
            #expect(result.outputText.contains("--max-seq-length 256 or less"))
            #expect(result.outputLines.allSatisfy { $0.unicodeScalars.count <= 80 })
        }

        @Test func settingsMayComeFromAFile() async throws {
            let work = try await Workspace()
            let text = "model: \(work.model)\nmax-seq-length: 400\nlearning-rate: 5e-5\n"
            let config = try work.folder.write(text.utf8, to: "recipe.yaml")
            let result = try await Program.run(
                ["doctor", "--config", config, "--output-dir", work.folder.path],
                environment: Self.environment)
            #expect(result.exitCode == 64 && result.outputText.contains("--max-seq-length 400"))
        }

        @Test func ofSeveralRanksOneTells() async throws {
            let work = try await Workspace()
            let dataset = try work.dataset("d.json", questions: [Workspace.question("q1", start: 5)])
            let result = try await Program.run(
                ranks: 2,
                [
                    "doctor", "--json", "--model", work.model, "--dataset", dataset, "--output-dir",
                    work.folder.path,
                ]
                    + Workspace.windows, environment: Self.environment)
            #expect(result.exitCode == 65, "\(result.errorText)")
            let report = try JSON(result.output)
            #expect(report["ranks"]?.number == 2)
            #expect(report["hosts"]?.list.count == 1)
            let processor = report["findings"]?.list.first { $0["check"] == "processor" }
            #expect(processor?["hosts"] == report["hosts"])
        }
    }
}
