import Checkpoints
import Distributed
import Foundation
import Logging
import TestSupport
import Testing

@testable import Training

/// Runs that go on with another notion of what is best.
@Suite struct BestAgainTests {
    /// Steps that learn too fast, evaluated one by one.
    private static func settings(_ temporary: TemporaryFolder, steps: Int) throws -> TrainingSettings {
        var settings = try SampleModel.settings(in: temporary, steps: steps)
        settings.optimizer.learningRate = 0.05
        settings.schedule = .constant
        settings.evaluation = .steps(1)
        settings.saving = .steps(8)
        settings.loggingSteps = 1
        return settings
    }

    private static func run(
        _ settings: TrainingSettings, _ communicator: any Communicator = SingleProcess(),
        _ recorder: LogRecorder = LogRecorder()
    ) throws {
        try TrainingRun(settings: settings, communicator: communicator, logger: recorder.logger).run()
    }

    private static func losses(_ temporary: TemporaryFolder, _ event: String) throws -> [Int: Double] {
        struct Line: Decodable { let loss: Double }
        let lines = try MetricsLines(path: temporary.path("out/metrics.jsonl")).lines
        return try lines.filter { $0.event == event }.reduce(into: [:]) { losses, line in
            losses[line.step] = try JSONDecoder().decode(Line.self, from: Data(line.text.utf8)).loss
        }
    }

    /// A run of eight steps whose best is before the last, and what it needs to go on to the tenth.
    private static func begun(_ temporary: TemporaryFolder) throws -> (settings: TrainingSettings, best: Int)
    {
        try run(try settings(temporary, steps: 8))
        let best = try #require(try losses(temporary, "eval").min { $0.value < $1.value }).key
        try #require(best < 8)
        var again = try settings(temporary, steps: 10)
        again.resume = .newest
        again.allowsChangedSettings = true
        return (again, best)
    }

    @Test(arguments: [1, 2]) func theBestSoFarIsEvaluatedAnew(ranks: Int) throws {
        let (temporary, other) = (try TemporaryFolder(), try TemporaryFolder())
        var (settings, best) = try Self.begun(temporary)
        settings.maxEvalSamples = 3
        let recorder = LogRecorder()
        _ = try valuesOnRanks(ranks) { [settings] in
            try Self.run(settings, $0, $0.isRoot ? recorder : LogRecorder())
        }
        var whole = try Self.settings(other, steps: 10)
        whole.maxEvalSamples = 3
        try Self.run(whole)
        let expected = try Self.losses(other, "eval")
        let notice = try #require(recorder.all.first { $0.contains("the best so far, after step \(best),") })
        let value = try #require(notice.firstMatch(of: /a loss of (\S+) now/)?.1)
        #expect(abs(try #require(Double(value)) - expected[best, default: 0]) < 1e-4)
        // Training went on from the last step's weights.
        let trained = try Self.losses(temporary, "train")
        for (step, loss) in try Self.losses(other, "train") {
            #expect(abs(trained[step, default: 0] - loss) < 1e-4 * loss, "step \(step)")
        }
        let progress = try #require(
            try CheckpointFile(path: temporary.path("out/checkpoints/step-00000010.h5")).contents.progress)
        let candidates = expected.filter { $0.key == best || $0.key > 8 }
        #expect(progress.bestStep == candidates.min { $0.value < $1.value }?.key)
        #expect(
            try CheckpointFile(path: temporary.path("out/best.h5")).contents.step == progress.bestStep)
    }

    @Test func aBestWhoseWeightsAreGoneIsForgotten() throws {
        let temporary = try TemporaryFolder()
        var (settings, best) = try Self.begun(temporary)
        settings.answers.bestCount = 3
        try FileManager.default.removeItem(atPath: temporary.path("out/best.h5"))
        try FileManager.default.copyItem(
            atPath: temporary.path("out/final.h5"), toPath: temporary.path("out/best.h5"))
        let recorder = LogRecorder()
        try Self.run(settings, SingleProcess(), recorder)
        #expect(
            recorder.all.contains {
                $0.contains("what was the best, after step \(best), is not compared with any more")
                    && $0.contains("earlier-1")
            })
        #expect(try CheckpointFile(path: temporary.path("out/earlier-1/best.h5")).contents.step == 8)
        #expect(try CheckpointFile(path: temporary.path("out/best.h5")).contents.step > 8)
    }

    @Test func aRunWithoutValidationHasNoBest() throws {
        let temporary = try TemporaryFolder()
        var (settings, _) = try Self.begun(temporary)
        settings.validation = nil
        try Self.run(settings)
        #expect(try temporary.names("out/earlier-1") == ["best.h5"])
        let file = try CheckpointFile(path: temporary.path("out/checkpoints/step-00000010.h5"))
        #expect(file.contents.progress?.bestStep == nil)
        #expect(file.contents.progress?.evaluationsWithoutImprovement == 0)
    }
}
