import Distributed
import Kernels
import Logging
import Model

/// A training run on random weights and random tokens, for benchmarks of steps.
struct BenchmarkTraining {
    let features: RandomFeatures
    let compute: ComputePlan
    let model: SpanModel
    let gradientStep: GradientStep
    let optimizer: AdamW
    let trainer: Trainer

    /// Every rank must call this.
    init(
        _ configuration: ModelConfiguration, _ settings: StepBenchmark.Settings,
        communicator: any Communicator, logger: Logger
    ) throws {
        let features = RandomFeatures(
            count: settings.batchSize * (settings.steps + settings.warmup),
            maxLength: min(settings.maxSequenceLength, configuration.maxSequenceLength),
            vocabularySize: configuration.vocabularySize)
        let exchange = try settings.exchange.resolved(communicator)
        let compute = try communicator.planCompute(
            settings.compute, configuration, sequenceLength: features.longest,
            for: .training(validates: false), exchange: exchange, batchSize: settings.batchSize,
            scope: settings.scope)
        for notice in compute.notices { logger.warning("\(notice)") }
        let layout = ParameterLayout(configuration)
        if exchange.sharesMemory { try communicator.formGroups(layout, trains: true) }
        let parameters = try communicator.makeShared(count: layout.count)
        if communicator.isRoot {
            initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 1)
        }
        try communicator.spreadFromRoot(parameters)
        self.features = features
        self.compute = compute
        model = SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(
                tokens: compute.microBatchTokens, sequenceLength: features.longest), pool: compute.pool,
            scope: settings.scope,
            productWeights: ProductWeights(configuration, layout, parameters, compute.precision))
        gradientStep = try GradientStep(
            model: model, communicator: communicator, seed: 1, hiddenDropout: configuration.hiddenDropout,
            attentionDropout: configuration.attentionDropout, exchange: exchange,
            split: exchange.isDeterministic
                ? BatchSplit(batchSize: settings.batchSize, dealtTo: communicator) : nil)
        optimizer = try AdamW(
            layout: layout, settings: OptimizerSettings(), scope: settings.scope, pool: compute.pool,
            exchange: gradientStep.exchange)
        let total = settings.steps + settings.warmup
        let schedule = LearningRateSchedule(kind: .constant, peak: 1e-5, warmupSteps: 0, totalSteps: total)
        trainer = Trainer(
            plan: TrainingPlan(totalSteps: total, stepsPerEpoch: total, schedule: schedule), model: model,
            features: features,
            sampler: FeatureSampler(
                featureCount: features.count, batchSize: settings.batchSize, seed: 1, shuffles: false),
            gradientStep: gradientStep, optimizer: optimizer, pool: compute.pool,
            communicator: communicator, observers: [])
    }
}
