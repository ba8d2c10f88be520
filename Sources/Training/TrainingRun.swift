import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import Model
import QuestionAnswering

/// A whole run of `dure train` on one rank: from settings to `final.h5`.
package struct TrainingRun {
    private let settings: TrainingSettings
    private let communicator: any Communicator
    private let logger: Logger
    private let memory: () -> SystemMemory

    /// - memory: what is to be had at the moment.
    package init(
        settings: TrainingSettings, communicator: any Communicator, logger: Logger,
        memory: @escaping () -> SystemMemory = { SystemMemory() }
    ) {
        self.settings = settings
        self.communicator = communicator
        self.logger = logger
        self.memory = memory
    }

    package func run() throws {
        var output: OutputDirectory?
        try communicator.onRoot { output = try OutputDirectory(creating: settings.outputDirectory) }
        do {
            try train(output)
        } catch {
            output?.removeIfEmpty()
            throw error
        }
    }

    /// - output: on rank 0.
    private func train(_ output: OutputDirectory?) throws {
        let opened = try OpenedModel(
            path: settings.model, tokenizer: settings.tokenizer, communicator: communicator)
        log(try StartUpCheck.run(StartUpCheck.environment + settings.startUpItems, over: communicator))
        let exchange = try settings.exchange.resolved(communicator)
        let preparation = try communicator.together {
            try DataPreparation(
                configuration: opened.configuration, tokenizer: opened.tokenizer, settings: settings.features)
        }
        var compute = try communicator.planCompute(
            settings.compute, opened.configuration, sequenceLength: settings.features.maxSequenceLength,
            for: .training(validates: settings.validation != nil),
            exchange: exchange, batchSize: batchSize, memory: memory())
        let loaded = try LoadedModel(
            opened, seed: settings.seed, trains: true, sharesMemory: exchange.sharesMemory,
            communicator: communicator)
        log(loaded.notices)
        try communicator.requireEqual(loaded.tokenizer.identity.value, "the vocabulary and its settings")
        try communicator.requireEqual(loaded.configurationHash, "the model's configuration")
        communicator.place = "preparation of the data"
        let loader = try featureLoader(preparation, loaded, compute)
        let data = (
            training: try loader.load(settings.trainingRequest),
            validation: try settings.validationRequest.map(loader.load)
        )
        try communicator.requireEqual(data.training.set.checksum, "the data to train on")
        if let validation = data.validation {
            try communicator.requireEqual(validation.set.checksum, "the data to validate on")
        }
        log(data.training.notices + (data.validation?.notices ?? []))
        let longest = max(data.training.set.longest, data.validation?.set.longest ?? 0)
        compute = try communicator.confirm(
            compute, longest: longest, features: batchSize,
            memory: memory())
        log(compute.memoryNotice.map { [$0] } ?? [])
        logger.info("\(compute.memory)")
        let model = compute.model(loaded, longest: data.training.set.longest)
        if let notice = exchange.notice(communicator) { logger.info("\(notice)") }
        let gradientStep = try gradientStep(model, exchange)
        let optimizer = try AdamW(
            layout: loaded.layout, settings: settings.optimizer, pool: compute.pool,
            exchange: gradientStep.exchange)
        let plan = plan(features: data.training.set.count)
        let flags = settings.resolved(loaded, compute).flags(ranks: communicator.size)
        try describe(loaded, compute, data.training.set, plan, flags, to: output)
        loader.keep()
        let trainer = Trainer(
            plan: plan, model: model, features: data.training.set,
            sampler: sampler(data.training.set.count),
            gradientStep: gradientStep, optimizer: optimizer, pool: compute.pool,
            communicator: communicator, observers: try observers(output))
        trainer.evaluate = data.validation.map {
            evaluation(
                $0.set, compute.forward(loaded, longest: $0.set.longest, communicator: communicator), output)
        }
        let store = try output.map { try checkpointStore($0, loaded) }
        trainer.save = store.map { saving($0, loaded, optimizer, flags, stepsPerEpoch: plan.stepsPerEpoch) }
        try trainer.run()
        communicator.place = "end of the run"
        try communicator.onRoot {
            let epoch = Double(plan.totalSteps) / Double(plan.stepsPerEpoch)
            try store?.saveWeights(
                "final.h5", step: plan.totalSteps, epoch: epoch, parameters: loaded.parameters)
            logger.info("wrote \(output?.path(of: "final.h5") ?? "final.h5")")
        }
    }

    private func log(_ notices: [String]) {
        for notice in notices { logger.warning("\(notice)") }
    }
}

// MARK: Parts

extension TrainingRun {
    private func featureLoader(
        _ preparation: DataPreparation, _ loaded: LoadedModel, _ compute: ComputePlan
    ) throws -> FeatureLoader {
        try FeatureLoader(
            preparation: preparation, identity: loaded.tokenizer.identity, communicator: communicator,
            pool: compute.pool, cache: settings.featureCache.cache(in: settings.outputDirectory),
            logger: logger)
    }

    private var batchSize: Int { settings.batchSize.resolved(ranks: communicator.size) }

    private func sampler(_ features: Int) -> FeatureSampler {
        FeatureSampler(
            featureCount: features, batchSize: batchSize, seed: settings.seed, shuffles: settings.shuffles)
    }

