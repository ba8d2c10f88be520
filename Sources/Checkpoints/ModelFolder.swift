import Foundation
import Model

/// What `--model` names: a Hugging Face folder or a Dure checkpoint, opened and checked, but for the weights.
package struct ModelFolder: Sendable {
    /// The folder or file.
    package let path: String
    /// `config.json`, verbatim.
    package let configurationText: String
    package let configuration: ModelConfiguration
    /// `vocab.txt`, verbatim.
    package let vocabulary: [UInt8]
    /// `tokenizer_config.json` of a folder that has one.
    package let tokenizerConfiguration: [UInt8]?
    /// `tokenizer.json` of a folder that has one.
    package let tokenizer: [UInt8]?
    /// Settings of the tokenizer that a checkpoint carries; empty for a folder.
    package let tokenizerSettings: [String: AttributeValue]

    /// Whether `path` is a checkpoint rather than a folder.
    package var isCheckpoint: Bool { !WeightFormat.isFolder(path) }

    /// Opens `path`. Throws `CheckpointError`, which names the key and value when the configuration is wrong.
    package init(path: String) throws {
        try Self.requirePresence(path)
        if WeightFormat.isFolder(path) {
            try self.init(folder: path)
        } else if let error = MissingModel.fileOfFolder(path) {
            throw error
        } else {
            try self.init(checkpoint: CheckpointFile(path: path))
        }
    }

    /// The model an open checkpoint describes.
    package init(checkpoint: CheckpointFile) throws {
        path = checkpoint.path
        let contents = checkpoint.contents
        configurationText = contents.configuration
        configuration = try Self.configuration(
            Array(contents.configuration.utf8), path: checkpoint.path,
            item: "/\(CheckpointPath.configuration)")
        vocabulary = contents.vocabulary
        tokenizerConfiguration = nil
        tokenizer = nil
        tokenizerSettings = contents.tokenizerSettings
    }

    private init(folder: String) throws {
        path = folder
        func file(_ name: String) -> String { Self.file(name, in: folder) }
        func optional(_ name: String) throws -> [UInt8]? {
            WeightFormat.exists(file(name)) ? try MappedFile.contents(of: file(name)) : nil
        }
        guard WeightFormat.exists(file("config.json")) else { throw MissingModel.noConfiguration(in: folder) }
        let text = try MappedFile.contents(of: file("config.json"), limit: 1 << 26)
        configuration = try Self.configuration(text, path: file("config.json"), item: nil)
        configurationText = String(decoding: text, as: UTF8.self)
        vocabulary = try Self.vocabulary(folder: folder)
        tokenizerConfiguration = try optional("tokenizer_config.json")
        tokenizer = try optional("tokenizer.json")
        tokenizerSettings = [:]
    }

    /// Throws `.missingInput` where nothing is at `path`, with what to do if it is the name of a model on the hub.
    package static func requirePresence(_ path: String) throws {
        guard access(path, F_OK) != 0, [ENOENT, ENOTDIR].contains(errno) else { return }
        throw MissingModel.nothing(at: path)
    }

    /// `vocab.txt` of `folder`. Throws `.badData` where another kind of tokenizer stands there instead.
    package static func vocabulary(folder: String) throws -> [UInt8] {
        let path = file("vocab.txt", in: folder)
        guard WeightFormat.exists(path) else { throw MissingModel.noVocabulary(in: folder) }
        return try MappedFile.contents(of: path)
    }

    private static func file(_ name: String, in folder: String) -> String {
        folder + (folder.hasSuffix("/") ? "" : "/") + name
    }

    /// Reads the weights into the flat buffer `values`; see `loadWeights(from:layout:into:)`.
    package func loadWeights(
        layout: ParameterLayout, into values: UnsafeMutableBufferPointer<Float>
    ) throws -> WeightLoadReport {
        try Checkpoints.loadWeights(from: path, layout: layout, into: values)
    }

    /// Reads and checks `config.json` at `path`, as for `dure init`.
    package static func configuration(
        at path: String
    ) throws -> (configuration: ModelConfiguration, text: String) {
        let text = try MappedFile.contents(of: path, limit: 1 << 26)
        return (try configuration(text, path: path, item: nil), String(decoding: text, as: UTF8.self))
    }

    private static func configuration(
        _ text: [UInt8], path: String, item: String?
    ) throws -> ModelConfiguration {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw CheckpointError.badData("is not UTF-8", path: path, item: item, remedy: "save it as UTF-8")
        }
        do {
            return try ModelConfiguration(json: text)
        } catch let error as ModelError {
            let place = [item, error.key].compactMap(\.self).joined(separator: ", ")
            throw CheckpointError.badData(
                error.what, path: path, item: place.isEmpty ? nil : place, remedy: error.remedy)
        }
    }
}
