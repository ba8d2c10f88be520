import Checkpoints
import QuestionAnswering
import Testing

@testable import Training

@Suite struct ResumeCheckTests {
    private static func identity(
        _ change: (inout TrainingSettings) -> Void = { _ in }, features: UInt64 = 1, tokenizer: UInt64 = 2,
        configuration: UInt64 = 3, ranks: Int = 2, threads: Int = 1
    ) -> TrainingIdentity {
        var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["t"])
        change(&settings)
        return TrainingIdentity(
            settings: JSONValue.object(settings.flags(ranks: ranks)).compact,
            schedule: LearningRateSchedule(
                kind: settings.schedule, peak: 1, warmupSteps: settings.warmup.steps(of: 100), totalSteps: 100
            ),
            features: features, tokenizer: tokenizer, configuration: configuration, ranks: ranks,
            threads: threads, microBatchTokens: 512)
    }

    private static func saved(_ identity: TrainingIdentity) -> TrainingProgress {
        TrainingProgress(
            seed: 1, optimizerStep: 1, epochIndex: 0, epochPosition: 0, settings: identity.settings,
            additional: identity.attributes)
    }

    private static func check(
        _ now: TrainingIdentity, against before: TrainingIdentity = identity()
    ) throws -> ResumeCheck {
        try ResumeCheck(now, saved: saved(before), path: "x.h5")
    }

    @Test func theSameRunGoesOnWithoutAWord() throws {
        let check = try Self.check(Self.identity())
        #expect(check.changes.isEmpty && check.differences.isEmpty)
        try check.require(allowed: false) { Issue.record("\($0)") }
    }

    @Test func aCheckpointFromBeforeASettingWasThereIsNoChange() throws {
        func old(_ change: (inout TrainingSettings) -> Void = { _ in }) throws -> ResumeCheck {
            var settings = TrainingSettings(model: "m", outputDirectory: "o", trainFiles: ["t"])
            let names = ["features", "clean", "split-sentences", "precision", "product-library"]
            let flags = settings.flags(ranks: 2).filter { !names.contains($0.0) }
            change(&settings)
            let progress = TrainingProgress(
                seed: 1, optimizerStep: 1, epochIndex: 0, epochPosition: 0,
                settings: JSONValue.object(flags).compact, additional: Self.identity().attributes)
            return try ResumeCheck(Self.identity(change), saved: progress, path: "x.h5")
        }
        #expect(try old().changes.isEmpty && old().differences.isEmpty)
        let changed = try old { $0.features.layout = .singleWindow }
        #expect(changed.changes == ["--features \"single-window\" instead of \"default\""])
    }

    private static let changes: [(String, @Sendable (inout TrainingSettings) -> Void)] = [
        ("--learning-rate 0.1 instead of 5e-05", { $0.optimizer.learningRate = 0.1 }),
        ("--batch-size 8 instead of 16", { $0.batchSize = .global(8) }),
        ("--seed 7 instead of 42", { $0.seed = 7 }),
        ("--max-steps 5 instead of none", { $0.length = .steps(5) }),
        ("--max-query-length 9 instead of none", { $0.features.maxQueryLength = 9 }),
        (
            "--features \"single-window\" instead of \"default\"", { $0.features.layout = .singleWindow }
        ),
        ("--clean \"hanja\" instead of none", { $0.features.cleaning = TextCleaning([.hanja]) }),
        ("--split-sentences true instead of false", { $0.features.splitsSentences = true }),
        ("--hidden-dropout-prob 0.25 instead of none", { $0.hiddenDropout = 0.25 }),
        ("--metric-for-best-model \"f1\" instead of \"loss\"", { $0.bestMetric = .f1 }),
        ("--precision \"bf16\" instead of \"fp32\"", { $0.compute.precision = .brain }),
        ("--warmup-ratio 0.5 instead of 0", { $0.warmup = .ratio(0.5) }),
        ("--lr-scheduler-type \"cosine\" instead of \"linear\"", { $0.schedule = .cosine }),
        ("--gamma 0.5 instead of none", { $0.schedule = .exponential }),
        (
            "--restart-epochs 2 instead of none",
            {
                $0.schedule = .cosineWithRestarts
                $0.restarts = .epochs(2, multiplier: 1)
            }
        ),
    ]

    @Test(arguments: changes.indices)
    func whatChangesTheTrainingIsRefusedByName(index: Int) throws {
        let (name, change) = Self.changes[index]
        let check = try Self.check(Self.identity(change))
        #expect(check.changes.contains(name), "\(check.changes)")
        let error = try #require(TrainingError.thrown { try check.require(allowed: false) { _ in } })
        #expect(error.exitCode == 64)
        #expect(error.description.contains(name) && error.description.contains("--allow-changed-settings"))
        var said: [String] = []
        try check.require(allowed: true) { said.append($0) }
        #expect(said.count == 1 && said[0].contains(name))
    }

    @Test func whatDoesNotChangeItIsFree() throws {
        let check = try Self.check(
            Self.identity {
                $0.model = "elsewhere"
                $0.outputDirectory = "elsewhere"
                $0.trainFiles = ["moved"]
                $0.saving = .steps(3)
                $0.evaluation = .never
                $0.saveTotalLimit = 9
                $0.loggingSteps = 1
                $0.answers.bestCount = 3
                $0.compression = .gzip
                $0.patience = 2
                $0.loadsBest = true
                $0.compute.allowsSlowPrecision = true
            })
        #expect(check.changes.isEmpty && check.differences.isEmpty)
    }

    @Test func aScheduleThatKnowsNoEndMayBeLonger() throws {
        let constant = { (settings: inout TrainingSettings) in settings.schedule = .constant }
        let longer = { (settings: inout TrainingSettings) in
            settings.schedule = .constant
            settings.length = .epochs(9)
        }
        #expect(try Self.check(Self.identity(longer), against: Self.identity(constant)).changes.isEmpty)
    }

    @Test func otherContentIsRefused() throws {
        let check = try Self.check(Self.identity(features: 9, tokenizer: 9, configuration: 9))
        #expect(check.changes.count == 3)
        #expect(check.changes[0].contains("--train-file") && check.changes[1].contains("--model"))
    }

    @Test func otherRanksAndThreadsAreToldOf() throws {
        let check = try Self.check(Self.identity(ranks: 3, threads: 4))
        #expect(check.changes.isEmpty)
        #expect(check.differences == ["3 ranks instead of 2", "4 threads instead of 1"])
    }

    @Test func anotherLibraryIsToldOf() throws {
        let check = try Self.check(Self.identity { $0.compute.productLibrary = .oneDNN })
        #expect(check.changes.isEmpty)
        #expect(check.differences == ["--product-library \"onednn\" instead of \"openblas\""])
    }

    @Test func settingsThatAreNoObjectAreDamage() throws {
        var progress = Self.saved(Self.identity())
        progress.settings = "[]"
        let error = try #require(throws: CheckpointError.self) {
            _ = try ResumeCheck(Self.identity(), saved: progress, path: "x.h5")
        }
        #expect(error.category == .badData && error.path == "x.h5")
    }
}
