import ArgumentParser
import Distributed
import Foundation
import Kernels
import Logging
import QuestionAnswering
import Training

extension FeatureFileFormat: ExpressibleByArgument {}

struct PrepareCommand: RankedCommand, ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract:
            "Write the features of datasets to a file to train from; under mpirun on all ranks together.",
        discussion: """
            dure prepare --model MODEL --dataset KorQuAD_v1.0_train.json --output train.tfrecord

            Prints statistics as JSON. Windows are labelled, and left out, as in training where the dataset has answers; of \
            a dataset without answers all windows are written, without labels.
            """)

    @Option(help: "Model folder, or a checkpoint (.h5).", completion: .file())
    var model: String

    @Option(
        parsing: .singleValue, help: "Dataset; may be given several times.",
        completion: .file(extensions: ["json", "jsonl"]))
    var dataset: [String]

    @Option(help: "File to write.", completion: .file())
    var output: String

    @Option(help: "Form of the file: hdf5, tfrecord or jsonl. (default: by the ending of its name)")
    var format: FeatureFileFormat?

    @Option(help: "What to do with a window without the answer: point at [CLS], or leave it out.")
    var unanswerableWindows = UnanswerableWindows.cls

    @Flag(help: "A misplaced answer is an error instead of being repaired or skipped.")
    var strict = false

    @Option(help: "Compute threads of a rank. (default: the cores it may use, shared by the host's ranks)")
    var threads: Int?

    @OptionGroup(title: "Windows") var features: FeatureOptions
    @OptionGroup(title: "Ranks") var ranks: RankOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Messages") var messages: MessageOptions
    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func validate() throws {
        guard !dataset.isEmpty else { throw ValidationError("Missing expected argument '--dataset'") }
        try requireRange("--threads", threads)
        guard format != nil || FeatureFileFormat(naming: output) != nil else {
            throw ValidationError(
                "the name \(output) does not say what form the file shall have: give --format, or a name that ends "
                    + "in .h5, .tfrecord or .jsonl")
        }
    }

    func run() throws {
        try withRanks(timeout: ranks.collectiveTimeout, isQuiet: messages.quiet) { communicator, logger in
            try config.requireSame(on: communicator)
            try prepare(communicator, logger)
        }
    }

    private func prepare(_ communicator: any Communicator, _ logger: Logger) throws {
        let opened = try OpenedModel(
            path: model, tokenizer: tokenizer.overrides, communicator: communicator)
        for notice in opened.notices { logger.warning("\(notice)") }
        let preparation = try communicator.together {
            try DataPreparation(
                configuration: opened.configuration, tokenizer: opened.tokenizer,
                settings: features.settings(
                    unanswerableWindows, fitting: opened.configuration.maxSequenceLength))
        }
        communicator.place = "preparation of the data"
        let loader = try FeatureLoader(
            preparation: preparation, identity: opened.tokenizer.identity, communicator: communicator,
            pool: WorkerPool(
                threadCount: ThreadBudget(communicator: communicator, requested: threads).threads),
            cache: nil, logger: logger)
        loader.status = communicator.isRoot ? messages.status : nil
        let export = try loader.export(dataset, strict: strict)
        try communicator.onRoot {
            guard let export, let format = format ?? FeatureFileFormat(naming: output) else { return }
            for notice in export.notices { logger.warning("\(notice)") }
            try export.write(to: output, as: format)
            let members: [(String, JSONValue)] = [
                ("output", .string(output)), ("format", .string(format.rawValue)),
            ]
            try printResult(json: JSONValue.object(members + export.members).indented)
        }
    }
}
