import Distributed
import Foundation
import Logging
import QuestionAnswering
import Reports
import TestSupport
import Testing
import Training

@Suite struct RunReporterTests {
    private static func settings(_ temporary: TemporaryFolder) throws -> TrainingSettings {
        var settings = try SampleModel.settings(in: temporary, steps: 4)
        settings.evaluation = .steps(2)
        settings.saving = .never
        settings.loggingSteps = 1
        return settings
    }

    private static func run(
        _ settings: TrainingSettings, _ communicator: any Communicator = SingleProcess(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws {
        try TrainingRun(settings: settings, communicator: communicator, logger: logger).run()
    }

    /// The page as made from disk alone.
    private static func page(_ temporary: TemporaryFolder) throws -> String {
        let report = try RunReport(folder: temporary.path("out"))
        #expect(report.notices == [])
        return RunPage(report, defaults: TrainingSettings.defaultFlags).html
    }

    @Test(arguments: [
        ValidationSource.file(SampleModel.validationFile), .split(0.2), .split(0.2, by: .article),
    ])
    func aRunsPageIsThatOfItsFolder(validation: ValidationSource) throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.validation = validation
        try Self.run(settings)
        let page = try temporary.text("out/report.html")
        #expect(page == (try Self.page(temporary)))
        #expect(page.contains("id=\"questions\"") && page.contains("id=\"lengths\""))
    }

    @Test(arguments: [true, false]) func theEndOfARunNamesTheStepThatIsLeftAndHowToGoOn(loadsBest: Bool)
        throws
    {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.optimizer.learningRate = 0.05
        settings.loadsBest = loadsBest
        settings.patience = 1
        settings.length = .steps(40)
        let recorder = LogRecorder()
        try Self.run(settings, logger: recorder.logger)
        let evaluations = try temporary.text("out/metrics.jsonl").split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["event"] as? String == "eval" }
        let losses = evaluations.compactMap { $0["loss"] as? Double }
        let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
        let left = loadsBest ? best : losses.count - 1
        let step = try #require(evaluations[left]["step"] as? Int)
        let final = try temporary.object("out/run.json")["final"] as? [String: Any]
        #expect(
            final?["step"] as? Int == step && final?["best_step"] as? Int == evaluations[best]["step"] as? Int
        )
        let messages = recorder.all
        let loss = String(format: "Loss %.4f", losses[left])
        #expect(
            messages.contains { $0.contains("final.h5: step \(step)") && $0.contains(loss) }, "\(messages)")
        #expect(messages.contains { $0.contains("best by loss: ") } == (left != best))
        let path = temporary.path("out")
        for command in ["evaluate --config", "answer --config"] {
            #expect(
                messages.contains {
                    $0.contains(": dure \(command) \(path)/run.json --model \(path)/final.h5")
                })
        }
        #expect(
            messages.contains { $0.contains("--checkpoint \(path)/final.h5 --format hf --output \(path)/hf") }
        )
        let page = try temporary.text("out/report.html")
        #expect(page == (try Self.page(temporary)) && page.contains("final.h5, after step \(step)"))
    }

    @Test func aRunWithoutValidationHasAPage() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.validation = nil
        try Self.run(settings)
        let page = try temporary.text("out/report.html")
        #expect(page == (try Self.page(temporary)))
        #expect(page.contains("id=\"time\"") && !page.contains("id=\"questions\""))
    }

    @Test func everyRankHasItsRow() throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        _ = try valuesOnRanks(3) { try Self.run(settings, $0) }
        let line = try #require(try temporary.text("out/metrics.jsonl").split(separator: "\n").first)
        let members = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let seconds = try #require(members?["rank_compute_seconds"] as? [Double])
        #expect(seconds.count == 3 && seconds.allSatisfy { $0 > 0 })
        let page = try temporary.text("out/report.html")
        #expect(page == (try Self.page(temporary)))
        for rank in 0..<3 { #expect(page.contains("<th scope=\"row\">\(rank)</th>")) }
    }

    @Test func theLengthsOfTheWindowsAreRecorded() throws {
        let temporary = try TemporaryFolder()
        try Self.run(try Self.settings(temporary))
        let record = try temporary.object("out/run.json")
        let lengths = try #require(record["sequence_lengths"] as? [String: Any])
        let counts = try #require(lengths["counts"] as? [Int])
        #expect(counts.reduce(0, +) == record["features"] as? Int)
        #expect(
            lengths["longest"] as? Int == 64 && (lengths["questions_in_several_windows"] as? Int ?? 0) > 0)
    }

    @Test func aPageThatCannotBeWrittenEndsNothing() throws {
        let temporary = try TemporaryFolder()
        let output = try OutputDirectory(creating: temporary.path("out"))
        _ = try output.folder("report.html")
        let recorder = LogRecorder()
        try Self.run(try Self.settings(temporary), logger: recorder.logger)
        let told = recorder.all.filter { $0.contains("report.html") }
        #expect(told.count == 1 && told[0].hasPrefix("warning"), "\(recorder.all)")
        #expect(try temporary.names("out").contains("final.h5"))
    }

    @Test func defaultsAreThoseOfTheFlags() {
        let defaults = Dictionary(uniqueKeysWithValues: TrainingSettings.defaultFlags)
        #expect(defaults["learning-rate"] == 5e-5 && defaults["batch-size"] == 16)
        #expect(defaults["model"] == nil && defaults["threads"] == .null)
    }
}
