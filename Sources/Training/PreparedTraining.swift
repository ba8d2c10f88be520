import Distributed
import Logging
import Model
import QuestionAnswering

/// What a run trains, on what, with which memory: everything that is settled before the first step.
struct PreparedTraining {
    let exchange: ExchangeSettings
    let compute: ComputePlan
    let loaded: LoadedModel
    let loader: FeatureLoader
    let training: FeatureSet
    let validation: FeatureSet?
    let sampler: FeatureSampler
    let plan: TrainingPlan
    /// Every setting by the name of its flag, as resolved.
    let flags: [(String, JSONValue)]
    let identity: TrainingIdentity

    /// Every rank must call this. The order is that in which mistakes are cheapest to find.
    ///
    /// - resumption: the checkpoint that has the weights, where the run goes on from one.
    /// - status: where rank 0 tells how much is done; nil does not.
    /// - memory: what is to be had at the moment.
    init(
        _ settings: TrainingSettings, _ resumption: Resumption?, communicator: any Communicator,
        logger: Logger, status: StatusLine?, memory: () -> SystemMemory
    ) throws {
        func log(_ notices: [String]) { for notice in notices { logger.warning("\(notice)") } }
        let batchSize = settings.batchSize(communicator)
        let opened = try OpenedModel(
            path: settings.model, tokenizer: settings.tokenizer, communicator: communicator)
        log(try StartUpCheck.run(StartUpCheck.environment + settings.startUpItems, over: communicator))
        try settings.requireLayers(of: opened.configuration)
        exchange = try settings.exchange.resolved(communicator)
        log(
            try LaunchCheck(settings: settings, communicator: communicator)
                .machine(opened.configuration, exchange))
        let preparation = try communicator.together {
            try DataPreparation(
                configuration: opened.configuration, tokenizer: opened.tokenizer, settings: settings.features,
                answers: settings.answers)
        }
        let planned = try communicator.planCompute(
            settings.compute(resumption, ranks: communicator.size), opened.configuration,
            sequenceLength: settings.features.maxSequenceLength,
            for: .training(validates: settings.validates), exchange: exchange,
            batchSize: batchSize, scope: settings.scope, savesState: settings.saving != .never,
            memory: memory())
        try resumption?.requireFit(opened, over: communicator)
        loaded = try LoadedModel(
            opened, seed: settings.seed, trains: true, sharesMemory: exchange.sharesMemory,
            weights: resumption?.file, communicator: communicator)
        log(loaded.notices)
        try communicator.requireEqual(loaded.tokenizer.identity.value, "the vocabulary and its settings")
        try communicator.requireEqual(loaded.configurationHash, "the model's configuration")
        communicator.place = "preparation of the data"
        loader = try FeatureLoader(
            preparation: preparation, identity: loaded.tokenizer.identity, communicator: communicator,
            pool: planned.pool, cache: settings.featureCache.cache(in: settings.outputDirectory),
            logger: logger)
        loader.status = status
        let data = (
            training: try loader.load(settings.trainingRequest),
            validation: try settings.validationRequest.map(loader.load)
        )
        let chosen = try settings.selected(data.training.set, data.validation?.set, loader)
        (training, validation) = chosen
        try communicator.onRoot { try chosen.validation.map(settings.requireScorable) }
        log([chosen.validation?.dataset.flatMap(settings.bestMetricNotice)].compactMap(\.self))
        let checksum = training.checksum
        try communicator.requireEqual(checksum, "the data to train on")
        let validated = validation?.checksum
        if let validated { try communicator.requireEqual(validated, "the data to validate on") }
        log(data.training.notices + (data.validation?.notices ?? []))
        compute = try communicator.confirm(
            planned, longest: max(training.longest, validation?.longest ?? 0), features: batchSize,
            data: training.memoryBytes + (validation?.memoryBytes ?? 0), memory: memory())
        log(compute.memoryNotices)
        logger.info("\(compute.memory)")
        sampler = FeatureSampler(
            featureCount: training.count, batchSize: batchSize, seed: settings.seed,
            shuffles: settings.shuffles && settings.overfitBatch == nil)
        plan = settings.plan(stepsPerEpoch: sampler.stepsPerEpoch)
        flags = settings.resolved(loaded, compute).flags(ranks: communicator.size)
        identity = TrainingIdentity(
            settings: JSONValue.object(flags).compact, schedule: plan.schedule, features: checksum,
            tokenizer: try loaded.tokenizer.identity.value, configuration: loaded.configurationHash,
            validation: validated.map { chosen.validation?.dataset?.checksum(withWindows: $0) ?? $0 },
            ranks: communicator.size,
            threads: compute.pool.threadCount,
            microBatchTokens: compute.microBatchTokens)
    }
}

