import Foundation
import Testing

@testable import QuestionAnswering

@Suite struct TokenizerFilesTests {
    private let lower = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]", "<S>", "a", "ㄱ", "seoul"]

    private func resolve(
        _ entries: [String], _ files: [String: String] = [:],
        _ overrides: TokenizerOverrides = TokenizerOverrides(), rows: Int = .max
    ) throws -> ResolvedTokenizerSettings {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, content) in files { try Data(content.utf8).write(to: folder.appending(path: name)) }
        let vocabulary = try Vocabulary(entries: entries, source: "vocab.txt")
        return try TokenizerSettings.resolve(
            folder: folder, vocabulary: vocabulary, overrides: overrides, rows: rows)
    }

    @Test func `without settings a vocabulary with neither Hangul syllables nor capitals lower-cases`() throws
    {
        let resolved = try resolve(lower)
        #expect(resolved.settings == TokenizerSettings(doLowerCase: true))
        #expect(resolved.notices.count == 1)
        #expect(resolved.notices.first?.contains("lower-cased") == true)
    }

    @Test(arguments: ["##은", "A", "##É", "Ａ"])
    func `without settings a Hangul syllable or a capital keeps the case, and a line says why`(entry: String)
        throws
    {
        let resolved = try resolve(lower + [entry])
        #expect(!resolved.settings.doLowerCase)
        #expect(resolved.settings.stripAccents == nil)
        #expect(resolved.notices.count == 1)
        #expect(resolved.notices.first?.contains("\"\(entry)\", line 11") == true)
    }

    @Test func `lists nested too deeply are refused`() {
        let file = ["tokenizer_config.json": String(repeating: "[", count: 513)]
        #expect(throws: TextError.self) { _ = try resolve(lower, file) }
    }

    @Test func `tokenizer_config.json decides without a notice`() throws {
        let config = #"{"do_lower_case":true,"strip_accents":false,"tokenize_chinese_chars":false}"#
        let resolved = try resolve(lower + ["가"], ["tokenizer_config.json": config])
        let expected = TokenizerSettings(
            doLowerCase: true, stripAccents: false, tokenizeChineseCharacters: false)
        #expect(resolved.settings == expected)
        #expect(resolved.notices.isEmpty)
    }

    @Test func `tokenizer.json decides when alone`() throws {
        let serialized = """
            {"added_tokens":[],"model":{"type":"WordPiece","vocab":{"a":0}},"normalizer":{"type":"Sequence",
            "normalizers":[{"type":"NFC"},{"type":"BertNormalizer","clean_text":true,
            "handle_chinese_chars":false,"strip_accents":true,"lowercase":false}]}}
            """
        let resolved = try resolve(lower, ["tokenizer.json": serialized])
        let expected = TokenizerSettings(
            doLowerCase: false, stripAccents: true, tokenizeChineseCharacters: false)
        #expect(resolved.settings == expected)
        #expect(resolved.notices.isEmpty)
    }

    @Test func `tokenizer_config.json wins over tokenizer.json, which fills in what the former leaves out`()
        throws
    {
        let serialized = """
            {"normalizer":{"type":"BertNormalizer","handle_chinese_chars":false,"strip_accents":true,"lowercase":true}}
            """
        let config = #"{"do_lower_case":false,"strip_accents":null}"#
        let resolved = try resolve(
            lower, ["tokenizer.json": serialized, "tokenizer_config.json": config])
        #expect(resolved.settings == TokenizerSettings(doLowerCase: false, tokenizeChineseCharacters: false))
    }

    @Test func `overrides win over every file`() throws {
        let config = #"{"do_lower_case":true,"strip_accents":null}"#
        let overrides = TokenizerOverrides(doLowerCase: false, stripAccents: true)
        let resolved = try resolve(lower, ["tokenizer_config.json": config], overrides)
        #expect(resolved.settings == TokenizerSettings(doLowerCase: false, stripAccents: true))
        #expect(try resolve(lower, [:], overrides).notices.isEmpty)
    }

    @Test func `special tokens are named by strings and by objects`() throws {
        let config = """
            {"do_lower_case":false,"cls_token":"<S>","mask_token":{"__type":"AddedToken","content":"[MASK]",
            "lstrip":true,"normalized":false,"rstrip":false,"single_word":false}}
            """
        let map = #"{"sep_token":"a","pad_token":{"content":"[PAD]","lstrip":false,"normalized":false}}"#
        let settings = try resolve(
            lower, ["tokenizer_config.json": config, "special_tokens_map.json": map]
        ).settings
        #expect(settings.classificationToken == AddedToken("<S>"))
        #expect(settings.separatorToken == AddedToken("a"))
        #expect(settings.paddingToken == AddedToken("[PAD]"))
        #expect(settings.maskToken.stripsLeft)
    }

    @Test func `further added tokens are sought when the embedding has them, else named in a notice`() throws
    {
        let config = """
            {"do_lower_case":false,"added_tokens_decoder":{
            "2":{"content":"[CLS]","lstrip":false,"normalized":false,"rstrip":false,"single_word":false,"special":true},
            "5":{"content":"[unused1]","lstrip":false,"normalized":true,"rstrip":false,"single_word":true,"special":false}},
            "additional_special_tokens":["seoul","[NEW]"]}
            """
        let placed = try resolve(lower, ["tokenizer_config.json": config], rows: 11)
        #expect(placed.settings.additionalTokens.keys.sorted() == [5, 9, 10] && placed.notices.isEmpty)
        let resolved = try resolve(lower, ["tokenizer_config.json": config], rows: 10)
        #expect(resolved.settings.additionalTokens.keys.sorted() == [5, 9])
        #expect(resolved.settings.additionalTokens[5]?.singleWord == true)
        #expect(resolved.settings.additionalTokens[5]?.normalized == true)
        #expect(resolved.notices.count == 1)
        #expect(resolved.notices.first?.contains("[NEW]") == true)
    }

    @Test(arguments: [
        ["added_tokens.json": #"{"[A]":10,"[B]":12}"#], ["added_tokens.json": #"{"[A]":3}"#],
        [
            "tokenizer_config.json":
                #"{"do_lower_case":true,"added_tokens_decoder":{"5":{"content":"[X]","special":true}}}"#
        ],
        ["tokenizer.json": #"{"added_tokens":[{"id":12,"content":"[X]","special":true}]}"#],
    ])
    func `a token with a row that cannot be placed is an error`(files: [String: String]) throws {
        let error = #expect(throws: TextError.self) { try resolve(lower, files, rows: 13) }
        guard case .unplaceableToken? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.isMissingInput == false)
    }

    @Test func `ids beyond the embedding are left out`() throws {
        let files = [
            "added_tokens.json": #"{"[A]":10,"[B]":12}"#,
            "tokenizer_config.json": #"{"do_lower_case":true}"#,
        ]
        let resolved = try resolve(lower, files, rows: 11)
        #expect(resolved.settings.additionalTokens.keys.sorted() == [10])
        #expect(resolved.notices.count == 1 && resolved.notices[0].contains("\"[B]\""))
    }

    @Test func `what is wrong with a settings file is told in plain words`() throws {
        let error = #expect(throws: TextError.self) {
            try resolve(lower, ["tokenizer_config.json": #"{"do_lower_case": 3}"#])
        }
        let text = try #require(error?.description)
        #expect(text.hasSuffix("correct do_lower_case, not true or false"), "\(text)")
    }

    @Test(arguments: [#"{"do_lower_case": tru"#, "[]", #"{"do_lower_case": 3}"#])
    func `a settings file that cannot be understood is named`(content: String) {
        let error = #expect(throws: TextError.self) {
            try resolve(lower, ["tokenizer_config.json": content])
        }
        #expect(error?.description.contains("tokenizer_config.json") == true)
        #expect(error?.isMissingInput == false)
    }

    @Test func `what is written for a new model folder resolves to the same settings`() throws {
        var settings = TokenizerSettings(doLowerCase: false, stripAccents: false)
        settings.additionalTokens[9] = AddedToken("seoul")
        let content = String(decoding: try settings.json(), as: UTF8.self)
        let resolved = try resolve(lower, ["tokenizer_config.json": content])
        #expect(resolved.settings == settings)
        #expect(resolved.notices.isEmpty)
    }
}
