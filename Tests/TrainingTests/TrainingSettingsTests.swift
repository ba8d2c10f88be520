import Foundation
import QuestionAnswering
import Testing
import Training

@Suite struct TrainingSettingsTests {
    @Test func aGlobalBatchIsTheSameOnAnyNumberOfRanks() {
        #expect((1...4).map { BatchSize.global(16).resolved(ranks: $0) } == [16, 16, 16, 16])
    }

    @Test func aBatchPerDeviceGrowsWithRanksAndAccumulation() {
        #expect(BatchSize.perDevice(4, accumulation: 2).resolved(ranks: 3) == 24)
        #expect(BatchSize.perDevice(.max, accumulation: 3).resolved(ranks: 2) == .max)
    }

    @Test func partsOfAnEpochCountAsWholeSteps() {
        #expect(TrainingLength.epochs(3).steps(perEpoch: 7) == 21)
        #expect(TrainingLength.epochs(0.5).steps(perEpoch: 7) == 4)
        #expect(TrainingLength.epochs(0.001).steps(perEpoch: 7) == 1)
        #expect(TrainingLength.steps(5).steps(perEpoch: 7) == 5)
    }

    @Test func warmupIsRoundedUpAsInTransformers() {
        #expect(Warmup.ratio(0).steps(of: 100) == 0)
        #expect(Warmup.ratio(0.1).steps(of: 101) == 11)
        #expect(Warmup.ratio(1).steps(of: .max) == .max)
        #expect(Warmup.steps(7).steps(of: 3) == 7)
    }

    @Test func defaultsAreThoseOfTheInterface() throws {
        let flags = try Self.flags(
            TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["a", "b"]))
        #expect(flags["train-file"] as? [String] == ["a", "b"])
        let numbers = [
            "batch-size": 16, "num-train-epochs": 3, "learning-rate": 5e-5, "weight-decay": 0,
            "adam-beta1": 0.9, "adam-beta2": 0.999, "adam-epsilon": 1e-8, "max-grad-norm": 1,
            "warmup-ratio": 0, "max-seq-length": 384, "doc-stride": 128, "null-score-diff-threshold": 0,
            "n-best-size": 20, "max-answer-length": 30, "save-total-limit": 3, "seed": 42,
            "logging-steps": 10,
        ]
        for (name, value) in numbers { #expect(flags[name] as? Double == value, "\(name)") }
        let texts = [
            "model": "m", "output-dir": "o", "lr-scheduler-type": "linear", "unanswerable-windows": "cls",
            "eval-strategy": "epoch", "save-strategy": "epoch", "decode": "nbest", "precision": "fp32",
            "product-library": "openblas",
        ]
        for (name, value) in texts { #expect(flags[name] as? String == value, "\(name)") }
        #expect(flags["no-shuffle"] as? Bool == false && flags["version-2-with-negative"] as? Bool == false)
        for name in ["trim-particles", "strip-special-tokens", "calibrate", "allow-slow-precision"] {
            #expect(flags[name] as? Bool == false, "\(name)")
        }
        #expect(flags["blank-longer-than"] is NSNull)
        #expect(flags["max-query-length"] is NSNull && flags["eval-steps"] is NSNull)
        #expect(
            flags["early-stopping-patience"] is NSNull && flags["load-best-model-at-end"] as? Bool == false)
        #expect(flags["max-steps"] == nil && flags["validation-file"] == nil)
    }

    @Test func everyChoiceIsRecordedUnderItsFlag() throws {
        var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["a"])
        settings.batchSize = .perDevice(2, accumulation: 3)
        settings.length = .steps(100)
        settings.warmup = .steps(10)
        settings.validation = .split(0.25)
        settings.evaluation = .steps(50)
        settings.saving = .never
        settings.seed = .max
        settings.compute.precision = .brain
        settings.compute.allowsSlowPrecision = true
        settings.compute.productLibrary = .oneDNN
        let flags = try Self.flags(settings, ranks: 2)
        #expect(flags["batch-size"] as? Int == 12)
        #expect(flags["max-steps"] as? Int == 100 && flags["num-train-epochs"] == nil)
        #expect(flags["warmup-steps"] as? Int == 10 && flags["warmup-ratio"] == nil)
        #expect(flags["validation-split"] as? Double == 0.25)
        #expect(flags["eval-strategy"] as? String == "steps" && flags["eval-steps"] as? Int == 50)
        #expect(flags["save-strategy"] as? String == "no" && flags["save-steps"] is NSNull)
        #expect(flags["seed"] as? String == "18446744073709551615")
        #expect(flags["precision"] as? String == "bf16" && flags["allow-slow-precision"] as? Bool == true)
        #expect(flags["product-library"] as? String == "onednn")
        settings.validation = .file("dev.json")
        #expect(try Self.flags(settings)["validation-file"] as? String == "dev.json")
    }

    @Test func whatOnlySomeSchedulesHaveIsRecordedForThem() throws {
        var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["a"])
        let names = ["lr-restarts", "restart-epochs", "restart-multiplier", "gamma"]
        #expect(try Self.flags(settings).keys.filter(names.contains).isEmpty)
        settings.schedule = .exponential
        #expect(try Self.flags(settings)["gamma"] as? Double == 0.5)
        settings.schedule = .cosineWithRestarts
        #expect(try Self.flags(settings)["lr-restarts"] as? Int == 1)
        settings.restarts = .epochs(2, multiplier: 3)
        let flags = try Self.flags(settings)
        #expect(flags["restart-epochs"] as? Int == 2 && flags["restart-multiplier"] as? Int == 3)
        #expect(flags["lr-restarts"] == nil && flags["gamma"] == nil)
    }

    private static func flags(_ settings: TrainingSettings, ranks: Int = 1) throws -> [String: Any] {
        let text = JSONValue.object(settings.flags(ranks: ranks)).compact
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
}
