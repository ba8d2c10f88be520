import ArgumentParser
import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering
import Training

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure rates, beside the limit they are measured against.",
        discussion: "dure bench step --size base --profile",
        subcommands: [
            BenchGEMM.self, BenchKernels.self, BenchStep.self, BenchCommunication.self,
            BenchTokenize.self,
        ])
}

/// Architectures by the name that people know them by.
enum ModelSize: String, ExpressibleByArgument, CaseIterable {
    case base, minilm

    var json: String {
        switch self {
        case .base:
            #"{"model_type":"bert","vocab_size":30000,"hidden_size":768,"num_hidden_layers":12,"#
                + #""num_attention_heads":12,"intermediate_size":3072,"max_position_embeddings":512}"#
        case .minilm:
            #"{"model_type":"bert","vocab_size":30000,"hidden_size":384,"num_hidden_layers":6,"#
                + #""num_attention_heads":12,"intermediate_size":1536,"max_position_embeddings":512}"#
        }
    }
}

struct BenchModelOptions: ParsableArguments {
    @Option(help: "Architecture: base (12 layers of 768) or minilm (6 layers of 384).")
    var size = ModelSize.base

    @Option(help: "config.json of another one.", completion: .file(extensions: ["json"]))
    var config: String?

    @Flag(help: "As JSON.")
    var json = false

    func configuration() throws -> ModelConfiguration {
        if let config { return try ModelFolder.configuration(at: config).configuration }
        return try ModelConfiguration(json: size.json.utf8)
    }
}

/// Prints rows as a table or as JSON.
private func printRows(_ rows: [BenchmarkRow], asJSON: Bool) throws {
    guard asJSON else { return try printResult(lines: rows.map(\.text)) }
    try printResult(
        json: JSONValue.object([
            ("blas_core", .string(blasCoreName())), ("rows", .array(rows.map(\.json))),
        ]).indented)
}

/// What the benchmarks of parts of a step, which run in one process, have in common.
struct BenchPartOptions: ParsableArguments {
    @Option(help: "Tokens of a micro-batch.")
    var tokens = 2048

    @OptionGroup var model: BenchModelOptions
    @OptionGroup var compute: ComputeOptions

    /// Prints the rows of `benchmark`.
    func run(_ benchmark: (ModelConfiguration, _ tokens: Int, WorkerPool) -> [BenchmarkRow]) throws {
        try requireRange("--tokens", tokens)
        let rows = benchmark(try model.configuration(), tokens, try pool())
        try printRows(rows, asJSON: model.json)
    }

    /// The threads, with warnings of what slows them.
    private func pool() throws -> WorkerPool {
        let communicator = SingleProcess()
        let logger = makeLogger(communicator)
        let budget = try ThreadBudget(communicator: communicator, requested: compute.threads)
        for notice in budget.notices + blasNotices() { logger.warning("\(notice)") }
        useSingleThreadedBLAS()
        return WorkerPool(threadCount: budget.threads)
    }
}

struct BenchGEMM: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "Matrix products in the shapes of a training step, by each library and in each precision.",
        discussion: "dure bench gemm --size base --threads 1")

    @OptionGroup var options: BenchPartOptions

    func run() throws {
        try options.run { configuration, tokens, pool in
            func measure(_ precision: Precision, _ library: ProductLibrary) -> ProductBenchmark {
                ProductBenchmark(
                    configuration: configuration, tokens: tokens,
                    pool: WorkerPool(threadCount: pool.threadCount, library: library), precision: precision)
            }
            let baseline = measure(.single, .openBLAS).run()
            guard ProductLibrary.oneDNN.isBuiltIn else { return baseline }
            let other = measure(.single, .oneDNN).run(baseline: baseline, label: ", oneDNN")
            guard Precision.slowBrain == nil else { return baseline + other }
            return baseline + other
                + measure(.brain, .oneDNN).run(baseline: baseline, label: ", oneDNN, bf16")
        }
    }
}

struct BenchKernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "The kernels around the products, against copying memory; attention, against a product.",
        discussion: "dure bench kernels --threads 1")

    @OptionGroup var options: BenchPartOptions

    func run() throws {
        try options.run { KernelBenchmark(configuration: $0, tokens: $1, pool: $2).run() }
    }
}

/// What the benchmarks of whole steps, which also run under mpirun, have in common.
struct BenchStepOptions: ParsableArguments {
    @Option(help: "Features of a step, over all ranks.")
    var batchSize = 16

    @Option(help: "Longest feature.")
    var maxSeqLength = 384

    @Option(help: "Steps that count.")
    var steps = 5

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var model: BenchModelOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var products: ProductOptions
    @OptionGroup var ranks: RankOptions
    @OptionGroup var exchange: ExchangeOptions

    func validate() throws {
        try requireRange("--batch-size", batchSize)
        try requireRange("--max-seq-length", maxSeqLength)
        try requireRange("--steps", steps)
    }

    var settings: StepBenchmark.Settings {
        var settings = StepBenchmark.Settings()
        settings.batchSize = batchSize
        settings.maxSequenceLength = maxSeqLength
        settings.steps = steps
        settings.compute = products.added(to: compute.settings)
        settings.scope = scope.scope
        settings.exchange = exchange.settings
        return settings
    }
}

struct BenchStep: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Whole training steps, against the rate of the products; also under mpirun.",
        discussion: "mpirun -n 2 dure bench step --size base --profile")

    @Flag(help: "Show where a step's time goes.")
    var profile = false

    @OptionGroup var options: BenchStepOptions

    func run() throws {
        let configuration = try options.model.configuration()
        try withRanks(timeout: options.ranks.collectiveTimeout) { communicator, logger in
            let report = try StepBenchmark(
                configuration: configuration, settings: options.settings, communicator: communicator,
                logger: logger
            ).run()
            guard communicator.isRoot else { return }
            if options.model.json { return try printResult(json: report.json.indented) }
            try printResult(lines: lines(report))
        }
    }

    private func lines(_ report: StepBenchmark.Report) -> [String] {
        var lines = [
            String(
                format:
                    "step %.3f s, p95 %.3f s · %.2f samples/s · %.0f tokens/s · %d rank(s) × %d thread(s)",
                report.step.median, report.step.p95, report.samplesPerSecond, report.tokensPerSecond,
                report.ranks, report.threads),
            String(
                format: "%.1f GFLOP/s a rank on real tokens, %.1f %% of the %.1f that its products reach",
                report.stepRate, report.share * 100, report.productRate),
        ]
        if profile {
            let total = report.profile.reduce(0) { $0 + $1.seconds }
            lines += report.profile.map { section, seconds in
                String(format: "%9.1f ms  %5.1f %%  ", seconds * 1e3, seconds / total * 100)
                    + section.rawValue
            }
            lines.append(String(format: "%9.1f ms  100.0 %%  a step", total * 1e3))
        }
        return lines
    }
}

struct BenchTokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "The tokenizer on a dataset's contexts and questions, one thread.",
        discussion: "dure bench tokenize --model MODEL --dataset dev.json")

    @Option(help: "Model folder or vocab.txt.", completion: .file())
    var model: String

    @Option(help: "Dataset.", completion: .file(extensions: ["json", "jsonl"]))
    var dataset: String

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        let data = try DatasetReader.read([dataset])
        let (tokenizer, _) = try WordPieceTokenizer.read(model, overrides: TokenizerOverrides())
        let row = TokenizeBenchmark(
            tokenizer: tokenizer, texts: Array(data.contexts) + data.questions.map(\.text)
        ).run()
        try printRows([row], asJSON: json)
    }
}