extension Dataset {
    /// Differs where `windows` does, their checksum, or what answers are taken from and scored against.
    fileprivate func checksum(withWindows windows: UInt64) -> UInt64 {
        var hash = ContentHash()
        var lastContext = -1
        for question in questions {
            if question.contextIndex != lastContext { hash.add(context(of: question)) }
            lastContext = question.contextIndex
            for answer in question.answers { hash.add(answer.text) }
            hash.add(question.hasKnownAnswers ? "\(question.answers.count)" : "unknown")
        }
        hash.add("\(squadVersion) \(windows)")
        return hash.value
    }
}

extension TrainingSettings {
    func batchSize(_ communicator: any Communicator) -> Int {
        min(batchSize.resolved(ranks: communicator.size), overfitBatch ?? .max)
    }

    /// Only what the model has can stay as it is.
    fileprivate func requireLayers(of configuration: ModelConfiguration) throws {
        guard scope.frozenLayers > configuration.layerCount else { return }
        throw TrainingError.setting(
            flag: "--freeze-layers \(scope.frozenLayers)",
            problem: "the model has \(configuration.layerCount) layers", remedy: "give no more than those")
    }

    /// Micro-batches as before where nothing else is asked for and as many ranks train: another cut of a batch would
    /// change the last bits.
    fileprivate func compute(_ resumption: Resumption?, ranks: Int) -> ComputeSettings {
        var compute = compute
        if let before = resumption?.shared, before.ranks == ranks {
            compute.microBatchTokens = compute.microBatchTokens ?? before.microBatchTokens
        }
        return compute
    }

    fileprivate func plan(stepsPerEpoch: Int) -> TrainingPlan {
        let totalSteps = length.steps(perEpoch: stepsPerEpoch)
        let schedule = LearningRateSchedule(
            kind: schedule, peak: optimizer.learningRate, warmupSteps: warmup.steps(of: totalSteps),
            totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, restarts: restarts, gamma: gamma)
        return TrainingPlan(
            totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, schedule: schedule,
            evaluation: validates ? interval(evaluation) : .never, saving: interval(saving),
            check: parameterCheckSteps.map(Interval.steps) ?? .never, bestMetric: bestMetric,
            patience: patience, skippableSteps: skippableSteps)
    }

    var trainingRequest: FeatureRequest {
        let kind = FeatureKind.training(strict: strict)
        guard case .split(let share, let unit) = validation else {
            return FeatureRequest(files: trainFiles, kind: kind, limit: maxTrainSamples)
        }
        return FeatureRequest(
            files: trainFiles, part: .trainingShare(validationShare: share, seed: seed, by: unit), kind: kind,
            limit: maxTrainSamples)
    }

    fileprivate var validationRequest: FeatureRequest? {
        switch validation {
        case nil: nil
        case .file(let path): FeatureRequest(files: [path], kind: .evaluation, limit: maxEvalSamples)
        case .split(let share, let unit):
            FeatureRequest(
                files: trainFiles, part: .validationShare(share, seed: seed, by: unit), kind: .evaluation,
                limit: maxEvalSamples)
        }
    }

    /// What is validated on must have what the best checkpoint is chosen by.
    fileprivate func requireScorable(_ set: FeatureSet) throws {
        guard let dataset = set.dataset else {
            guard bestMetric == .loss else {
                throw TrainingError.setting(
                    flag: "--metric-for-best-model \(bestMetric.rawValue)",
                    problem: "feature files have no texts to score",
                    remedy: "choose by loss, or train from datasets")
            }
            return
        }
        guard dataset.hasKnownAnswers else {
            throw TrainingError.data(
                location: dataset.paths.joined(separator: ", "),
                problem: "no question has an answer to validate on",
                remedy: "give a dataset with answers")
        }
    }

    /// That the best checkpoint would be chosen by a figure that is blind to right empty answers.
    fileprivate func bestMetricNotice(_ dataset: Dataset) -> String? {
        guard bestMetric == .korquadF1, let notice = ScoringNotices.korquadF1(of: dataset) else { return nil }
        return "\(notice) (--metric-for-best-model \(bestMetric.rawValue)): choose the best checkpoint by f1"
    }

    var validationFiles: [String] {
        if case .file(let path) = validation { return [path] }
        return []
    }
}
