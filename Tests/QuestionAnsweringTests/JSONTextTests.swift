import Foundation
import QuestionAnswering
import TestSupport
import Testing

struct JSONTextTests {
    @Test func compactTextIsOneLineInTheGivenOrder() {
        let value: JSONValue = ["z": 1, "a": [true, nil, "한글"], "empty": .object([]), "none": .array([])]
        #expect(value.compact == #"{"z":1,"a":[true,null,"한글"],"empty":{},"none":[]}"#)
    }

    @Test func indentedTextHasOneMemberALine() {
        let value: JSONValue = ["a": ["x", 2], "b": ["c": "d"], "e": .object([]), "f": [1, 2.5], "g": []]
        let expected = """
            {
                "a": [
                    "x",
                    2
                ],
                "b": {
                    "c": "d"
                },
                "e": {},
                "f": [1, 2.5],
                "g": []
            }
            """
        #expect(value.indented == expected)
    }

    @Test func onlyWhatHasToBeEscapedIs() {
        let text = JSONValue.string("\"\\/\n\r\t\u{0}\u{1F}\u{7F}\u{2028}é가🙂")
        #expect(text.compact == "\"\\\"\\\\/\\n\\r\\t\\u0000\\u001f\u{7F}\u{2028}é가🙂\"")
    }

    @Test func numbersAreTheShortestThatReadBack() {
        #expect(JSONValue.number(0.1).compact == "0.1")
        #expect(JSONValue.float(0.1).compact == "0.1")
        #expect(JSONValue.number(Double(Float(0.1))).compact == "0.10000000149011612")
        #expect(JSONValue.number(1e-7).compact == "1e-07")
        #expect(JSONValue.integer(.min).compact == "-9223372036854775808")
    }

    @Test func numbersWithoutAJSONFormAreNull() {
        let values: JSONValue = [.number(.nan), .float(.infinity), .number(-.infinity)]
        #expect(values.compact == "[null,null,null]")
    }

    @Test func whatIsWrittenReadsBackWithFoundation() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let number = Double(bitPattern: UInt64.random(in: 0..<0x7FF0_0000_0000_0000, using: &random))
            let float = Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &random))
            let scalars = (0..<8).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0..<0x3000, using: &random))
            }
            let text = scalars.map(String.init).joined()
            let value: JSONValue = ["n": .number(number), "f": .float(float), "t": .string(text)]
            for written in [value.compact, value.indented] {
                let read = try JSONDecoder().decode(Record.self, from: Data(written.utf8))
                #expect(read.n == number && read.f == float && isSameText(read.t, text))
            }
        }
    }

    private struct Record: Decodable {
        let n: Double
        let f: Float
        let t: String
    }

    @Test func equalityHeedsOrderAndCodePoints() {
        let value: JSONValue = ["a": 1, "b": 2]
        #expect(value == ["a": 1, "b": 2])
        #expect(value != ["b": 2, "a": 1])
        #expect(JSONValue.string("가") != .string("\u{1100}\u{1161}"))
    }
}
