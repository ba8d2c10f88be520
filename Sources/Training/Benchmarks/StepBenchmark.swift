import Distributed
import Kernels
import Logging
import Model
import QuestionAnswering

/// Whole training steps on random weights and random tokens, against the rate of the model's products.
package struct StepBenchmark {
    package struct Settings: Sendable {
        package var batchSize = 16
        package var maxSequenceLength = 384
        package var steps = 5
        package var warmup = 1
        package var compute = ComputeSettings()
        package var exchange = ExchangeSettings()

        package init() {}
    }

    /// What a run of it found.
    package struct Report {
        /// GFLOP/s of one rank: of a block's products, and of the model's operations on real tokens over a step.
        package let productRate: Double
        package let stepRate: Double
        package let samplesPerSecond: Double
        package let tokensPerSecond: Double
        package let step: Measurement
        package let ranks: Int
        package let threads: Int
        package let tokensPerStep: Double
        /// Mean seconds of a step by section, the largest first; they add up to the mean step.
        package let profile: [(section: StepSection, seconds: Double)]

        package var share: Double { stepRate / productRate }
    }

    private let configuration: ModelConfiguration
    private let settings: Settings
    private let communicator: any Communicator
    private let logger: Logger

    package init(
        configuration: ModelConfiguration, settings: Settings, communicator: any Communicator, logger: Logger
    ) {
        self.configuration = configuration
        self.settings = settings
        self.communicator = communicator
        self.logger = logger
    }

    /// Measures on all ranks; the report is of rank 0.
    package func run() throws -> Report {
        let features = RandomFeatures(
            count: settings.batchSize * (settings.steps + settings.warmup),
            maxLength: min(settings.maxSequenceLength, configuration.maxPositions),
            vocabularySize: configuration.vocabularySize)
        let exchange = try settings.exchange.resolved(communicator)
        let compute = try communicator.planCompute(
            settings.compute, configuration, sequenceLength: features.longest,
            for: .training(validates: false), exchange: exchange, batchSize: settings.batchSize)
        for notice in compute.notices { logger.warning("\(notice)") }
        let layout = ParameterLayout(configuration)
        if exchange.sharesMemory { try communicator.formGroups(layout, trains: true) }
        let parameters = try communicator.makeShared(count: layout.count)
        if communicator.isRoot {
            initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 1)
        }
        try communicator.spreadFromRoot(parameters)
        let model = SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(
                tokens: compute.microBatchTokens, sequenceLength: features.longest), pool: compute.pool)
        let trainer = try trainer(model, features, compute, exchange)
        let (steps, profile) = try measure(trainer, model)
        let products = ProductBenchmark(
            configuration: configuration, tokens: compute.microBatchTokens, pool: compute.pool
        ).run()
        return report(steps, profile, features, productRate: products.last?.rate ?? 0, compute)
    }

    private func trainer(
        _ model: SpanModel, _ features: RandomFeatures, _ compute: ComputePlan,
        _ exchange: ExchangeSettings
    ) throws -> Trainer {
        let total = settings.steps + settings.warmup
        let schedule = LearningRateSchedule(kind: .constant, peak: 1e-5, warmupSteps: 0, totalSteps: total)
        let gradientStep = try GradientStep(
            model: model, communicator: communicator, seed: 1, hiddenDropout: configuration.hiddenDropout,
            attentionDropout: configuration.attentionDropout, exchange: exchange,
            split: exchange.isDeterministic
                ? BatchSplit(batchSize: settings.batchSize, dealtTo: communicator) : nil)
        return Trainer(
            plan: TrainingPlan(totalSteps: total, stepsPerEpoch: total, schedule: schedule), model: model,
            features: features,
            sampler: FeatureSampler(
                featureCount: features.count, batchSize: settings.batchSize, seed: 1, shuffles: false),
            gradientStep: gradientStep,
            optimizer: try AdamW(
                layout: model.layout, settings: OptimizerSettings(), pool: compute.pool,
                exchange: gradientStep.exchange),
            pool: compute.pool, communicator: communicator, observers: [])
    }

    private func measure(_ trainer: Trainer, _ model: SpanModel) throws -> ([StepReport], StepProfile) {
        let profile = StepProfile()
        var reports: [StepReport] = []
        for step in 0..<settings.warmup { _ = try trainer.train(step) }
        model.profile = profile
        for step in 0..<settings.steps { reports.append(try trainer.train(settings.warmup + step)) }
        try trainer.settle()
        return (reports, profile)
    }

    private func report(
        _ steps: [StepReport], _ profile: StepProfile, _ features: RandomFeatures, productRate: Double,
        _ compute: ComputePlan
    ) -> Report {
        let seconds = steps.reduce(0) { $0 + $1.seconds }
        let measured = settings.batchSize * settings.warmup..<features.count
        let tokens = steps.reduce(0) { $0 + $1.loss.tokens }
        let operations = configuration.trainingOperations(lengths: measured.map(features.tokenCount))
        let count = Double(steps.count)
        var sections = profile.seconds.mapValues { $0 / count }
        sections[.rest] = max(0, seconds / count - sections.values.reduce(0, +))
        return Report(
            productRate: productRate, stepRate: operations / seconds / 1e9 / Double(communicator.size),
            samplesPerSecond: Double(measured.count) / seconds, tokensPerSecond: Double(tokens) / seconds,
            step: Measurement(steps.map(\.seconds)), ranks: communicator.size,
            threads: compute.pool.threadCount, tokensPerStep: Double(tokens) / count,
            profile: sections.map { (section: $0.key, seconds: $0.value) }.sorted { $0.seconds > $1.seconds })
    }
}

