import Distributed
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
        package var scope = TrainingScope()
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
        let training = try BenchmarkTraining(
            configuration, settings, communicator: communicator, logger: logger)
        let (steps, profile) = try measure(training.trainer, training.model)
        let products = ProductBenchmark(
            configuration: configuration, tokens: training.compute.microBatchTokens,
            pool: training.compute.pool, precision: training.compute.precision
        ).run()
        return report(
            steps, profile, training.features, productRate: products.last?.rate ?? 0, training.compute)
    }

    private func measure(_ trainer: Trainer, _ model: SpanModel) throws -> ([StepReport], StepProfile) {
        let profile = StepProfile()
        var reports: [StepReport] = []
        for step in 0..<settings.warmup { _ = try trainer.train(step) }
        model.profile = profile
        for step in 0..<settings.steps {
            if let report = try trainer.train(settings.warmup + step) { reports.append(report) }
        }
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
    /// 6 a weight and token; in attention 12 a hidden unit and pair of tokens.
    package func trainingOperations(lengths: [Int]) -> Double {
        let weights = Double(4 * hiddenSize * hiddenSize + 2 * hiddenSize * intermediateSize)
        let perBlock = lengths.reduce(0.0) { total, length in
            total + 6 * weights * Double(length) + 12 * Double(hiddenSize) * Double(length * length)
        }
        let projection = projectsEmbeddings ? Double(embeddingSize * hiddenSize) : 0
        return perBlock * Double(layerCount) + 6 * projection * Double(lengths.reduce(0, +))
    }
}
