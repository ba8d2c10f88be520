import Checkpoints
import Foundation
import QuestionAnswering
import Testing
import Training

@Suite struct ModelTokenizerTests {
    private static func tokenizer(
        _ settings: String?, overrides: TokenizerOverrides = TokenizerOverrides()
    ) throws -> (tokenizer: WordPieceTokenizer, notices: [String]) {
        let temporary = try TemporaryFolder()
        try SampleModel.write(to: temporary.path("model"))
        let file = temporary.path("model/tokenizer_config.json")
        try FileManager.default.removeItem(atPath: file)
        if let settings { try temporary.write(settings, to: "model/tokenizer_config.json") }
        return try ModelFolder(path: temporary.path("model")).makeTokenizer(overrides)
    }

    @Test func theFoldersSettingsDecide() throws {
        let (tokenizer, notices) = try Self.tokenizer(#"{"do_lower_case": true, "strip_accents": true}"#)
        #expect(tokenizer.settings.doLowerCase && tokenizer.settings.stripAccents == true)
        #expect(notices.isEmpty)
    }

    @Test func theCommandLineDecidesBeforeThem() throws {
        let (tokenizer, _) = try Self.tokenizer(
            #"{"do_lower_case": true}"#,
            overrides: TokenizerOverrides(doLowerCase: false, stripAccents: false))
        #expect(!tokenizer.settings.doLowerCase && tokenizer.settings.stripAccents == false)
    }

    @Test func withoutSettingsTheVocabularyDecidesAndOneLineSaysSo() throws {
        let (tokenizer, notices) = try Self.tokenizer(nil)
        #expect(!tokenizer.settings.doLowerCase, "the vocabulary holds Hangul syllables")
        #expect(notices.count == 1)
    }

    @Test func aVocabularyWithoutClassificationTokenIsNamed() throws {
        let temporary = try TemporaryFolder()
        try SampleModel.write(to: temporary.path("model"))
        try temporary.write("[PAD]\n[UNK]\n[SEP]\n[MASK]\n가\n", to: "model/vocab.txt")
        let error = try #require(throws: TextError.self) {
            _ = try ModelFolder(path: temporary.path("model")).makeTokenizer()
        }
        #expect(error.description.contains("[CLS]"))
        #expect(error.description.contains(temporary.path("model/vocab.txt")))
    }

    @Test func attributesSayTheSameToPeopleAndToDure() throws {
        let (tokenizer, _) = try Self.tokenizer(#"{"do_lower_case": true, "strip_accents": false}"#)
        let attributes = try tokenizer.checkpointAttributes()
        #expect(attributes["do_lower_case"] == .flag(true))
        #expect(attributes["strip_accents"] == .flag(false))
        #expect(attributes["tokenize_chinese_chars"] == .flag(true))
        guard case .text(let json)? = attributes["tokenizer_config"] else {
            Issue.record("no settings as a whole")
            return
        }
        #expect(try TokenizerSettings(json: json.utf8, source: "test") == tokenizer.settings)
    }
}
