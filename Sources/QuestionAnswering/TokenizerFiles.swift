import Core
import Foundation

/// Settings from the command line, which win over those of the model folder.
package struct TokenizerOverrides: Sendable {
    package var doLowerCase: Bool?
    package var stripAccents: Bool?

    package init(doLowerCase: Bool? = nil, stripAccents: Bool? = nil) {
        self.doLowerCase = doLowerCase
        self.stripAccents = stripAccents
    }
}

/// Settings together with what the user should be told about where they came from, a line each.
package struct ResolvedTokenizerSettings: Sendable {
    package var settings: TokenizerSettings
    package var notices: [String]
}

extension TokenizerSettings {
    /// The settings of a model folder, or of a bare vocabulary when `folder` is nil.
    ///
    /// Each setting is taken from the first of: `overrides`, `tokenizer_config.json`, the `BertNormalizer` of
    /// `tokenizer.json`, the default. Where both files speak, transformers 5 (`AutoTokenizer`,
    /// `BertTokenizerFast`) obeys `tokenizer_config.json` too; it never looks at the normalizer of
    /// `tokenizer.json`, which here speaks when the other is silent. When none says whether to lower-case, the
    /// vocabulary decides and a notice says so. Special tokens come from `tokenizer_config.json` and
    /// `special_tokens_map.json` (which wins unless the former has `added_tokens_decoder`), further ones from
    /// there, from `added_tokens.json` and from the `added_tokens` of `tokenizer.json`. Those that the vocabulary lacks
    /// take the ids after its last, as transformers gives them; those that the model has no embedding for are left
    /// out with a notice.
    ///
    /// - rows: of the model's embedding.
    /// - Throws: `TextError` when a file is there but cannot be read or understood, or a token that the model was
    ///   trained with cannot be given its id.
    package static func resolve(
        folder: URL?, vocabulary: Vocabulary, overrides: TokenizerOverrides = TokenizerOverrides(),
        rows: Int = .max
    ) throws -> ResolvedTokenizerSettings {
        let files = try folder.map(TokenizerFiles.init(folder:)) ?? TokenizerFiles()
        var settings = TokenizerSettings()
        var notices: [String] = []
        if let stated = overrides.doLowerCase ?? files.doLowerCase {
            settings.doLowerCase = stated
        } else {
            let evidence = vocabulary.casedEvidence
            settings.doLowerCase = evidence == nil
            notices.append(
                "no tokenizer settings say whether to lower-case (\(folder?.path ?? vocabulary.source)): \(notice(evidence))"
            )
        }
        settings.stripAccents = overrides.stripAccents ?? files.stripAccents
        settings.tokenizeChineseCharacters =
            files.tokenizeChineseCharacters ?? settings.tokenizeChineseCharacters
        files.nameTokens(in: &settings)
        let source = folder?.path ?? vocabulary.source
        let absent = try files.addFurtherTokens(
            to: &settings, vocabulary: vocabulary, rows: rows, source: source)
        if let first = absent.first {
            notices.append(
                "\(absent.count) added token(s) are left out, such as \"\(first)\", which the vocabulary lacks and the "
                    + "model's embedding has no row for (\(source)): to train with them, resize the embedding where "
                    + "they were added, and save the model again")
        }
        return ResolvedTokenizerSettings(settings: settings, notices: notices)
    }

    private static func notice(_ evidence: CasedEvidence?) -> String {
        guard let evidence else {
            return "the vocabulary has no Hangul syllable and no upper-case letter, so text is lower-cased; "
                + "--do-lower-case overrides"
        }
        return "the vocabulary holds \(evidence.what) (\"\(evidence.entry)\", line \(evidence.line)), "
            + "so text keeps its case; --do-lower-case overrides"
    }
}

/// The entry that shows a vocabulary to be cased.
struct CasedEvidence {
    let what: String
    let entry: String
    let line: Int
}

extension Vocabulary {
    /// The first entry with a Hangul syllable or an upper-case Latin letter: text that is lower-cased and loses
    /// its accents has neither. Entries in brackets such as `[CLS]` and `<S>` are no text.
    var casedEvidence: CasedEvidence? {
        for (id, token) in tokens.enumerated() where !Self.isBracketed(token) {
            for scalar in token.unicodeScalars {
                if UnicodeTables.hangulSyllables.contains(scalar.value) {
                    return CasedEvidence(what: "a Hangul syllable", entry: token, line: id + 1)
                }
                if Self.isUpperCaseLatin(scalar) {
                    return CasedEvidence(what: "an upper-case letter", entry: token, line: id + 1)
                }
            }
        }
        return nil
    }

    private static func isBracketed(_ token: String) -> Bool {
        let bytes = token.utf8
        guard bytes.count > 2, let first = bytes.first, let last = bytes.last else { return false }
        return first == UInt8(ascii: "[") && last == UInt8(ascii: "]")
            || first == UInt8(ascii: "<") && last == UInt8(ascii: ">")
    }

