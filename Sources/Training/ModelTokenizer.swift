import Checkpoints
import Foundation
import QuestionAnswering

extension ModelFolder {
    /// The tokenizer that belongs to the model, and what to tell the user about how it was chosen.
    package func makeTokenizer(
        _ overrides: TokenizerOverrides = TokenizerOverrides()
    ) throws -> (tokenizer: WordPieceTokenizer, notices: [String]) {
        let separator = path.hasSuffix("/") ? "" : "/"
        let source = isCheckpoint ? "\(path), /vocabulary" : "\(path)\(separator)vocab.txt"
        let vocabulary = try Vocabulary(text: vocabulary, source: source)
        if case .text(let json)? = tokenizerSettings[CheckpointTokenizer.settings] {
            var settings = try TokenizerSettings(json: json.utf8, source: source)
            let rows = 0..<configuration.vocabularySize
            if let id = settings.additionalTokens.keys.first(where: { !rows.contains($0) }) {
                throw TextError.malformedSettings(
                    path: source,
                    reason: "save it again, id \(id) of an added token has no row in the embedding")
            }
            settings.doLowerCase = overrides.doLowerCase ?? settings.doLowerCase
            settings.stripAccents = overrides.stripAccents ?? settings.stripAccents
            return (try WordPieceTokenizer(vocabulary: vocabulary, settings: settings), [])
        }
        return try WordPieceTokenizer.make(
            vocabulary, folder: isCheckpoint ? nil : URL(filePath: path), overrides: overrides,
            rows: configuration.vocabularySize)
    }
}

extension WordPieceTokenizer {
    /// The tokenizer of a folder, of which only `vocab.txt` has to be there, or of a `vocab.txt` alone; and
    /// what to tell the user about how it was chosen.
    package static func read(
        _ path: String, overrides: TokenizerOverrides
    ) throws -> (tokenizer: WordPieceTokenizer, notices: [String]) {
        try ModelFolder.requirePresence(path)
        let url = URL(filePath: path)
        let isFolder = (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory ?? false
        let file = isFolder ? url.appending(path: "vocab.txt").path(percentEncoded: false) : path
        let text = try isFolder ? ModelFolder.vocabulary(folder: path) : MappedFile.contents(of: file)
        let vocabulary = try Vocabulary(text: text, source: file)
        let configuration = url.appending(path: "config.json").path(percentEncoded: false)
        let rows = (try? ModelFolder.configuration(at: configuration))?.configuration.vocabularySize
        return try make(
            vocabulary, folder: isFolder ? url : nil, overrides: overrides, rows: rows ?? .max)
    }

    fileprivate static func make(
        _ vocabulary: Vocabulary, folder: URL?, overrides: TokenizerOverrides, rows: Int = .max
    ) throws -> (tokenizer: WordPieceTokenizer, notices: [String]) {
        let resolved = try TokenizerSettings.resolve(
            folder: folder, vocabulary: vocabulary, overrides: overrides, rows: rows)
        return (
            try WordPieceTokenizer(vocabulary: vocabulary, settings: resolved.settings), resolved.notices
        )
    }
}

extension WordPieceTokenizer {
    /// The settings as attributes of a checkpoint's vocabulary: whole for Dure, and the three that decide for
    /// others who read the file.
    package func checkpointAttributes() throws -> [String: AttributeValue] {
        var attributes: [String: AttributeValue] = [
            CheckpointTokenizer.settings: .text(String(decoding: try settings.json(), as: UTF8.self)),
            "do_lower_case": .flag(settings.doLowerCase),
            "tokenize_chinese_chars": .flag(settings.tokenizeChineseCharacters),
        ]
        if let stripAccents = settings.stripAccents { attributes["strip_accents"] = .flag(stripAccents) }
        return attributes
    }
}

private enum CheckpointTokenizer {
    /// The attribute that holds all settings, as a `tokenizer_config.json`.
    static let settings = "tokenizer_config"
}
