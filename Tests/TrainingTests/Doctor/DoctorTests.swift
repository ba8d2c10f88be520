import Distributed
import TestSupport
import Testing

@testable import Training

/// The whole of it. What a machine is like is the checks' own tests' matter; here the model's and the data's count.
@Suite struct DoctorTests {
    private func sample(_ folder: TemporaryFolder) throws -> DoctorSettings {
        let training = try SampleModel.settings(in: folder, steps: 1)
        var settings = DoctorSettings()
        settings.model = training.model
        settings.trainFiles = training.trainFiles
        settings.validationFile = SampleModel.validationFile
        settings.outputDirectory = folder.path("out")
        settings.features = training.features
        settings.compute = training.compute
        return settings
    }

    private func examine(
        _ settings: DoctorSettings, _ communicator: any Communicator = SingleProcess()
    ) throws -> (report: DoctorReport?, exitCode: Int32) {
        try Doctor(
            settings: settings, communicator: communicator, isLaunched: communicator.size > 1,
            launcherVersion: { nil }
        ).run()
    }

    private func problems(_ report: DoctorReport?, _ areas: Finding.Area...) -> [Finding] {
        report?.findings.filter { $0.level == .problem && areas.contains($0.area) } ?? []
    }

    @Test func theSampleIsWell() throws {
        let folder = try TemporaryFolder()
        let report = try #require(try examine(sample(folder)).report)
        #expect(problems(report, .model, .tokenizer, .windows, .weights, .data, .output) == [])
        // What a machine has is looked at too.
        for area in [Finding.Area.processor, .blas, .threads, .mpi, .output, .disk, .memory, .limits] {
            #expect(report.findings.contains { $0.area == area }, "\(area)")
        }
        #expect(try folder.names() == ["model"])
    }

    @Test func withoutInputsTheMachineAlone() throws {
        let report = try #require(try examine(DoctorSettings()).report)
        #expect(!report.findings.contains { [.model, .data, .weights].contains($0.area) })
    }

    @Test func everyMissingFileIsTold() throws {
        let folder = try TemporaryFolder()
        var settings = try sample(folder)
        settings.model = folder.path("nowhere")
        settings.trainFiles = [folder.path("a.json"), folder.path("b.json")]
        let (report, exitCode) = try examine(settings)
        #expect(exitCode == 66)
        #expect(problems(report, .model).count == 1)
        #expect(problems(report, .data).map(\.place) == settings.trainFiles)
    }

    @Test func aDatasetThatCannotBeReadIsAProblem() throws {
        let folder = try TemporaryFolder()
        var settings = try sample(folder)
        let entry = #"{"id": "q1", "question": "?", "answers": [{"text": "a", "answer_start": 0}]}"#
        for (context, entries) in [("abc", [entry, entry]), (" ", [entry])] {
            try folder.write(
                #"{"data": [{"paragraphs": [{"context": "\#(context)", "qas": [\#(entries.joined(separator: ","))]}]}]}"#,
                to: "d.json")
            settings.trainFiles = [folder.path("d.json")]
            let (report, exitCode) = try examine(settings)
            #expect(exitCode == 65)
            #expect(
                problems(report, .data).contains { $0.what.contains("question") && $0.what.contains("q1") })
        }
    }

    @Test func aVocabularyWithoutASpecialTokenIsAProblem() throws {
        let folder = try TemporaryFolder()
        let settings = try sample(folder)
        let words = try folder.text("model/vocab.txt").split(
            separator: "\n", omittingEmptySubsequences: false)
        try folder.write(
            words.map { $0 == "[SEP]" ? "[GONE]" : $0 }.joined(separator: "\n"), to: "model/vocab.txt")
        let (report, exitCode) = try examine(settings)
        #expect(exitCode == 65)
        #expect(problems(report, .tokenizer).contains { $0.what.contains("[SEP]") })
    }

    @Test func whatIsTrainedOnIsNotToBeValidatedOn() throws {
        let folder = try TemporaryFolder()
        var settings = try sample(folder)
        settings.validationFile = SampleModel.trainFile
        let (report, exitCode) = try examine(settings)
        #expect(exitCode == 65)
        #expect(problems(report, .data).contains { $0.what.contains("which makes scores too good") })
    }

    @Test func ranksNameTheirHosts() throws {
        let folder = try TemporaryFolder()
        let settings = try sample(folder)
        let results = try valuesOnRanks(3, hosts: [0, 0, 1]) { communicator in
            try examine(settings, communicator)
        }
        #expect(results.map { $0.report == nil } == [false, true, true])
        let report = try #require(results[0].report)
        #expect(results.allSatisfy { $0.exitCode == report.exitCode })
        #expect(report.hosts == ["host0", "host1"] && report.ranks == 3)
        let processor = try #require(report.findings.first { $0.area == .processor })
        #expect(processor.hosts == ["host0", "host1"])
        #expect(report.findings.contains { $0.area == .ranks && $0.what == "3 ranks reach each other" })
        #expect(report.findings.contains { $0.area == .ranks && $0.what.hasSuffix("on 2 hosts") })
    }
}
