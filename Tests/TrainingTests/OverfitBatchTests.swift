import Distributed
import Foundation
import Model
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

@Suite struct OverfitBatchTests {
    private static func settings(_ temporary: TemporaryFolder, steps: Int, rate: Double) throws
        -> TrainingSettings
    {
        var settings = try SampleModel.settings(in: temporary, steps: steps)
        settings.validation = nil
        settings.overfitBatch = 3
        settings.optimizer.learningRate = rate
        settings.saving = .never
        return settings
    }

    @Test func aFewFeaturesAreLearntByHeart() throws {
        let temporary = try TemporaryFolder()
        let log = LogRecorder()
        let settings = try Self.settings(temporary, steps: 150, rate: 0.02)
        try TrainingRun(settings: settings, communicator: SingleProcess(), logger: log.logger).run()
        #expect(log.all.contains { $0.contains("overfitting 3 feature(s)") && $0.contains("near 0: this") })
        let results = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: temporary.path("out/eval_results.json"))))
        let metrics = try #require(results as? [String: Any])
        #expect(metrics["windows"] as? Int == 3 && metrics["exact_match"] as? Double == 100)
    }

    @Test func aLossThatStaysIsToldWithWhatToLookAt() throws {
        let temporary = try TemporaryFolder()
        let log = LogRecorder()
        var settings = try Self.settings(temporary, steps: 4, rate: 1e-6)
        settings.hiddenDropout = 0.1
        try TrainingRun(settings: settings, communicator: SingleProcess(), logger: log.logger).run()
        #expect(log.all.contains { $0.contains("not near 0") })
        for word in ["dropout is on", "few steps", "--debug"] {
            #expect(log.all.contains { $0.contains("  - ") && $0.contains(word) }, "\(word)")
        }
    }

    @Test func dropoutIsOffUnlessAskedForAndEpochsDoNotCount() throws {
        var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["f"])
        let configuration = try ModelConfiguration(json: SampleModel.configuration().utf8)
        #expect(settings.hiddenDropout(of: configuration) == configuration.hiddenDropout)
        #expect(settings.interval(.epoch) == .epoch)
        settings.overfitBatch = 2
        #expect(settings.hiddenDropout(of: configuration) == 0)
        #expect(settings.attentionDropout(of: configuration) == 0)
        #expect(settings.interval(.epoch) == .steps(.max) && settings.interval(.never) == .never)
        #expect(settings.batchSize(SingleProcess()) == 2)
        settings.attentionDropout = 0.25
        #expect(settings.attentionDropout(of: configuration) == 0.25)
    }

    @Test func sameTextsWithDifferentAnswersAreNamed() {
        func feature(_ question: Int, _ start: Int, _ word: Int32 = 7) -> Feature {
            Feature(
                questionIndex: question, window: 0, inputIDs: [2, 5, 3, word, 8, 3], contextStart: 3,
                contextTokens: [Token(id: word, start: 0, end: 1), Token(id: 8, start: 1, end: 2)],
                label: Feature.Label(start: start, end: 4))
        }
        func contradiction(_ features: [Feature]) -> [Int]? {
            FeatureSet(dataset: nil, questionIDs: ["a", "b", "c"], features: features).contradiction.map {
                [$0.0, $0.1]
            }
        }
        #expect(contradiction([feature(0, 3), feature(1, 3), feature(2, 4, 9)]) == nil)
        #expect(contradiction([feature(0, 3), feature(1, 3, 9), feature(2, 4)]) == [0, 2])
    }
}
