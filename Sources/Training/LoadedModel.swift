import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// A model's configuration and tokenizer, the same on every rank; nothing is in memory yet of its weights.
package struct OpenedModel {
    package let folder: ModelFolder
    package let tokenizer: WordPieceTokenizer
    /// What the user should know about how it was read, for the log.
    package let notices: [String]

    package var configuration: ModelConfiguration { folder.configuration }

    /// Opens `path` on every rank.
    package init(
        path: String, tokenizer overrides: TokenizerOverrides, communicator: any Communicator
    ) throws {
        (folder, tokenizer, notices) = try communicator.together {
            let folder = try ModelFolder(path: path)
            let (tokenizer, notices) = try folder.makeTokenizer(overrides)
            try Self.requireFit(tokenizer.vocabulary, folder.configuration)
            return (folder, tokenizer, notices)
        }
    }

    /// Every id must have a row in the model's embedding.
    package static func requireFit(_ vocabulary: Vocabulary, _ configuration: ModelConfiguration) throws {
        guard vocabulary.count <= configuration.vocabularySize else {
            throw TrainingError.data(
                location: vocabulary.source,
                problem: "the vocabulary has \(vocabulary.count) entries, the model's embedding "
                    + "\(configuration.vocabularySize)",
                remedy: "use the vocab.txt that belongs to the model")
        }
    }
}

/// A model with its tokenizer, the same on every rank.
package struct LoadedModel {
    package let folder: ModelFolder
    package let layout: ParameterLayout
    /// One copy for the ranks that have memory in common.
    package let parameters: FloatBuffer
    package let tokenizer: WordPieceTokenizer
    /// What the user should know about how it was read, for the log.
    package let notices: [String]

    package var configuration: ModelConfiguration { folder.configuration }

    /// Of everything the configuration says.
    var configurationHash: UInt64 {
        var hash = ContentHash()
        hash.add("\(configuration)")
        return hash.value
    }

    /// Rank 0 reads the weights and the others get them from it. A span head that the file lacks is drawn from
    /// `seed`. There must be memory for the weights: `Communicator.planCompute` asks.
    ///
    /// - trains: whether gradients and optimizer state are to have places beside the parameters.
    /// - sharesMemory: whether ranks of a host may have them in common.
    /// - weights: what rank 0 reads instead of the model's own.
    package init(
        _ opened: OpenedModel, seed: UInt64, trains: Bool, sharesMemory: Bool = true,
        weights: (any WeightSource)? = nil, communicator: any Communicator
    ) throws {
        let folder = opened.folder
        let layout = ParameterLayout(folder.configuration)
        if sharesMemory { try communicator.formGroups(layout, trains: trains) }
        let parameters = try communicator.makeShared(count: layout.count)
        var notices = opened.notices
        try communicator.onRoot {
            let report =
                try weights?.loadWeights(layout: layout, into: parameters.buffer)
                ?? folder.loadWeights(layout: layout, into: parameters.buffer)
            notices += Self.describe(report)
            initializeParameters(
                parameters.buffer, layout: layout, configuration: folder.configuration, seed: seed,
                only: Set(report.missing))
        }
        try communicator.spreadFromRoot(parameters)
        try communicator.requireEqual(checksum(parameters.pointer, parameters.count), "the model's weights")
        self.folder = folder
        self.layout = layout
        self.parameters = parameters
        tokenizer = opened.tokenizer
        self.notices = notices
    }

    private static func describe(_ report: WeightLoadReport) -> [String] {
        var notices: [String] = []
        if !report.missing.isEmpty {
            notices.append(
                "\(report.path): no \(report.missing.joined(separator: ", ")): initialised at random")
        }
        if let notice = report.prefixNotice { notices.append(notice) }
        if !report.unexpected.isEmpty {
            notices.append(
                "\(report.path): not used: \(report.unexpected.joined(separator: ", "))")
        }
        return notices
    }
}

extension Communicator {
    /// Puts ranks of a host into groups that have the memory of a model in common.
    package func formGroups(_ layout: ParameterLayout, trains: Bool) throws {
        try formGroups(shared: (trains ? 3 : 1) * layout.count, each: trains ? layout.count : 0)
    }

    /// Ranks that will, as far as this one sees.
    func ranksSharing(_ layout: ParameterLayout, trains: Bool) -> Int {
        ranksSharing(shared: (trains ? 3 : 1) * layout.count, each: trains ? layout.count : 0)
    }
}
