import Foundation
import QuestionAnswering
import Testing

/// Datasets in each of their forms, recognised by content.
struct DatasetKindsTests {
    private func read(_ text: String) throws -> Dataset {
        try withFile(text.utf8) { try DatasetReader.read([$0]) }
    }

    /// An article with one question; `keys` are of the question.
    private func nested(_ keys: String, article: String = "", version: String = "") -> String {
        #"{\#(version)"data":[{\#(article)"paragraphs":[{"context":"한강은 서울에 있다.","qas":[{"question":"어디?",\#(keys)}]}]}]}"#
    }

    private let list = #""answers":[{"text":"서울","answer_start":4}]"#

    @Test func eachKindIsKnownByItsKeys() throws {
        let cases: [(String, DatasetKind)] = [
            (
                nested(#""id":"a",\#(list)"#, article: #""title":"t","#, version: #""version":"1.1","#),
                .squad1
            ),
            (nested(#""id":"a","is_impossible":false,\#(list)"#), .squad2),
            (nested(#""id":"a",\#(list)"#, version: #""version":"KorQuAD_v1.0_dev","#), .korquad),
            (nested(#""guid":"a","question_type":1,"is_impossible":false,\#(list)"#), .klue),
            (nested(#""guid":"a",\#(list)"#, article: #""news_category":"경제","source":"s","#), .news),
            (nested(#""id":5,"answers":{"text":"서울","answer_start":4,"clue_text":"강"}"#), .news),
            (nested(#""id":"a","classtype":"work_where",\#(list)"#), .news),
            (#"[{"id":"a","context":"한강은 서울에 있다.","question":"어디?",\#(list)}]"#, .squad1),
        ]
        for (text, kind) in cases {
            let dataset = try read(text)
            #expect(dataset.kinds.map(\.kind) == [kind], "\(text)")
            #expect(dataset.questions.map(\.answers) == [[Answer(text: "서울", start: 4)]])
            #expect(dataset.questions[0].hasKnownAnswers)
        }
    }

    @Test func numbersAreAcceptedAsIds() throws {
        for (number, text) in [
            ("17", "17"), ("-3", "-3"), ("9223372036854775808", "9223372036854775808"), ("\"017\"", "017"),
            ("1.5", "1.5"), ("true", "true"),
        ] {
            #expect(try read(nested(#""id":\#(number),\#(list)"#)).questions[0].id == text)
        }
    }

    @Test func whatIsImpossibleHasNoAnswers() throws {
        let keys =
            #""guid":"a","is_impossible":true,"plausible_answers":[{"text":"강","answer_start":1}],\#(list)"#
        let dataset = try read(nested(keys))
        #expect(dataset.questions[0].answers.isEmpty && dataset.questions[0].hasKnownAnswers)
        #expect(dataset.squadVersion == .version2)
    }

    private func row(_ id: String, _ context: String, _ more: String, title: String? = nil) -> String {
        let title = title.map { #""title":"\#($0)","# } ?? ""
        return #"{\#(title)"guid":"\#(id)","context":"\#(context)","question":"?",\#(more)}"#
    }

    @Test func rowsOfTheHubAreReadAsAListAndAsLines() throws {
        let answers = #""is_impossible":false,"answers":{"text":["서울","서울에"],"answer_start":[4,4]}"#
        let rows = [
            row("a", "한강은 서울에 있다.", answers), row("b", "한강은 서울에 있다.", answers),
            row("c", "산은 서울에 있다.", answers),
            row("d", "산은 서울에 있다.", #""is_impossible":true,"answers":{"text":[],"answer_start":[]}"#),
        ]
        let files = [
            "[\(rows.joined(separator: ","))]", rows.joined(separator: "\n"),
            "\n" + rows.joined(separator: "\r\n\n") + "\n", #"{"data":[\#(rows.joined(separator: ","))]}"#,
        ]
        for file in files {
            let dataset = try read(file)
            #expect(dataset.questions.map(\.id) == ["a", "b", "c", "d"])
            #expect(dataset.questions.map(\.contextIndex) == [0, 0, 1, 1] && dataset.contexts.count == 2)
            #expect(dataset.questions[0].answers.map(\.text) == ["서울", "서울에"])
            #expect(dataset.questions[3].answers.isEmpty)
            #expect(dataset.kinds.map(\.kind) == [.klue] && dataset.kinds[0].count == 4)
        }
        #expect(try read(rows[0]).questions.count == 1, "a single line is a row too")
    }

    @Test func rowsMayHaveTheirAnswerBesideItsStart() throws {
        let start = #""answer_start":4"#
        for answer in [
            #""answer":"서울",\#(start)"#, #""answers":"서울",\#(start)"#,
            #""answers":["서울"],"answer_start":["4"]"#,
            #""answers":null,"answer":"서울",\#(start)"#, #""answer":{"text":"서울",\#(start)}"#,
            #""answer":{"text":["서울"],"answer_start":[4.0]}"#,
        ] {
            let dataset = try read("[\(row("a", "한강은 서울에 있다.", answer))]")
            #expect(dataset.questions[0].answers == [Answer(text: "서울", start: 4)], "\(answer)")
        }
        let flat =
            #"[{"id":"1","title":"t","context":"한강은 서울에 있다.","question":"?","answer":"서울","answer_start":4}]"#
        #expect(try read(flat).kinds.map(\.kind) == [.squad1])
    }

    @Test func theAnswerOfAnImpossibleQuestionIsNotLookedAt() throws {
        for answers in [
            #""answers":{"text":"","answer_start":null}"#, #""answers":{"text":null,"answer_start":null}"#,
            #""answers":[{"text":null}]"#, #""answers":"","answer_start":-1"#, #""answer":7"#,
            #""answers":null"#,
        ] {
            for flag in ["true", "1", "\"True\"", "1.0"] {
                let rows = [
                    row("a", "한강은 서울에 있다.", list),
                    row("b", "한강은 서울에 있다.", #""is_impossible":\#(flag),\#(answers)"#),
                ]
                let dataset = try read("[\(rows.joined(separator: ","))]")
                #expect(dataset.questions[1].answers.isEmpty && dataset.questions[1].hasKnownAnswers)
                #expect(dataset.squadVersion == .version2)
            }
        }
        // The form of the answers still tells the kind.
        let news = #""id":5,"is_impossible":true,"answers":{"text":"","answer_start":null}"#
        #expect(try read(nested(news)).kinds.map(\.kind) == [.news])
    }

    @Test func aParagraphWithoutQuestionsMayBeAnything() throws {
        let paragraph = #"{"context":"한강은 서울에 있다.","qas":[{"id":1,"question":"?",\#(list)}]}"#
        let others = [#"{"context":null,"qas":[]}"#, #"{"qas":[]}"#, #"{"context":"가","qas":null}"#]
        let text =
            #"{"data":[{"paragraphs":null},{"paragraphs":[\#((others + [paragraph]).joined(separator: ","))]}]}"#
        #expect(try read(text).questions.map(\.id) == ["1"])
    }

    @Test(arguments: [
        #"{"version":"KorQuAD_2.1_train","data":[{"title":"t","raw_html":"<p>","context":"<p>","qas":[]}]}"#,
        #"{"data":[{"context":"<p>","qas":[{"id":"1","question":"?","answer":{"text":"p","answer_start":1,"html_answer_start":1}}]}]}"#,
    ])
    func korquad2IsRefusedByName(text: String) throws {
        let error = try withFile(text.utf8) { path in
            #expect(throws: DatasetError.self) { try DatasetReader.read([path]) }
        }
        #expect(error?.description.contains("KorQuAD 2") == true, "\(String(describing: error))")
        #expect(error?.description.contains("data[0]") == true)
    }

    @Test func aRowIsOfTheArticleOfItsTitleElseOfItsContext() throws {
        let rows = [
            row("a", "가", list, title: "강"), row("b", "나", list, title: "산"),
            row("c", "다", list, title: "강"), row("d", "라", list), row("e", "라", list), row("f", "마", list),
        ]
        let dataset = try read("[\(rows.joined(separator: ","))]")
        #expect(dataset.questions.map(\.articleIndex) == [0, 1, 0, 2, 2, 3])
        let nested = try read(
            #"{"data":[{"title":"t","paragraphs":[{"context":"가","qas":[{"id":1,"question":"?",\#(list)}]}]},{"title":"t","paragraphs":[{"context":"나","qas":[{"id":2,"question":"?",\#(list)}]}]}]}"#
        )
        #expect(nested.questions.map(\.articleIndex) == [0, 1])
    }

    @Test func formsMayBeMixedInAFile() throws {
        let row = row("r", "산은 서울에 있다.", list)
        let paragraph = #"{"context":"강은 서울에 있다.","qas":[{"id":"p","question":"?",\#(list)}]}"#
        let article =
            #"{"paragraphs":[{"context":"한강은 서울에 있다.","qas":[{"guid":3,"question":"?","answers":{"text":"서울","answer_start":4}}]}]}"#
        let dataset = try read(#"{"data":[\#(row),\#(paragraph),\#(article)]}"#)
        #expect(dataset.questions.map(\.id) == ["r", "p", "3"])
        #expect(Set(dataset.kinds.map(\.kind)) == [.news, .squad1])
    }

    @Test func aTestFileHasNoKnownAnswersAndIsNotSQuAD2() throws {
        for answers in [
            #""title":1"#, #""answers":null"#, #""answers":[]"#, #""is_impossible":false,"answers":[]"#,
            #""answers":{"text":[],"answer_start":[]}"#,
        ] {
            let dataset = try read(nested(#""guid":"a",\#(answers)"#))
            #expect(!dataset.hasKnownAnswers && dataset.squadVersion == .version1, "\(answers)")
            let metrics = AnswerMetrics(dataset: dataset, predictions: Predictions([]))
            #expect(metrics.total == 0)
        }
    }

    @Test func beforeAnsweredQuestionsAnEmptyListMeansNone() throws {
        let rows = [
            row("a", "한강은 서울에 있다.", list), row("b", "한강", #""answers":[]"#),
            row("c", "강", #""answers":null"#),
            row("d", "한", #""answers":[],"is_impossible":false"#),
        ]
        let dataset = try read("[\(rows.joined(separator: ","))]")
        #expect(dataset.questions.map(\.hasKnownAnswers) == [true, true, false, false])
        let audit = try dataset.auditingAnswers()
        #expect(audit.trainable == [0, 1])
        #expect(audit.unanswered.map(\.place.record) == ["question c", "question d"])
        #expect(audit.messages().contains { $0.contains("2 questions without answer") })
        #expect(throws: DatasetError.self) { try dataset.auditingAnswers(strict: true) }
        #expect(AnswerMetrics(dataset: dataset, predictions: Predictions([])).total == 2)
    }

    @Test func filesOfDifferentKindsAreOneDataset() throws {
        let klue = nested(#""guid":"k","question_type":1,"is_impossible":true,"answers":[]"#)
        let lines = row("r", "산은 서울에 있다.", list) + "\n" + row("s", "산은 서울에 있다.", list)
        try withFile(klue.utf8) { first in
            try withFile(lines.utf8) { second in
                try withFile(nested(#""guid":"t""#).utf8) { test in
                    let dataset = try DatasetReader.read([first, second, test])
                    #expect(dataset.questions.map(\.id) == ["k", "r", "s", "t"])
                    #expect(dataset.questions.map(\.hasKnownAnswers) == [true, true, true, false])
                    #expect(dataset.questions.map(\.articleIndex) == [0, 1, 1, 2])
                    #expect(dataset.kinds.map(\.count) == [1, 3])
                }
            }
        }
    }

    @Test(arguments: [
        ("{}", "", "not a record"), ("3", "", "not a record"),
        (#"{"data":[{"title":"t"}]}"#, "data[0]", "not a record"),
        (#"[{"a":1}]"#, "[0]", "AI Hub"), ("{\"q\":\"a\"}\n{\"q\":\"a\"}", "line 1", "KLUE-MRC"),
    ])
    func whatIsNoDatasetIsToldWhatIs(text: String, record: String, words: String) throws {
        try withFile(text.utf8) { path in
            let error = #expect(throws: DatasetError.self) { try DatasetReader.read([path]) }
            guard case .wrongStructure(let place, let reason, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(
                place.record == record && place.path == path && reason.contains(words), "\(place) \(reason)")
        }
    }

    @Test func aLineThatIsNotJSONIsNamed() throws {
        let good = row("a", "한강", list)
        try withFile((good + "\n" + good.dropLast() + "\n").utf8) { path in
            let error = #expect(throws: DatasetError.self) { try DatasetReader.read([path]) }
            guard case .malformedJSON(_, let place)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(place.line == 2 && place.offset == 2 * good.utf8.count)
        }
        let twice = (good + "\n" + good).utf8
        let error = try withFile(twice) { path in
            #expect(throws: DatasetError.self) { try DatasetReader.read([path]) }
        }
        #expect(error?.description.contains("line 1 and ") == true)
        #expect(error?.description.contains("line 2)") == true)
    }

    @Test func listsOfDifferentLengthsAreRefused() throws {
        let text = row("a", "한강", #""answers":{"text":["한","강"],"answer_start":[0]}"#)
        try withFile(text.utf8) { path in
            let error = #expect(throws: DatasetError.self) { try DatasetReader.read([path]) }
            #expect(error?.description.contains("2 texts, but 1 offsets") == true)
        }
    }
}
