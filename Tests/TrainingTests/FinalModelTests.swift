import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import Model
import QuestionAnswering
import TestSupport
import Testing
import Training

/// Runs that leave the best evaluation's weights.
@Suite struct FinalModelTests {
    /// Nine steps that learn too fast, evaluated one by one.
    private static func settings(_ temporary: TemporaryFolder) throws -> TrainingSettings {
        var settings = try SampleModel.settings(in: temporary, steps: 9)
        settings.optimizer.learningRate = 0.05
        settings.schedule = .constant
        settings.evaluation = .steps(1)
        settings.saving = .steps(4)
        settings.loadsBest = true
        return settings
    }

    private static func run(
        _ settings: TrainingSettings, _ communicator: any Communicator = SingleProcess(),
        _ logger: Logger = LogRecorder().logger
    ) throws {
        try TrainingRun(settings: settings, communicator: communicator, logger: logger).run()
    }

    private static func evaluations(_ temporary: TemporaryFolder) throws -> [(step: Int, loss: Double)] {
        try temporary.text("out/metrics.jsonl").split(separator: "\n").compactMap { line in
            guard
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                object["event"] as? String == "eval"
            else { return nil }
            return (try #require(object["step"] as? Int), try #require(object["loss"] as? Double))
        }
    }

    private static func difference(_ temporary: TemporaryFolder, _ left: String, _ right: String) throws
        -> Bool
    {
        let (left, right) = (
            try CheckpointFile(path: temporary.path(left)), try CheckpointFile(path: temporary.path(right))
        )
        let layout = ParameterLayout(try ModelFolder(checkpoint: left).configuration)
        let weights = try [left, right].map { file in
            let buffer = FloatBuffer(count: layout.count)
            _ = try file.loadWeights(layout: layout, into: buffer.buffer)
            return Array(buffer.buffer)
        }
        return weights[0] != weights[1]
    }

    /// Expects that the run has left the least loss's weights and answers, and that this was not the last.
    private static func expectBest(_ temporary: TemporaryFolder) throws {
        let evaluations = try evaluations(temporary)
        let best = try #require(evaluations.min { $0.loss < $1.loss })
        let last = try #require(evaluations.last)
        try #require(best.step != last.step)
        #expect(try CheckpointFile(path: temporary.path("out/final.h5")).contents.step == best.step)
        #expect(try !difference(temporary, "out/final.h5", "out/best.h5"))
        let loss = try temporary.object("out/eval_results.json")["loss"] as? Double
        #expect(abs(try #require(loss) - best.loss) <= 1e-9)
    }

    @Test(arguments: [1, 2]) func theBestWeightsAndAnswersAreLeft(ranks: Int) throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        _ = try valuesOnRanks(ranks) { try Self.run(settings, $0) }
        try Self.expectBest(temporary)
        // Once more from the last checkpoint is the same.
        var again = settings
        again.resume = .newest
        _ = try valuesOnRanks(ranks) { [again] in try Self.run(again, $0) }
        try Self.expectBest(temporary)
    }

    @Test func withoutTheFlagTheLastAreLeft() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.loadsBest = false
        try Self.run(settings)
        #expect(try CheckpointFile(path: temporary.path("out/final.h5")).contents.step == 9)
        #expect(try Self.difference(temporary, "out/final.h5", "out/best.h5"))
    }

    @Test func aRunThatStopsEarlyLeavesTheBestToo() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.patience = 2
        settings.length = .steps(200)
        let recorder = LogRecorder()
        try Self.run(settings, SingleProcess(), recorder.logger)
        let evaluations = try Self.evaluations(temporary)
        let best = try #require(evaluations.min { $0.loss < $1.loss })
        #expect(evaluations.count == best.step + 2 && evaluations.count < 200)
        try Self.expectBest(temporary)
        #expect(
            recorder.all.contains { $0.contains("stopped early after step \(best.step + 2): no better loss") }
        )
    }

    /// As when a run that was killed had found a better one after the checkpoint it went on from.
    @Test func aBestFileOfAnotherStepIsNotTaken() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.saving = .steps(1)
        try Self.run(settings)
        let step = try CheckpointFile(path: temporary.path("out/best.h5")).contents.step
        try FileManager.default.removeItem(atPath: temporary.path("out/best.h5"))
        try FileManager.default.copyItem(
            atPath: temporary.path("out/checkpoints/step-00000009.h5"), toPath: temporary.path("out/best.h5"))
        settings.resume = .newest
        try Self.run(settings)
        #expect(try CheckpointFile(path: temporary.path("out/final.h5")).contents.step == step)
        try FileManager.default.removeItem(
            atPath: temporary.path("out/checkpoints/step-0000000\(step).h5"))
        let recorder = LogRecorder()
        try Self.run(settings, SingleProcess(), recorder.logger)
        #expect(recorder.all.contains { $0.contains("after step \(step), are gone") })
        #expect(try CheckpointFile(path: temporary.path("out/final.h5")).contents.step == 9)
    }

    @Test(arguments: [1, 2]) func questionsWithoutAnswersCannotDecide(ranks: Int) throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        let dataset = """
            {"version": "1", "data": [{"title": "t", "paragraphs": [{"context": "마을의 공동 노동 조직이다.",
            "qas": [{"id": "q", "question": "무엇인가?"}]}]}]}
            """
        try temporary.write(dataset, to: "unanswered.json")
        settings.validation = .file(temporary.path("unanswered.json"))
        for outcome in onRanks(ranks, { [settings] in try Self.run(settings, $0) }) {
            let error = try #require(throws: (any Error).self) { try outcome.get() }
            #expect("\(error)".contains("no question has an answer to validate on"))
        }
    }
}
