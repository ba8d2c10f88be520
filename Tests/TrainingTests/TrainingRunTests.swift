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

/// Whole runs on the bundled sample, from settings to files.
@Suite struct TrainingRunTests {
    /// Six steps, logged one by one, with two evaluations and three checkpoints of which two are kept.
    private static func settings(_ temporary: TemporaryFolder) throws -> TrainingSettings {
        var settings = try SampleModel.settings(in: temporary, steps: 6)
        settings.optimizer.learningRate = 1e-2
        settings.evaluation = .steps(3)
        settings.saving = .steps(2)
        settings.saveTotalLimit = 2
        settings.loggingSteps = 1
        return settings
    }

    private static func run(
        _ settings: TrainingSettings, _ communicator: any Communicator = SingleProcess()
    ) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try TrainingRun(settings: settings, communicator: communicator, logger: logger).run()
    }

    /// Memory decides how a batch is cut, and so changes rounding alone.
    @Test func aRunInLittleMemoryIsTheSameRun() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.compute.microBatchTokens = nil
        // A step must have more tokens than the micro-batches that memory does not bound.
        settings.batchSize = .global(40)
        try Self.run(settings)
        let plenty = try Self.metrics(temporary, "train").compactMap { $0["loss"] as? Double }
        let configuration = try ModelConfiguration(json: SampleModel.configuration().utf8)
        var demand = MemoryDemand(configuration, for: .training(validates: true), sequenceLength: 64)
        demand.checkpointSharing = 1
        let memory = SystemMemory(
            physical: 1 << 40, available: demand.estimate(tokens: 600).total)
        let recorder = LogRecorder()
        try TrainingRun(
            settings: settings, communicator: SingleProcess(), logger: recorder.logger, memory: { memory }
        ).run()
        let notices = recorder.all.filter { $0.contains("instead of 2048") }
        #expect(notices.count == 1 && notices[0].contains("512 tokens"), "\(recorder.all)")
        #expect(try temporary.object("out/run.json")["micro_batch_tokens"] as? Int == 512)
        let little = try Self.metrics(temporary, "train").compactMap { $0["loss"] as? Double }
        #expect(little.count == plenty.count)
        for (one, other) in zip(little, plenty) { #expect(abs(one - other) < 1e-4 * other) }
    }

    private static func metrics(_ temporary: TemporaryFolder, _ event: String) throws -> [[String: Any]] {
        try temporary.text("out/metrics.jsonl").split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["event"] as? String == event }
    }

    @Test func aRunLeavesWhatTheInterfacePromises() throws {
        let temporary = try TemporaryFolder()
        try Self.run(try Self.settings(temporary))
        #expect(
            try temporary.results("out") == [
                "best.h5", "checkpoints", "eval_nbest_predictions.json", "eval_predictions.csv",
                "eval_predictions.json", "eval_results.json", "events.out.tfevents",
                "features", "final.h5", "metrics.jsonl", "report.html", "run.json",
            ])
        #expect(try temporary.names("out/features").count == 2)
        #expect(try temporary.names("out/checkpoints") == ["step-00000004.h5", "step-00000006.h5"])
        let steps = try Self.metrics(temporary, "train")
        #expect(steps.map { $0["step"] as? Int } == [1, 2, 3, 4, 5, 6])
        let losses = steps.compactMap { $0["loss"] as? Double }
        #expect(try #require(losses.last) < losses[0])
        #expect(try Self.metrics(temporary, "eval").map { $0["step"] as? Int } == [3, 6])
        #expect(try Self.metrics(temporary, "save").map { $0["step"] as? Int } == [2, 4, 6])
        let results = try temporary.object("out/eval_results.json")
        #expect(results["loss"] as? Double == (try Self.metrics(temporary, "eval").last?["loss"] as? Double))
    }

    @Test func theRunIsRecordedAsResolved() throws {
        let temporary = try TemporaryFolder()
        try Self.run(try Self.settings(temporary))
        let record = try temporary.object("out/run.json")
        #expect(record["dure_version"] as? String == dureVersion)
        #expect(record["ranks"] as? Int == 1 && record["hosts"] as? [String] == [Host.name])
        #expect(record["threads_per_rank"] as? Int == 1 && record["micro_batch_tokens"] as? Int == 512)
        #expect(record["total_steps"] as? Int == 6 && record["mpi"] is NSNull)
        let settings = try #require(record["settings"] as? [String: Any])
        #expect(settings["batch-size"] as? Int == 16 && settings["max-steps"] as? Int == 6)
        #expect(settings["hidden-dropout-prob"] as? Double == 0.1, "the model's")
        #expect(settings["do-lower-case"] as? Bool == false && settings["threads"] as? Int == 1)
        let datasets = try #require(record["datasets"] as? [String: String])
        #expect(Set(datasets.keys) == [SampleModel.trainFile, SampleModel.validationFile])
        #expect(datasets.values.allSatisfy { $0.hasPrefix("fnv1a64:") && $0.count == 24 })
        #expect((record["blas"] as? [String: String])?["core"]?.isEmpty == false)
        #expect(record["onednn"] as? String == oneDNNVersion())
        #expect(record["onednn"] is NSNull || ProductLibrary.oneDNN.isBuiltIn)
    }

    @Test func checkpointsSayWhereTheRunStood() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.batchSize = .global(40)
        try Self.run(settings)
        let features = try #require(try temporary.object("out/run.json")["features"] as? Int)
        let stepsPerEpoch = (features + 39) / 40
        let file = try CheckpointFile(path: temporary.path("out/checkpoints/step-00000004.h5"))
        let progress = try #require(file.contents.progress)
        #expect(file.contents.step == 4 && progress.optimizerStep == 4 && progress.seed == 42)
        #expect(progress.epochIndex == 4 / stepsPerEpoch)
        #expect(progress.epochPosition == 4 % stepsPerEpoch * 40)
        let recorded = try #require(try temporary.object("out/run.json")["settings"] as? NSDictionary)
        let saved = try JSONSerialization.jsonObject(with: Data(progress.settings.utf8)) as? NSDictionary
        #expect(saved == recorded)
    }

    @Test func theLastCheckpointHoldsTheFinalWeights() throws {
        let temporary = try TemporaryFolder()
        try Self.run(try Self.settings(temporary))
        func weights(_ name: String) throws -> [Float] {
            let loaded = try LoadedModel(
                path: temporary.path("out/\(name)"), tokenizer: TokenizerOverrides(), seed: 1,
                communicator: SingleProcess())
            #expect(loaded.notices.isEmpty)
            return Array(loaded.parameters.buffer)
        }
        let final = try weights("final.h5")
        #expect(try weights("checkpoints/step-00000006.h5") == final)
        #expect(try weights("checkpoints/step-00000004.h5") != final)
    }

    @Test func threeRanksTrainAsOne() throws {
        let alone = try TemporaryFolder()
        let together = try TemporaryFolder()
        try Self.run(try Self.settings(alone))
        let settings = try Self.settings(together)
        _ = try valuesOnRanks(3) { try Self.run(settings, $0) }
        #expect(try together.results("out") == alone.results("out"))
        #expect(try together.names("out/checkpoints") == alone.names("out/checkpoints"))
        func losses(_ temporary: TemporaryFolder, _ event: String) throws -> [Double] {
            try Self.metrics(temporary, event).compactMap { $0["loss"] as? Double }
        }
        #expect(largestRelativeDifference(try losses(together, "train"), try losses(alone, "train")) < 1e-5)
        #expect(largestRelativeDifference(try losses(together, "eval"), try losses(alone, "eval")) < 1e-5)
        #expect(try together.object("out/run.json")["ranks"] as? Int == 3)
    }

    @Test func moreRanksThanFeaturesTrainAsOne() throws {
        let temporary = try TemporaryFolder()
        try temporary.write(
            #"{"data": [{"paragraphs": [{"context": "두레", "qas": [{"id": "q", "question": "?","#
                + #" "answers": [{"text": "두레", "answer_start": 0}]}]}]}]}"#, to: "one.json")
        var settings = try Self.settings(temporary)
        settings.trainFiles = [temporary.path("one.json")]
        settings.validation = nil
        settings.length = .epochs(3)
        _ = try valuesOnRanks(3) { [settings] in try Self.run(settings, $0) }
        #expect(try Self.metrics(temporary, "train").count == 3)
        #expect(
            try temporary.results("out") == [
                "checkpoints", "events.out.tfevents", "features", "final.h5", "metrics.jsonl", "report.html",
                "run.json",
            ])
    }

    @Test func aSplitTakesItsQuestionsFromTheTrainingFile() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.validation = .split(0.1)
        settings.length = .steps(1)
        try Self.run(settings)
        let count = try DatasetReader.read([SampleModel.trainFile]).questions.count
        let asked = try temporary.object("out/eval_predictions.json").count
        #expect(asked == Int((Double(count) * 0.1).rounded()))
    }

    @Test func whatFailsBeforeTheFirstStepLeavesNothing() throws {
        let temporary = try TemporaryFolder()
        let good = try Self.settings(temporary)
        var noModel = good
        noModel.model = temporary.path("missing")
        var noData = good
        noData.trainFiles = [temporary.path("missing.json")]
        var tooLong = good
        tooLong.features.maxSequenceLength = 129
        var tooSmall = good
        tooSmall.compute.microBatchTokens = 9
        let cases: [(TrainingSettings, Int32)] = [
            (noModel, 66), (noData, 66), (tooLong, 64), (tooSmall, 64),
        ]
        for (settings, code) in cases {
            for outcome in onRanks(2, { try Self.run(settings, $0) }) {
                let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
                #expect(failure.exitCode == code)
            }
            #expect(try temporary.names() == ["model"])
        }
    }

    @Test func anOutputFolderThatCannotBeIsAnErrorOnEveryRank() throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        try temporary.write("", to: "out")
        for outcome in onRanks(2, { try Self.run(settings, $0) }) {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 73 && failure.description.contains(temporary.path("out")))
        }
    }

    @Test func ranksThatCutWindowsDifferentlyEndInsteadOfWaiting() throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        var other = settings
        other.features.documentStride = 17
        let outcomes = onRanks(3) { [settings, other] in try Self.run($0.rank == 2 ? other : settings, $0) }
        for (rank, outcome) in outcomes.enumerated() {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 69 && failure.rank == 2 && failure.isOwn == (rank == 2))
            #expect(failure.description.contains("--doc-stride is not the same on all ranks"))
        }
        #expect(try temporary.names() == ["model"])
    }

    @Test func ranksThatReadDifferentDataEndInsteadOfWaiting() throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        var other = settings
        other.trainFiles = [SampleModel.validationFile]
        let outcomes = onRanks(3) { [settings, other] in try Self.run($0.rank == 2 ? other : settings, $0) }
        for (rank, outcome) in outcomes.enumerated() {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 69 && failure.rank == 2 && failure.isOwn == (rank == 2))
            #expect(failure.description.contains("the data to train on"))
        }
        #expect(try temporary.names() == ["model"])
    }

    @Test(arguments: [0, 1])
    func aRankWithoutTheDataOrWithDamagedDataSaysSo(_ damaged: Int) throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        try temporary.write("{\"data\": [", to: "broken.json")
        for (name, code) in [("missing.json", 66), ("broken.json", 65)] as [(String, Int32)] {
            var other = settings
            other.trainFiles = [temporary.path(name)]
            let outcomes = onRanks(2) { [settings, other] in
                try Self.run($0.rank == damaged ? other : settings, $0)
            }
            for outcome in outcomes {
                let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
                #expect(failure.exitCode == code && failure.rank == damaged)
                #expect(failure.description.contains(name))
            }
        }
        #expect(try temporary.names() == ["broken.json", "model"])
    }

    @Test func aRunThatReusesFeaturesIsTheSameRun() throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        try Self.run(settings)
        let first = try Self.metrics(temporary, "train").map { $0["loss"] as? Double }
        try Self.run(settings)
        #expect(try Self.metrics(temporary, "train").suffix(6).map { $0["loss"] as? Double } == first)
        #expect(try temporary.names("out/features").count == 2)
    }

    @Test func dataThatProvesBadLeavesNoFeaturesBehind() throws {
        let temporary = try TemporaryFolder()
        var settings = try Self.settings(temporary)
        settings.validation = .file(temporary.path("missing.json"))
        let outcome = Result { try Self.run(settings) }
        #expect(throws: DatasetError.self) { try outcome.get() }
        #expect(try temporary.names() == ["model"])
    }
}
