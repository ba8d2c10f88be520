import Foundation
import Testing

@testable import QuestionAnswering

@Suite struct TokenizerSettingsTests {
    @Test func `settings read back from their JSON`() throws {
        var settings = TokenizerSettings(
            doLowerCase: false, stripAccents: true, tokenizeChineseCharacters: false)
        settings.maskToken.stripsLeft = true
        settings.classificationToken = AddedToken("<s>")
        settings.additionalTokens[7] = AddedToken("[Q]")
        let read = try TokenizerSettings(json: settings.json(), source: "test")
        #expect(read == settings)
    }

    @Test func `the JSON has the keys of tokenizer_config.json and says null for unset accents`() throws {
        let json = try TokenizerSettings(doLowerCase: false).json()
        let object = try JSONSerialization.jsonObject(with: json) as? [String: Any]
        #expect(object?["do_lower_case"] as? Bool == false)
        #expect(object?["strip_accents"] is NSNull)
        #expect(object?["tokenize_chinese_chars"] as? Bool == true)
        #expect(object?["cls_token"] as? String == "[CLS]")
        #expect(object?["tokenizer_class"] as? String == "BertTokenizer")
    }

    @Test func `unset accents follow lower-casing`() {
        #expect(TokenizerSettings(doLowerCase: true).stripsAccents)
        #expect(!TokenizerSettings(doLowerCase: false).stripsAccents)
        #expect(!TokenizerSettings(doLowerCase: true, stripAccents: false).stripsAccents)
        #expect(TokenizerSettings(doLowerCase: false, stripAccents: true).stripsAccents)
    }

    @Test func `an added token is a string or an object`() throws {
        let text = #"["[A]",{"content":"[B]","lstrip":true,"normalized":false,"__type":"AddedToken"}]"#
        let tokens = try JSONDecoder().decode([AddedToken].self, from: Data(text.utf8))
        var second = AddedToken("[B]")
        second.stripsLeft = true
        #expect(tokens == [AddedToken("[A]"), second])
    }

    @Test func `settings of a wrong type are refused by key`() {
        let error = #expect(throws: TextError.self) {
            try TokenizerSettings(json: #"{"do_lower_case":"no"}"#.utf8, source: "checkpoint.h5")
        }
        #expect(error?.description.contains("do_lower_case") == true)
        #expect(error?.description.contains("checkpoint.h5") == true)
    }
}