    /// By blocks: Basic Latin to Latin Extended-B, Latin Extended Additional, full-width forms.
    private static func isUpperCaseLatin(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x41...0x5A: true
        case 0xC0...0x24F, 0x1E00...0x1EFF, 0xFF21...0xFF3A: scalar.properties.isUppercase
        default: false
        }
    }
}

/// What the files of a model folder say, before defaults.
struct TokenizerFiles {
    private var configuration = ConfigurationFile()
    private var tokenMap = TokenMap()
    private var serialized = SerializedTokenizer()
    /// `added_tokens.json`: tokens and their ids.
    private var addedIDs: [String: Int] = [:]

    /// Nothing said.
    init() {}

    init(folder: URL) throws {
        configuration = try Self.read("tokenizer_config.json", in: folder) ?? configuration
        serialized = try Self.read("tokenizer.json", in: folder) ?? serialized
        // A table of all added tokens supersedes the older file.
        if configuration.addedTokens == nil {
            tokenMap = try Self.read("special_tokens_map.json", in: folder) ?? tokenMap
            addedIDs = try Self.read("added_tokens.json", in: folder) ?? addedIDs
        }
    }

    private var normalizer: SerializedTokenizer.Normalizer? { serialized.normalizer?.bert }

    var doLowerCase: Bool? { configuration.doLowerCase ?? normalizer?.lowercase }
    var stripAccents: Bool? {
        // `null` in the configuration is a statement: as do_lower_case.
        configuration.statesStripAccents ? configuration.stripAccents : normalizer?.stripAccents
    }
    var tokenizeChineseCharacters: Bool? {
        configuration.tokenizeChineseCharacters ?? normalizer?.handleChineseCharacters
    }

    /// Fills in the tokens with a role.
    func nameTokens(in settings: inout TokenizerSettings) {
        func named(_ key: KeyPath<TokenMap, AddedToken?>, _ standard: AddedToken) -> AddedToken {
            let token = tokenMap[keyPath: key] ?? configuration.tokens[keyPath: key] ?? standard
            return listedTokens.last { $0.token.hasContent(of: token) }?.token ?? token
        }
        settings.unknownToken = named(\.unknown, settings.unknownToken)
        settings.separatorToken = named(\.separator, settings.separatorToken)
        settings.paddingToken = named(\.padding, settings.paddingToken)
        settings.classificationToken = named(\.classification, settings.classificationToken)
        settings.maskToken = named(\.mask, settings.maskToken)
    }

    /// Adds the tokens without a role, and those with one that the vocabulary lacks; returns the content of those that
    /// the embedding has no row for.
    ///
    /// - Throws: `TextError.unplaceableToken`.
    func addFurtherTokens(
        to settings: inout TokenizerSettings, vocabulary: Vocabulary, rows: Int, source: String
    ) throws -> [String] {
        var absent: [String] = []
        var next = vocabulary.count
        let named = settings.namedTokens
        for (stated, token) in listedTokens + addedTokens + furtherTokens
        where !token.content.isEmpty
            && !settings.additionalTokens.values.contains(where: token.hasContent)
        {
            if let id = vocabulary.id(of: token.content) {
                if !named.contains(where: token.hasContent) { settings.additionalTokens[Int(id)] = token }
                continue
            }
            let id = next
            next += 1
            if let stated, stated != id, stated < rows {
                throw TextError.unplaceableToken(
                    path: source, token: token.content, stated: stated, given: id)
            }
            if id < rows, stated ?? id == id {
                settings.additionalTokens[id] = token
            } else {
                absent.append(token.content)
            }
        }
        return absent
    }

    private typealias ListedToken = (id: Int?, token: AddedToken)

    private var listedTokens: [ListedToken] {
        if let table = configuration.addedTokens {
            return table.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        return (serialized.addedTokens ?? []).map { ($0.id, $0.token) }
    }

    /// No special tokens, and so sought in the normalised text, as transformers has those of `added_tokens.json`.
    private var addedTokens: [ListedToken] {
        addedIDs.sorted { $0.value < $1.value }.map { content, id in
            var token = AddedToken(content)
            token.special = false
            token.normalized = true
            return (id, token)
        }
    }

    private var furtherTokens: [ListedToken] {
        ((tokenMap.further ?? []) + (configuration.tokens.further ?? [])).map { (nil, $0) }
    }

    private static func read<Content: Decodable>(_ name: String, in folder: URL) throws -> Content? {
        let url = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        guard let data = try? Data(contentsOf: url) else {
            throw TextError.unreadableFile(path: url.path, reason: "check the permissions")
        }
        if let content = FileContent.recognised(data), content != .json {
            throw TextError.otherContent(path: url.path, content)
        }
        do {
            return try JSONDecoder().decode(Content.self, fromText: TextMark.removed(from: Array(data)[...]))
        } catch {
            throw TextError.malformedSettings(path: url.path, reason: reason(of: error))
        }
    }

    /// A decoding error in words.
    static func reason(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "correct the file" }
        if case .dataCorrupted = error { return "make it valid JSON" }
        let problem = RecordProblem(error)
        return "correct \(problem.place.isEmpty ? "the file" : problem.place), \(problem.reason)"
    }
}
