import Foundation
import QuestionAnswering
import Testing

struct DatasetReaderTests {
    private func json(context: String = "한강은 서울에 있다.", questions: String) -> String {
        #"{"version":"x","data":[{"title":"t","paragraphs":[{"context":"\#(context)","qas":[\#(questions)]}]}]}"#
    }

    private func question(_ id: String, start: String = "0", text: String = "\"한강\"") -> String {
        #"{"id":"\#(id)","question":"무엇?","extra":[{}],"answers":[{"text":\#(text),"answer_start":\#(start)}]}"#
    }

    private func read(_ text: String) throws -> Dataset {
        try withFile(text.utf8) { try DatasetReader.read([$0]) }
    }

    private func error(_ bytes: some Sequence<UInt8>) throws -> DatasetError? {
        try withFile(bytes) { path in
            do {
                _ = try DatasetReader.read([path])
                return nil
            } catch let error as DatasetError {
                return error
            }
        }
    }

    private func structureError(_ text: String) throws -> (record: String, reason: String)? {
        guard case .wrongStructure(let place, let reason, _) = try error(text.utf8) else { return nil }
        return (place.record, reason)
    }

    /// Foundation's limit is 512.
    @Test(arguments: 510...516) func listsNestedTooDeeplyAreRefused(_ depth: Int) throws {
        #expect(try error(repeatElement(UInt8(ascii: "["), count: depth)) != nil)
    }

    @Test func questionsShareTheirContext() throws {
        let dataset = try read(json(questions: question("a") + "," + question("b", start: "3")))
        #expect(dataset.contexts == ["한강은 서울에 있다."])
        #expect(dataset.questions.map(\.id) == ["a", "b"])
        #expect(dataset.questions.map(\.contextIndex) == [0, 0])
        #expect(dataset.questions[1].answers == [Answer(text: "한강", start: 3)])
        #expect(dataset.squadVersion == .version1)
        #expect(dataset.selecting([1]).questions.map(\.id) == ["b"])
    }