extension StepBenchmark.Report {
    package var json: JSONValue {
        .object([
            ("ranks", .integer(ranks)), ("threads_per_rank", .integer(threads)),
            ("median_step_seconds", .number(step.median)), ("p95_step_seconds", .number(step.p95)),
            ("samples_per_second", .number(samplesPerSecond)),
            ("tokens_per_second", .number(tokensPerSecond)),
            ("tokens_per_step", .number(tokensPerStep)), ("step_gflops_per_rank", .number(stepRate)),
            ("gemm_gflops_per_rank", .number(productRate)), ("share_of_gemm_rate", .number(share)),
            ("profile_seconds", .object(profile.map { ($0.section.rawValue, .number($0.seconds)) })),
        ])
    }
}

extension ModelConfiguration {
    /// Multiplications and additions of forward and backward on features of these lengths: in the dense layers
    /// of a block 6 a weight and token; in attention 12 a hidden unit and pair of tokens.
    package func trainingOperations(lengths: [Int]) -> Double {
        let weights = Double(4 * hiddenSize * hiddenSize + 2 * hiddenSize * intermediateSize)
        let perBlock = lengths.reduce(0.0) { total, length in
            total + 6 * weights * Double(length) + 12 * Double(hiddenSize) * Double(length * length)
        }
        return perBlock * Double(layerCount)
    }
}

/// Features of random tokens whose lengths are distributed about as KorQuAD's: median 220, mean 249, cut at the
/// longest allowed.
struct RandomFeatures: FeatureSource {
    private let lengths: [Int]
    private let vocabularySize: Int

    init(count: Int, maxLength: Int, vocabularySize: Int) {
        self.vocabularySize = vocabularySize
        var generator = PhiloxGenerator(seed: 7, purpose: .sampling)
        lengths = (0..<count).map { _ in
            // The sum of twelve uniform draws is about normal.
            let normal = (0..<12).reduce(-6.0) { sum, _ in sum + generator.nextUniform() }
            return min(max(Int(220 * power(2.718_281_828, 0.5 * normal)), 8), maxLength)
        }
    }

    var count: Int { lengths.count }
    var longest: Int { lengths.max() ?? 0 }
    func tokenCount(_ index: Int) -> Int { lengths[index] }
    func name(_ index: Int) -> String { "random \(index)" }

    func sequence(_ index: Int, position: UInt32) -> InputSequence {
        let length = lengths[index]
        let question = length / 6
        return InputSequence(
            wordIDs: (0..<length).map { Int32(($0 * 7919 + index * 104_729) % vocabularySize) },
            tokenTypeIDs: (0..<length).map { $0 < question ? 0 : 1 },
            label: SpanLabel(start: question, end: min(question + 2, length - 1)), position: position)
    }
}
