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
        var settings: TokenizerSettings
        var notices: [String] = []
        if case .text(let json)? = tokenizerSettings[CheckpointTokenizer.settings] {
            settings = try TokenizerSettings(json: json.utf8, source: source)
            settings.doLowerCase = overrides.doLowerCase ?? settings.doLowerCase
            settings.stripAccents = overrides.stripAccents ?? settings.stripAccents
        } else {
            let resolved = try TokenizerSettings.resolve(
                folder: isCheckpoint ? nil : URL(filePath: path), vocabulary: vocabulary,
                overrides: overrides)
            (settings, notices) = (resolved.settings, resolved.notices)
        }
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
        return (tokenizer, notices)
    }
}

extension WordPieceTokenizer {
    /// The settings as attributes of a checkpoint's vocabulary: whole for Dure, and the three that decide for
    /// others who read the file.
    func checkpointAttributes() throws -> [String: AttributeValue] {
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
