import Checkpoints
import Foundation
import Kernels
import Model
import QuestionAnswering

/// A fine-tuned model, read to be written in another form.
package struct ModelExport {
    private let source: ModelFolder
    private let tokenizer: WordPieceTokenizer
    private let layout: ParameterLayout
    private let parameters: FloatBuffer
    private let step: Int
    private let epoch: Double
    /// What the user should know about how it was read.
    package let notices: [String]

    package var parameterCount: Int { layout.count }

    /// Reads the checkpoint or model folder at `path`. Throws when it lacks the span head: what stands in for it in
    /// training is random.
    package init(path: String) throws {
        (source, step, epoch) = try Self.open(path)
        var notices: [String]
        (tokenizer, notices) = try source.makeTokenizer()
        try OpenedModel.requireFit(tokenizer.vocabulary, source.configuration)
        try MemoryDemand(source.configuration, for: .weights).require(in: SystemMemory())
        layout = ParameterLayout(source.configuration)
        parameters = FloatBuffer(count: layout.count)
        let report = try source.loadWeights(layout: layout, into: parameters.buffer)
        guard report.missing.isEmpty else {
            throw CheckpointError(
                .badData, "the span head is missing, and an export would hold random numbers for it",
                path: report.path, item: report.missing.joined(separator: ", "),
                remedy: "fine-tune the model with dure train and export what that saves")
        }
        if let notice = report.prefixNotice { notices.append(notice) }
        if !report.unexpected.isEmpty {
            notices.append("\(report.path): not exported: \(report.unexpected.joined(separator: ", "))")
        }
        self.notices = notices
    }

    private static func open(_ path: String) throws -> (source: ModelFolder, step: Int, epoch: Double) {
        let source = try ModelFolder(path: path)
        guard source.isCheckpoint else { return (source, 0, 0) }
        let checkpoint = try CheckpointFile(path: path)
        return (try ModelFolder(checkpoint: checkpoint), checkpoint.contents.step, checkpoint.contents.epoch)
    }

    /// Writes weights, configuration and vocabulary as the Dure checkpoint `path`, whole or not at all.
    package func writeCheckpoint(to path: String) throws {
        guard !source.isCheckpoint || !isSame(path, source.path) else {
            throw TrainingError.setting(
                flag: "--output \(path)", problem: "the checkpoint itself would be replaced",
                remedy: "name another file")
        }
        let checkpoint = TrainingCheckpoint(
            programVersion: dureVersion, step: step, epoch: epoch, configuration: source.configurationText,
            vocabulary: source.vocabulary, tokenizerSettings: try tokenizer.checkpointAttributes())
        try checkpoint.write(
            to: path, layout: layout, parameters: UnsafeBufferPointer(parameters.buffer))
    }

    /// Writes a model folder that transformers opens, with the weights in the file that `weights` says. Where that
    /// fails, the folder is as it was before. In the source's own folder only weights are added.
    ///
    /// - Returns: what the user should know about the folder.
    package func writeFolder(_ path: String, weights: FolderWeights) throws -> [String] {
        let directory = try OutputDirectory(creating: path)
        let files = isSame(path, source.path) ? [] : try companions()
        var created: [String] = []
        do {
            if !files.isEmpty { try refuseRivals(of: files.map(\.name), weights, in: directory) }
            // The weights appear last, so that they never stand without their configuration.
            try write(weights, to: directory.path(of: weights.fileName)) {
                for file in files {
                    let path = directory.path(of: file.name)
                    let isNew = access(path, F_OK) != 0
                    try AtomicFile.write(Data(file.content), to: path)
                    if isNew { created.append(path) }
                }
            }
        } catch {
            for path in created { unlink(path) }
            directory.removeIfEmpty()
            throw error
        }
        return FolderWeights.weaker(than: weights).filter { exists($0, in: directory) }.map {
            "\(directory.path(of: $0)) stays as it was; \(weights.fileName) is preferred to it"
        }
    }

    private func write(
        _ weights: FolderWeights, to path: String, beforeAppearing prepare: () throws -> Void
    ) throws {
        let values = UnsafeBufferPointer(parameters.buffer)
        switch weights {
        case .safetensors:
            try SafetensorsWriter.write(values, layout: layout, to: path, beforeAppearing: prepare)
        case .keras:
            try KerasWriter.write(
                values, layout: layout, model: source.configuration.modelType, to: path,
                beforeAppearing: prepare)
        }
    }

    /// The files beside the weights.
    private func companions() throws -> [(name: String, content: [UInt8])] {
        let configuration = ConfigurationText.forQuestionAnswering(
            source.configurationText, model: source.configuration.modelType)
        let settings = TokenizerConfiguration(
            settings: tokenizer.settings, longest: source.configuration.maxSequenceLength)
        var files = [
            ("config.json", Array(configuration.utf8)), ("vocab.txt", source.vocabulary),
            ("tokenizer_config.json", Array(try settings.json())),
        ]
        if let tokenizer = source.tokenizer { files.append(("tokenizer.json", tokenizer)) }
        return files
    }

    /// Refuses a folder with files that would be used instead of those about to be written.
    private func refuseRivals(
        of files: [String], _ weights: FolderWeights, in directory: OutputDirectory
    ) throws {
        let tokenizers = ["tokenizer.json", "special_tokens_map.json", "added_tokens.json"]
        let rivals = weights.stronger + tokenizers.filter { !files.contains($0) }
        guard let rival = rivals.first(where: { exists($0, in: directory) }) else { return }
        throw CheckpointError(
            .cannotCreate, "programs would use this file of another export instead of what is exported now",
            path: directory.path(of: rival), remedy: "remove it, or name another folder")
    }

    private func exists(_ name: String, in directory: OutputDirectory) -> Bool {
        access(directory.path(of: name), F_OK) == 0
    }
}

/// The file of a model folder that weights are in.
package enum FolderWeights: CaseIterable, Sendable {
    case safetensors
    case keras

    package var fileName: String {
        switch self {
        case .safetensors: "model.safetensors"
        case .keras: "tf_model.h5"
        }
    }

    /// All files that weights may be in, those first that programs prefer.
    private static let byPreference = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "tf_model.h5", "tf_model.h5.index.json",
    ]

    /// Files that programs would read instead.
    fileprivate var stronger: [String] { Array(Self.byPreference.prefix { $0 != fileName }) }

    /// Files that programs read only in the absence of that of `weights`.
    fileprivate static func weaker(than weights: FolderWeights) -> [String] {
        Array(byPreference.drop { $0 != weights.fileName }.dropFirst())
    }
}

/// A `tokenizer_config.json` for transformers.
private struct TokenizerConfiguration: Encodable {
    let settings: TokenizerSettings
    /// Most tokens that the model takes.
    let longest: Int

    private enum CodingKeys: String, CodingKey {
        case longest = "model_max_length"
    }

    func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(longest, forKey: .longest)
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// Whether two paths lead to the same file or folder.
private func isSame(_ left: String, _ right: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard stat(left, &first) == 0, stat(right, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
}
