import Foundation
import TestSupport
import Testing

@testable import QuestionAnswering

@Suite struct JSONPiecesTests {
    private static func pieces(_ text: String, _ unit: JSONPieces.Unit, block: Int = .max) -> JSONPieces {
        var pieces = JSONPieces(unit)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: max(1, min(block, bytes.count))) {
            bytes[start..<min(bytes.count, start + min(block, bytes.count))].withUnsafeBytes {
                pieces.scan($0)
            }
        }
        return pieces
    }

    private static func texts(_ text: String, _ unit: JSONPieces.Unit, block: Int = .max) -> [String]? {
        let pieces = pieces(text, unit, block: block)
        guard pieces.container != nil else { return nil }
        let bytes = Array(text.utf8)
        return pieces.ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test(arguments: [1, 2, 7, Int.max])
    func recordsAreFoundInBlocksOfAnySize(_ block: Int) {
        let text =
            #" {"version": "data", "data" : [{"a": "]}, \"{"} , {"b\\":[1,[2]]},"data" ], "x":{"data":[1]}} "#
        #expect(
            Self.texts(text, .records, block: block) == [
                #"{"a": "]}, \"{"}"#, #"{"b\\":[1,[2]]}"#, #""data""#,
            ])
        let pieces = Self.pieces(text, .records, block: block)
        #expect(pieces.container == .dataList && !pieces.isLines)
        #expect(
            String(decoding: pieces.skeleton, as: UTF8.self)
                == #" {"version": "data", "data" : [], "x":{"data":[1]}} "#)
        #expect(Self.texts("[1, {\"a\":[]},\n[2] ]", .records, block: block) == ["1", "{\"a\":[]}", "[2]"])
        #expect(Self.texts("[]", .records, block: block)?.isEmpty == true)
        #expect(
            Self.texts(#"{"a": "b", "c":{"d":","} }"#, .members, block: block) == [
                #""a": "b""#, #""c":{"d":","}"#,
            ])
    }

    @Test(arguments: [
        "", "7", "[1,]", "[,1]", "[1,,2]", "[1}", "[1] 2", "[1", "{\"data\":[1],\"data\":[2]}",
        "{\"data\":[1}", "{\"a\":1}", "{\"data\":{\"a\":[1]}}", "\"data\"",
    ])
    func whatIsNotUnderstoodIsOnePiece(_ text: String) {
        #expect(Self.texts(text, .records) == nil)
    }

    @Test func linesAreToldFromAnObject() {
        #expect(Self.pieces("\n{\"a\":1}\n\n{\"a\":2}", .records).isLines)
        #expect(!Self.pieces("{\"a\":\n1}\n{\"a\":2}", .records).isLines)
        #expect(!Self.pieces("{\"a\":1}\n \n", .records).isLines)
        #expect(!Self.pieces("[1]\n[2]", .records).isLines)
    }

    @Test func aFileInPiecesIsTheSameDatasetAsInOne() throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: 7)
        func word() -> String {
            (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                ["가", "\\n", "\\\"", "b", "]", "}", ",", "漢", "🙂", "\\u00e9"].randomElement(using: &generator)
                    ?? ""
            }.joined()
        }
        var number = 0
        let articles = (0..<300).map { _ in
            let questions = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                number += 1
                return
                    #"{"id":"q\#(number)","question":"\#(word())","answers":[{"text":"x","answer_start":0}]}"#
            }
            return
                #"{"title":"t","paragraphs":[{"context":"x \#(word())","qas":[\#(questions.joined(separator: ","))]}]}"#
        }
        let list = "[\(articles.joined(separator: " ,\n"))]"
        let nested = try folder.write("{\"version\":\"1.1\",\"data\":\(list)}".utf8, to: "nested.json")
        let flat = try folder.write("\u{FEFF}\(list)".utf8, to: "flat.json")
        // A second member of the name makes of the file one piece.
        let whole = try folder.write("{\"data\":\(list),\"data\":\(list)}".utf8, to: "whole.json")
        let datasets = try [nested, flat, whole].map { try DatasetReader.read([$0]) }
        for dataset in datasets {
            #expect(dataset.contexts == datasets[2].contexts)
            #expect(dataset.questions == datasets[2].questions)
            #expect(dataset.questions.count == number && dataset.contexts.count == 300)
        }
    }

    @Test func predictionsAreReadInPieces() throws {
        let folder = try TemporaryFolder()
        let members = (0..<40_000).map { "\"질문-\($0)\": \"답, {\\\"\($0)\"" }
        let path = try folder.write("{\n\(members.joined(separator: ",\n"))\n}".utf8, to: "p.json")
        let predictions = try Predictions(path: path)
        #expect(predictions["질문-0"] == "답, {\"0" && predictions["질문-39999"] == "답, {\"39999")
        #expect(predictions["질문-40000"] == nil)
    }
}

@Suite struct QuestionListTests {
    @Test func aListIsWhatWasPutIn() {
        let questions = (0..<500).map { number in
            Question(
                id: "q\(number)", text: String(repeating: "가", count: number % 7), contextIndex: number / 3,
                answers: (0..<number % 3).map { Answer(text: "답\($0)", start: $0 - 1) },
                pathIndex: number % 2,
                articleIndex: number / 5, hasKnownAnswers: number % 3 > 0 || number % 2 == 0)
        }
        var list = QuestionList(questions)
        #expect(Array(list) == questions)
        #expect(Array(list.selecting([4, 2, 400])) == [questions[4], questions[2], questions[400]])
        let selection = list.selecting(10..<20).selecting([3])
        #expect(selection[0] == questions[13] && selection.id(0) == "q13" && selection.count == 1)
        list[7].answers = [Answer(text: "새", start: 5)]
        #expect(list[7].answers == [Answer(text: "새", start: 5)] && list[8] == questions[8])
        #expect(list.selecting([7])[0] == list[7])
        list.forgetAnswers(8..<10)
        #expect(list[8].answers.isEmpty && !list[8].hasKnownAnswers && list[10] == questions[10])
    }

    @Test func longTextsHaveBlocksOfTheirOwn() {
        let texts = [String(repeating: "a", count: 3 << 20), "", "가", String(repeating: "나", count: 1 << 19)]
        #expect(Array(TextList(texts)) == texts)
    }
}
