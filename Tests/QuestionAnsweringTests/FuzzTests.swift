import Foundation
import QuestionAnswering
import TestSupport
import Testing

/// Damaged and hostile texts: each is refused with an error of the reader's own or read, whatever it holds.
@Suite(.serialized) struct FuzzTests {
    private func fuzz<Refusal: Error>(
        _ name: String, fileName: String, _ inputs: [[UInt8]], _ refusal: Refusal.Type, iterations: Int = 300,
        _ read: (String) throws -> Void
    ) throws {
        let fuzzing = Fuzzing(
            name, fileName: fileName, inputs: inputs, style: .text, iterations: iterations)
        let report = try fuzzing.run(isExpected: { $0 is Refusal }, read)
        #expect(report.findings == [])
        #expect(report.refused > 0 && report.refused < report.cases, "\(report.refused) of \(report.cases)")
    }

    private func sample(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Paths.sample.appending(path: name)))
    }

    private let small = Array(
        #"""
        {"version":"v2.0","data":[{"title":"한강","paragraphs":[{"context":"한강은 서울에 있다.\n길이는 494km이다.","qas":[
        {"id":"a","question":"어디?","answers":[{"text":"서울","answer_start":4}],"is_impossible":false},
        {"id":"b","question":"왜?","answers":[],"is_impossible":true,"plausible_answers":[{"text":"강","answer_start":1}]}
        ]},{"context":"","qas":[]}]}]}
        """#.utf8)

    private let rows = Array(
        #"""
        [{"guid":1,"title":"한강","context":"한강은 서울에 있다.","is_impossible":0,"question":"어디?",
        "answers":{"text":["서울"],"answer_start":[4]}},
        {"guid":"2","context":"한강은 서울에 있다.","question":"왜?","answers":{"text":[],"answer_start":[]}}]
        """#.utf8)

    private let lines = Array(
        #"""
        {"id":"a","context":"🙂한강은 서울에 있다.","question":"어디?","answers":{"text":["서울"],"answer_start":[6]}}
        {"id":"b","context":"한강은","question":"어디?","answers":[{"text":"강은","answer_start":"1"}]}

        """#.utf8)

    private let news = Array(
        #"""
        {"data":[{"news_category":"경제","paragraphs":[{"context":"한강은 서울에 있다.","qas":[
        {"question_id":7,"question":"어디?","answers":{"text":"서울","answer_start":4.0,"clue_text":"강"}},
        {"guid":"x","question":"어디?","answers":null}]}]}]}
        """#.utf8)

    @Test func datasets() throws {
        let inputs = try [small, rows, lines, news, sample("validation.json")]
        try fuzz("dataset", fileName: "case.json", inputs, DatasetError.self) { path in
            let dataset = try DatasetReader.read([path])
            let audit = try dataset.auditingAnswers()
            let outcomes = audit.trainable.count + audit.skipped.count + audit.unanswered.count
            #expect(outcomes == dataset.questions.count)
            #expect(dataset.questions.allSatisfy { dataset.contexts.indices.contains($0.contextIndex) })
        }
    }

    @Test func predictions() throws {
        let dataset = try withFile(small) { try DatasetReader.read([$0]) }
        let inputs = [
            Array(#"{"a": "서울에", "b": ""}"#.utf8),
            Array(#"{"\u0061":"The  Seoul, 서울", "c":"\ud83d\ude00"}"#.utf8),
        ]
        try fuzz("predictions", fileName: "case.json", inputs, DatasetError.self) { path in
            let metrics = AnswerMetrics(dataset: dataset, predictions: try Predictions(path: path))
            #expect(!metrics.json.compact.isEmpty)
        }
    }

    @Test func vocabularies() throws {
        let inputs = try [
            sample("vocab.txt"), Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n##나\n\u{1100}\n".utf8),
            Array("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\n\r\na".utf8),
        ]
        try fuzz("vocabulary", fileName: "vocab.txt", inputs, TextError.self) { path in
            let vocabulary = try Vocabulary(contentsOf: URL(filePath: path))
            try tokenize(vocabulary, folder: nil)
        }
    }

    @Test(arguments: ["tokenizer_config.json", "tokenizer.json", "special_tokens_map.json"])
    func tokenizerSettings(_ name: String) throws {
        let entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[Q]", "한", "##강", "은", "a", "##b"]
        let vocabulary = try Vocabulary(entries: entries, source: "vocab.txt")
        try fuzz(name, fileName: name, Self.settings[name] ?? [], TextError.self) { path in
            try tokenize(vocabulary, folder: URL(filePath: path).deletingLastPathComponent())
        }
    }

    private static let settings: [String: [[UInt8]]] = [
        "tokenizer_config.json": [
            #"{"do_lower_case":true,"strip_accents":null,"tokenize_chinese_chars":false,"unk_token":"[UNK]"}"#,
            #"{"added_tokens_decoder":{"5":{"content":"[Q]","lstrip":true,"special":true},"0":{"content":"[PAD]"}}}"#,
            #"{"cls_token":{"content":"[CLS]","single_word":true,"__type":"AddedToken"},"extra_special_tokens":{"q":"[Q]"}}"#,
        ],
        "tokenizer.json": [
            #"{"added_tokens":[{"id":5,"content":"[Q]","rstrip":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"BertNormalizer","lowercase":true,"strip_accents":null,"handle_chinese_chars":true}]}}"#
        ],
        "special_tokens_map.json": [
            #"{"sep_token":"[SEP]","mask_token":{"content":"[MASK]"},"additional_special_tokens":["[Q]","a"]}"#
        ],
    ].mapValues { $0.map { Array($0.utf8) } }

    private func tokenize(_ vocabulary: Vocabulary, folder: URL?) throws {
        let resolved = try TokenizerSettings.resolve(folder: folder, vocabulary: vocabulary)
        let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: resolved.settings)
        let text = "한강은 [Q] Ab 漢字 é[MASK]\u{1100}\u{1161}"
        let length = text.unicodeScalars.count
        for token in tokenizer.encode(text) {
            #expect(token.start >= 0 && token.start <= token.end && Int(token.end) <= length)
        }
    }
}
