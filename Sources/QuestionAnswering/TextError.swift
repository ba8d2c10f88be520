import Core

/// What can be wrong with a vocabulary or with tokenizer settings.
///
/// `description` reads `WHAT (WHERE): WHAT TO DO`.
package enum TextError: Error, Equatable, Sendable {
    /// No file, or one that this process may not read.
    case unreadableFile(path: String, reason: String)
    /// A line (counted from 1) that is not UTF-8.
    case notUTF8(path: String, line: Int)
    /// A vocabulary without entries.
    case emptyVocabulary(path: String)
    /// One entry on two lines (counted from 1).
    case duplicateEntry(path: String, entry: String, firstLine: Int, secondLine: Int)
    /// A special token that tokenization cannot do without.
    case missingSpecialToken(path: String, token: String)
    /// An added token whose stated id is not the one that follows the vocabulary and the tokens before it.
    case unplaceableToken(path: String, token: String, stated: Int, given: Int)
    /// Settings that are not JSON, or hold a value of the wrong type.
    case malformedSettings(path: String, reason: String)
    /// Something other than text of its kind by its first bytes.
    case otherContent(path: String, FileContent)

    /// Whether an input is missing (exit code 66) rather than its content wrong (65).
    package var isMissingInput: Bool {
        if case .unreadableFile = self { return true }
        return false
    }
}

extension TextError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            "cannot read the file (\(path)): \(reason)"
        case .notUTF8(let path, let line):
            "the vocabulary is not UTF-8 (\(path), line \(line)): convert the file to UTF-8"
        case .emptyVocabulary(let path):
            "the vocabulary has no entries (\(path)): give the vocab.txt that belongs to the model"
        case .duplicateEntry(let path, let entry, let firstLine, let secondLine):
            "the vocabulary holds \"\(entry)\" twice (\(path), lines \(firstLine) and \(secondLine)): "
                + "replace one of them, keeping the number of lines"
        case .missingSpecialToken(let path, let token):
            "the vocabulary lacks the special token \(token) (\(path)): "
                + "give the vocab.txt that belongs to the model, or name its token in tokenizer_config.json"
        case .unplaceableToken(let path, let token, let stated, let given):
            "the added token \"\(token)\" has id \(stated), but the tokenizer would give it \(given) (\(path)): save "
                + "the tokenizer again where the model was trained, with the vocab.txt that belongs to it"
        case .malformedSettings(let path, let reason):
            "the tokenizer settings cannot be understood (\(path)): \(reason)"
        case .otherContent(let path, let content):
            "\(content.what) (\(path)): \(content.remedy ?? "put the file there that belongs to the model")"
        }
    }
}
