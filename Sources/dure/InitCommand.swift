import ArgumentParser
import Checkpoints
import Foundation
import Kernels
import Model
import QuestionAnswering
import Training

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a model folder with random weights.",
        discussion: "dure init --config config.json --vocab vocab.txt --output MODEL")

    @Option(help: "config.json of the model.", completion: .file(extensions: ["json"]))
    var config: String

    @Option(help: "vocab.txt, one entry a line.", completion: .file(extensions: ["txt"]))
    var vocab: String

    @Option(help: "The folder to make.", completion: .directory)
    var output: String

    @Option(help: "Decides the random weights.")
    var seed: UInt64 = 42

    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions

    func run() throws {
        let (configuration, configurationText) = try ModelFolder.configuration(at: config)
        let vocabularyText = try MappedFile.contents(of: vocab)
        let vocabulary = try Vocabulary(text: vocabularyText, source: vocab)
        let resolved = try TokenizerSettings.resolve(
            folder: nil, vocabulary: vocabulary, overrides: tokenizer.overrides)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: resolved.settings)
        try OpenedModel.requireFit(tokenizer.vocabulary, configuration)
        try MemoryDemand(configuration, for: .weights).require(in: SystemMemory())
        let folder = try OutputDirectory(creating: output)
        let layout = ParameterLayout(configuration)
        do {
            try writeWeights(configuration, layout, to: folder)
        } catch {
            folder.removeIfEmpty()
            throw error
        }
        try folder.write(configurationText, to: "config.json")
        try AtomicFile.write(Data(vocabularyText), to: folder.path(of: "vocab.txt"))
        try AtomicFile.write(try resolved.settings.json(), to: folder.path(of: "tokenizer_config.json"))
        for notice in resolved.notices { printMessage(notice) }
        printMessage("wrote \(output): \(layout.count) parameters, seed \(seed)")
    }

    private func writeWeights(
        _ configuration: ModelConfiguration, _ layout: ParameterLayout, to folder: OutputDirectory
    ) throws {
        let parameters = FloatBuffer(count: layout.count)
        initializeParameters(
            parameters.buffer, layout: layout, configuration: configuration, seed: seed)
        try SafetensorsWriter.write(
            UnsafeBufferPointer(parameters.buffer), layout: layout, to: folder.path(of: "model.safetensors"))
    }
}
