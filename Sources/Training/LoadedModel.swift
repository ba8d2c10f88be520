import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// A model with its tokenizer, the same on every rank.
package struct LoadedModel {
    package let folder: ModelFolder
    package let layout: ParameterLayout
    package let parameters: FloatBuffer
    package let tokenizer: WordPieceTokenizer
    /// What the user should know about how it was read, for the log.
    package let notices: [String]

    package var configuration: ModelConfiguration { folder.configuration }

    /// Opens `path` on every rank; rank 0 reads the weights and the others get them from it. A span head that
    /// the file lacks is drawn from `seed`.
    package init(
        path: String, tokenizer overrides: TokenizerOverrides, seed: UInt64, communicator: any Communicator
    ) throws {
        let (folder, tokenizer, tokenizerNotices) = try communicator.together {
            try Self.open(path: path, overrides)
        }
        let layout = ParameterLayout(folder.configuration)
        let parameters = FloatBuffer(count: layout.count)
        var notices = tokenizerNotices
        try communicator.onRoot {
            let report = try folder.loadWeights(layout: layout, into: parameters.buffer)
            notices += Self.describe(report)
            initializeParameters(
                parameters.buffer, layout: layout, configuration: folder.configuration, seed: seed,
                only: Set(report.missing))
        }
        try communicator.broadcast(UnsafeMutableRawBufferPointer(parameters.buffer), from: 0)
        try communicator.requireEqual(checksum(parameters.pointer, parameters.count), "the model's weights")
        self.folder = folder
        self.layout = layout
        self.parameters = parameters
        self.tokenizer = tokenizer
        self.notices = notices
    }

    private static func open(
        path: String, _ overrides: TokenizerOverrides
    ) throws -> (ModelFolder, WordPieceTokenizer, [String]) {
        let folder = try ModelFolder(path: path)
        let (tokenizer, notices) = try folder.makeTokenizer(overrides)
        try requireFit(tokenizer.vocabulary, folder.configuration)
        return (folder, tokenizer, notices)
    }

    /// Every id must have a row in the model's embedding, and the model must fit into memory: asking for more
    /// would end the process without a word.
    package static func requireFit(_ vocabulary: Vocabulary, _ configuration: ModelConfiguration) throws {
        guard vocabulary.count <= configuration.vocabularySize else {
            throw TrainingError.data(
                location: vocabulary.source,
                problem: "the vocabulary has \(vocabulary.count) entries, the model's embedding "
                    + "\(configuration.vocabularySize)",
                remedy: "use the vocab.txt that belongs to the model")
        }
        let parameters = ParameterLayout(configuration).count
        let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        guard parameters <= memory / MemoryLayout<Float>.stride else {
            throw TrainingError.data(
                location:
                    "vocab_size \(configuration.vocabularySize), hidden_size \(configuration.hiddenSize)",
                problem:
                    "\(parameters) parameters do not fit into the \(memory >> 20) MiB of memory there are",
                remedy: "correct config.json, or use a machine with more memory")
        }
    }

    private static func describe(_ report: WeightLoadReport) -> [String] {
        var notices: [String] = []
        if !report.missing.isEmpty {
            notices.append(
                "\(report.path): no \(report.missing.joined(separator: ", ")): initialised at random")
        }
        if !report.unexpected.isEmpty {
            notices.append(
                "\(report.path): not used: \(report.unexpected.joined(separator: ", "))")
        }
        return notices
    }
}