    private func plan(features: Int) -> TrainingPlan {
        let stepsPerEpoch = sampler(features).stepsPerEpoch
        let totalSteps = settings.length.steps(perEpoch: stepsPerEpoch)
        let schedule = LearningRateSchedule(
            kind: settings.schedule, peak: settings.optimizer.learningRate,
            warmupSteps: settings.warmup.steps(of: totalSteps), totalSteps: totalSteps)
        return TrainingPlan(
            totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, schedule: schedule,
            evaluation: settings.evaluation, saving: settings.saving,
            check: settings.parameterCheckSteps.map(Interval.steps) ?? .never)
    }

    private func gradientStep(_ model: SpanModel, _ exchange: ExchangeSettings) throws -> GradientStep {
        try GradientStep(
            model: model, communicator: communicator, seed: settings.seed,
            hiddenDropout: settings.hiddenDropout ?? model.configuration.hiddenDropout,
            attentionDropout: settings.attentionDropout ?? model.configuration.attentionDropout,
            exchange: exchange,
            split: exchange.isDeterministic
                ? BatchSplit(batchSize: batchSize, dealtTo: communicator) : nil)
    }

    private func observers(_ output: OutputDirectory?) throws -> [any TrainingObserver] {
        guard let output else { return [] }
        return [
            try MetricsLog(path: output.path(of: "metrics.jsonl"), interval: settings.loggingSteps),
            Progress(interval: settings.loggingSteps),
        ]
    }

    private func evaluation(
        _ data: FeatureSet, _ forward: DistributedForward, _ output: OutputDirectory?
    ) -> () throws -> EvaluationResult? {
        let evaluator = Evaluator(
            forward: forward, data: data, answers: settings.answers, communicator: communicator)
        return {
            let evaluation = try evaluator.run()
            try communicator.onRoot {
                guard let output else { return }
                try evaluation?.write(to: output, allowsNoAnswer: settings.answers.allowsNoAnswer)
            }
            return evaluation?.result
        }
    }

    private func checkpointStore(
        _ output: OutputDirectory, _ loaded: LoadedModel
    ) throws -> CheckpointStore {
        CheckpointStore(
            directory: output, limit: settings.saveTotalLimit, model: loaded.folder, layout: loaded.layout,
            tokenizerSettings: try loaded.tokenizer.checkpointAttributes())
    }

    private func saving(
        _ store: CheckpointStore, _ loaded: LoadedModel, _ optimizer: AdamW, _ flags: [(String, JSONValue)],
        stepsPerEpoch: Int
    ) -> (Int, Double) throws -> String {
        let flags = JSONValue.object(flags).compact
        return { step, epoch in
            let progress = TrainingProgress(
                seed: settings.seed, optimizerStep: optimizer.updates, epochIndex: step / stepsPerEpoch,
                epochPosition: step % stepsPerEpoch * batchSize, settings: flags)
            return try store.saveState(
                step: step, epoch: epoch, progress: progress, parameters: loaded.parameters,
                optimizer: optimizer)
        }
    }
}

// MARK: What the run tells about itself

extension TrainingRun {
    /// Logs what is about to run and writes `run.json`.
    private func describe(
        _ loaded: LoadedModel, _ compute: ComputePlan, _ data: FeatureSet, _ plan: TrainingPlan,
        _ flags: [(String, JSONValue)], to output: OutputDirectory?
    ) throws {
        let hosts = try communicator.allGather([UInt8](Host.name.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        if communicator.size > data.count {
            logger.warning(
                "\(communicator.size) ranks for \(data.count) features: some have nothing to compute")
        }
        log(compute.notices)
        logger.info(
            """
            \(loaded.layout.count) parameters · \(communicator.size) rank(s) × \(compute.pool.threadCount) \
            thread(s) · batch \(batchSize) · micro-batches of \(compute.microBatchTokens) tokens · \
            OpenBLAS \(blasCoreName())
            """)
        try communicator.onRoot {
            let record = RunRecord(
                settings: flags, hosts: hosts,
                threads: compute.pool.threadCount, microBatchTokens: compute.microBatchTokens,
                features: data.count, totalSteps: plan.totalSteps,
                files: settings.trainFiles + settings.validationFiles)
            try output?.write(try record.json.indented + "\n", to: "run.json")
        }
    }
}

extension TrainingSettings {
    fileprivate var trainingRequest: FeatureRequest {
        let kind = FeatureKind.training(strict: strict)
        guard case .split(let share) = validation else {
            return FeatureRequest(files: trainFiles, kind: kind)
        }
        return FeatureRequest(
            files: trainFiles, part: .trainingShare(validationShare: share, seed: seed), kind: kind)
    }

    fileprivate var validationRequest: FeatureRequest? {
        switch validation {
        case nil: nil
        case .file(let path): FeatureRequest(files: [path], kind: .evaluation)
        case .split(let share):
            FeatureRequest(
                files: trainFiles, part: .validationShare(share, seed: seed), kind: .evaluation)
        }
    }

    fileprivate var validationFiles: [String] {
        if case .file(let path) = validation { return [path] }
        return []
    }
}