    @Test func titlesAndVersionsAreOptional() throws {
        let dataset = try read(#"{"data":[{"paragraphs":[{"context":"c","qas":[\#(question("a"))]}]}]}"#)
        #expect(dataset.questions.count == 1)
    }

    @Test func aParagraphWithoutQuestionsIsAContextAllTheSame() throws {
        let empty = #"{"context":"","qas":[]}"#
        let full = #"{"context":"c","qas":[\#(question("a"))]}"#
        let dataset = try read(#"{"data":[{"paragraphs":[\#(empty),\#(full)]}]}"#)
        #expect(dataset.contexts == ["", "c"])
        #expect(dataset.questions[0].contextIndex == 1)
    }

    @Test func aQuestionWithoutAnswersMakesItVersion2() throws {
        let entry = #"{"id":"a","question":"?","is_impossible":true,"answers":[]}"#
        let dataset = try read(json(questions: entry))
        #expect(dataset.squadVersion == .version2)
        #expect(dataset.questions[0].answers.isEmpty)
    }

    @Test func aByteOrderMarkIsTolerated() throws {
        let bytes = [0xEF, 0xBB, 0xBF] + Array(json(questions: question("a")).utf8)
        #expect(try withFile(bytes) { try DatasetReader.read([$0]) }.questions.count == 1)
    }

    @Test func filesAreConcatenatedInOrder() throws {
        try withFile(json(questions: question("a")).utf8) { first in
            try withFile(json(context: "다른 글", questions: question("b")).utf8) { second in
                let dataset = try DatasetReader.read([second, first])
                #expect(dataset.questions.map(\.id) == ["b", "a"])
                #expect(dataset.questions.map(\.contextIndex) == [0, 1])
                #expect(dataset.path(of: dataset.questions[1]) == first)
            }
        }
    }

    @Test func anIdInTwoFilesIsReportedWithBoth() throws {
        try withFile(json(questions: question("a")).utf8) { first in
            try withFile(json(questions: question("a")).utf8) { second in
                let record = "data[0].paragraphs[0].qas[0]"
                let expected = DatasetError.duplicateID(
                    "a", first: RecordPlace(path: first, record: record),
                    second: RecordPlace(path: second, record: record))
                #expect(throws: expected) { try DatasetReader.read([first, second]) }
            }
        }
    }

    @Test func aFileThatIsGivenTwiceIsNamedByWhateverPath() throws {
        let folder = FileManager.default.temporaryDirectory
        try withFile(json(questions: question("a")).utf8) { path in
            let link = folder.appending(path: UUID().uuidString).path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            defer { try? FileManager.default.removeItem(atPath: link) }
            #expect(throws: DatasetError.sameFile(path, path)) { try DatasetReader.read([path, path]) }
            let error = #expect(throws: DatasetError.self) { try DatasetReader.read([path, link]) }
            #expect(error == .sameFile(path, link))
            #expect(error?.description == "one file is given twice (\(path) and \(link)): give it once")
        }
    }

    /// In words of our own, never the JSON decoder's.
    @Test func whatCannotBeDecodedIsToldInPlainWords() throws {
        for (text, reason) in [
            (json(questions: question("a", start: "[]")), "not a number"),
            (json(questions: question("a", text: "[]")), "not a text"),
            (json(questions: question("a", start: "1e999")), "a number too large to be read"),
            (#"{"data":7}"#, "not a list"), (#"{"data":[7]}"#, "not an object"),
            (json(questions: #"{"id":[],"question":"?"}"#), "neither a text nor a number"),
            (json(questions: #"{"id":null,"question":"?"}"#), #"no "id", "guid" or "question_id""#),
            (json(questions: #"{"id":1,"question":"?","is_impossible":"maybe"}"#), "neither true nor false"),
        ] {
            let error = try structureError(text)
            #expect(error?.reason.hasPrefix(reason) == true, "\(String(describing: error))")
        }
    }

    @Test func anIdTwiceInAFileIsReportedWithBothRecords() throws {
        let error = try error(json(questions: question("a") + "," + question("a")).utf8)
        guard case .duplicateID("a", let first, let second) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(first.record == "data[0].paragraphs[0].qas[0]")
        #expect(second.record == "data[0].paragraphs[0].qas[1]")
        #expect(error?.kind == .badData)
    }

    @Test func equivalentIdsAreTwoIds() throws {
        let dataset = try read(json(questions: question("가") + "," + question("\u{1100}\u{1161}")))
        #expect(dataset.questions.count == 2)
    }

    @Test func aMissingFileIsAMissingInput() {
        let error = DatasetError.missingFile(path: "/nonexistent/file.json")
        #expect(throws: error) { try DatasetReader.read(["/nonexistent/file.json"]) }
        #expect(error.kind == .missingInput)
    }

    @Test func aFolderCannotBeRead() {
        let path = FileManager.default.temporaryDirectory.path(percentEncoded: false)
        let error = DatasetError.unreadableFile(path: path, reason: "it is a folder")
        #expect(throws: error) { try DatasetReader.read([path]) }
        #expect(error.kind == .unreadableInput)
    }

    @Test func jsonCutInTheMiddleIsReportedWhereItEnds() throws {
        let whole = Array(json(questions: question("a")).utf8)
        for length in [0, 1, 20, 60, whole.count - 1] {
            let cut = whole.prefix(length)
            guard String(validating: cut, as: UTF8.self) != nil else { continue }
            guard case .malformedJSON(_, let error) = try error(cut) else {
                Issue.record("cut at \(length)")
                continue
            }
            #expect(error.offset == length && error.line == 1)
        }
    }

    @Test func bytesThatAreNotUTF8AreReportedWithTheirOffset() throws {
        var bytes = Array("{\n\"data\": \"한".utf8)
        bytes += [0xFF, 0x22, 0x7D]
        let error = try withFile(bytes) { path in
            #expect(throws: DatasetError.invalidUTF8(path: path, offset: 14, line: 2)) {
                try DatasetReader.read([path])
            }
        }
        #expect(error != nil)
        guard case .invalidUTF8(_, 3, 1) = try self.error([0x22, 0xC3, 0xA9, 0xED, 0xA0, 0x80, 0x22]) else {
            Issue.record("surrogates are not UTF-8")
            return
        }
    }

    @Test func aWrongTypeIsReportedWithItsRecord() throws {
        let entries = question("a") + "," + question("b", start: "\"x\"")
        #expect(
            try structureError(json(questions: entries))?.record
                == "data[0].paragraphs[0].qas[1].answers[0].answer_start")
        let fraction = try structureError(json(questions: question("a", start: "1.5")))
        #expect(fraction?.record == "data[0].paragraphs[0].qas[0].answers[0].answer_start")
        #expect(fraction?.reason == "1.5 is not an offset")
        #expect(try structureError(json(questions: question("a", start: "1e300"))) != nil)
        let null = try structureError(json(questions: question("a", text: "null")))
        #expect(null?.record == "data[0].paragraphs[0].qas[0].answers[0].text")
        #expect(try structureError(#"{"data":{}}"#)?.record == "data")
    }

    @Test func aMissingKeyIsNamed() throws {
        let error = try structureError(#"{"data":[{"paragraphs":[{"qas":[\#(question("a"))]}]}]}"#)
        #expect(error?.record == "data[0].paragraphs[0]")
        #expect(error?.reason == "the key \"context\" is missing")
    }

    @Test(arguments: ["[]", #"{"data":[]}"#, #"{"data":[{"paragraphs":[{"context":"c","qas":[]}]}]}"#])
    func aDatasetWithoutQuestionsIsAnError(text: String) throws {
        guard case .noQuestions(let paths) = try error(text.utf8) else {
            Issue.record("no error")
            return
        }
        #expect(paths.count == 1)
    }

    @Test(arguments: ["", " \\n\\u3000"])
    func anEmptyContextIsReportedWithItsParagraph(context: String) throws {
        guard
            case .emptyContext(let place, "a") = try error(
                json(context: context, questions: question("a")).utf8)
        else {
            Issue.record("no error")
            return
        }
        #expect(place.record == "data[0].paragraphs[0].context")
    }

    @Test func messagesSayWhatWhereAndWhatToDo() throws {
        let message = try error(json(questions: question("a", start: "\"x\"")).utf8)?.description
        let text = try #require(message)
        #expect(text.hasPrefix("unexpected content: "))
        #expect(text.contains(", data[0].paragraphs[0].qas[0].answers[0].answer_start): "))
    }

    @Test(arguments: [
        ("id,question,context\n1,a,b\n", "is CSV"), ("PAR1....", "is a Parquet file"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a git-lfs pointer"),
        ("<!doctype html>", "is an HTML page"), ("\u{1F}\u{8}x", "not JSON"),
    ])
    func aFileOfAnotherKindIsCalledByItsKind(_ text: String, _ what: String) throws {
        #expect(try error(text.utf8)?.description.hasPrefix(what) == true)
    }
}
