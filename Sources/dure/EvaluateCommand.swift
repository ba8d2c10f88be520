import ArgumentParser
import Foundation
import QuestionAnswering
import Training

struct EvaluateCommand: RankedCommand, ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Answer a dataset's questions and score the answers; under mpirun on all ranks together.",
        discussion: """
            mpirun -n 2 dure evaluate --model OUT/final.h5 --dataset dev.json --output-dir EVAL

            Several models answer together: their logits are averaged where they have the same tokenizer, else the \
            probabilities of their answers. Logits that were saved answer again without their model, or along with \
            others.
            """)

    @Option(
        parsing: .singleValue, help: "Model folder, or a checkpoint (.h5); may be given several times.",
        completion: .file())
    var model: [String] = []

    @Option(
        parsing: .singleValue,
        help: "File that --save-logits wrote, instead of or beside models; may be given several times.",
        completion: .file(extensions: ["h5"]))
    var logits: [String] = []

    @Option(help: "Dataset.", completion: .file(extensions: ["json", "jsonl"]))
    var dataset: String

    @Option(help: "Answer the first questions only, this many.")
    var maxEvalSamples: Int?

    @Option(help: "Folder for predictions and metrics.", completion: .directory)
    var outputDir: String

    @Option(
        help: "Keep the logits in this file (.h5), to choose answers from again.",
        completion: .file(extensions: ["h5"]))
    var saveLogits: String?

    @Option(help: "Show this many questions, drawn with the seed, with context, right and given answer.")
    var showSamples = 0

    @Option(help: "Decides which questions --show-samples draws.")
    var seed: UInt64 = 42

    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Windows") var cache: FeatureCacheOptions
    @OptionGroup(title: "Answers") var answers: AnswerOptions
    @OptionGroup(title: "Compute") var compute: ComputeOptions
    @OptionGroup(title: "Compute") var products: ProductOptions
    @OptionGroup(title: "Ranks") var ranks: RankOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Messages") var messages: MessageOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        guard !model.isEmpty || !logits.isEmpty else {
            throw ValidationError("Missing expected argument '--model <model>', or --logits")
        }
        try requireRange("--show-samples", showSamples)
        try requireRange("--max-eval-samples", maxEvalSamples)
        guard saveLogits?.hasSuffix(".h5") ?? true else {
            throw ValidationError(
                "--save-logits '\(saveLogits ?? "")' is not possible: it must be a name that ends in .h5")
        }
    }

    func run() throws {
        try withRanks(timeout: ranks.collectiveTimeout, isQuiet: messages.quiet) { communicator, logger in
            try config.requireSame(on: communicator)
            let run = EvaluationRun(
                settings: settings, communicator: communicator, logger: logger, status: messages.status)
            guard let (evaluation, findings) = try run.run() else { return }
            if showSamples > 0 { StatusLine.standardError.message(printable: samples(of: evaluation)) }
            try printResult(json: JSONValue.object(findings).indented)
        }
    }

    private func samples(of evaluation: Evaluation) -> String {
        let isAllKnown = evaluation.scored?.scores.count == evaluation.predictions.count
        return AnswerSamples.text(
            dataset: evaluation.dataset, predictions: evaluation.predictions,
            scores: isAllKnown ? evaluation.scored?.scores : nil, count: showSamples, seed: seed,
            isTerminal: isTerminal(STDERR_FILENO))
    }

    private var settings: EvaluationSettings {
        var settings = EvaluationSettings(
            models: model, logits: logits, dataset: dataset, outputDirectory: outputDir)
        settings.windows = features.settings()
        settings.isLengthGiven = features.maxSeqLength != nil
        settings.answers = answers.settings
        settings.tokenizer = tokenizer.overrides
        settings.compute = products.added(to: compute.settings)
        settings.featureCache = cache.choice(.off)
        settings.logitsFile = saveLogits
        settings.maxSamples = maxEvalSamples
        return settings
    }
}
