import ArgumentParser
import Distributed
import Logging
import QuestionAnswering
import Training

struct EvaluateCommand: RankedCommand, ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Answer a dataset's questions and score the answers; under mpirun on all ranks together.",
        discussion: "mpirun -n 2 dure evaluate --model OUT/final.h5 --dataset dev.json --output-dir EVAL")

    @Option(help: "Model folder, or a checkpoint (.h5).")
    var model: String

    @Option(help: "Dataset.")
    var dataset: String

    @Option(help: "Folder for predictions and metrics.")
    var outputDir: String

    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Windows") var cache: FeatureCacheOptions
    @OptionGroup(title: "Answers") var answers: AnswerOptions
    @OptionGroup(title: "Compute") var compute: ComputeOptions
    @OptionGroup(title: "Ranks") var ranks: RankOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func run() throws {
        try withRanks(timeout: ranks.collectiveTimeout) { communicator, logger in
            try config.requireSame(on: communicator)
            var output: OutputDirectory?
            try communicator.onRoot { output = try OutputDirectory(creating: outputDir) }
            do {
                try evaluate(communicator, logger, output)
            } catch {
                output?.removeIfEmpty()
                throw error
            }
        }
    }

    /// - output: on rank 0.
    private func evaluate(
        _ communicator: any Communicator, _ logger: Logger, _ output: OutputDirectory?
    ) throws {
        let opened = try OpenedModel(
            path: model, tokenizer: tokenizer.overrides, communicator: communicator)
        let settings = features.settings(fitting: opened.configuration.maxPositions)
        let preparation = try communicator.together {
            try DataPreparation(
                configuration: opened.configuration, tokenizer: opened.tokenizer, settings: settings)
        }
        let plan = try communicator.planCompute(
            compute.settings, opened.configuration, sequenceLength: settings.maxSequenceLength,
            for: .evaluation)
        let loaded = try LoadedModel(opened, seed: 42, trains: false, communicator: communicator)
        for notice in loaded.notices { logger.warning("\(notice)") }
        let loader = try FeatureLoader(
            preparation: preparation, identity: loaded.tokenizer.identity, communicator: communicator,
            pool: plan.pool, cache: cache.choice(.off).cache(in: outputDir), logger: logger)
        let data = try loader.load(FeatureRequest(files: [dataset], kind: .evaluation))
        try communicator.requireEqual(data.set.checksum, "the data to evaluate on")
        for notice in data.notices + plan.notices { logger.warning("\(notice)") }
        logger.info(
            "\(data.set.questionIDs.count) questions in \(data.set.count) windows on \(communicator.size) rank(s)"
        )
        let forward = plan.forward(loaded, longest: data.set.longest, communicator: communicator)
        let evaluation = try Evaluator(
            forward: forward, data: data.set, answers: answers.settings, communicator: communicator
        ).run()
        try communicator.onRoot {
            guard let evaluation, let output else { return }
            try evaluation.write(to: output, allowsNoAnswer: answers.version2WithNegative)
            loader.keep()
            try printResult(JSONValue.object(evaluation.result.members).indented)
        }
    }
}
