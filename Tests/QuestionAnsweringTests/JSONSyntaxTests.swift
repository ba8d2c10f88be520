import Foundation
import Testing

@testable import QuestionAnswering

struct JSONSyntaxTests {
    @Test(arguments: [
        "null", " [ ] ", "{}", #"{"a":[1,-0.5e+3,{"b":"\u00e9\ud83d\ude42\"\\"}],"c":true}"#, "0",
        "[[],[[]]]",
        "\"가\"",
    ])
    func soundTextHasNoError(text: String) {
        #expect(JSONSyntax.firstError(in: Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        ("", 0), ("  ", 2), ("{\"a\"", 4), ("{\"a\":1", 6), ("[1,,2]", 3), ("[1 2]", 3), ("{a:1}", 1),
        ("[1]x", 3), ("\"ab", 3), ("\"a\nb\"", 2), ("tru", 3), ("[01]", 2), ("[1.]", 3), ("[1e]", 3),
        ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\\ud800\"", 1), ("{\"a\":1,}", 7), ("[1}", 2), ("-", 1),
    ])
    func theFirstWrongByteIsNamed(text: String, offset: Int) {
        #expect(JSONSyntax.firstError(in: Array(text.utf8))?.offset == offset)
    }

    @Test func linesCountFromOne() {
        let error = JSONSyntax.firstError(in: Array("{\n\"a\": [1,\n 2".utf8))
        #expect(error?.line == 3)
        #expect(error?.reason == "the file ends where ',' or ']' should stand")
    }

    @Test func hostileNestingIsWalked() {
        let open = Array(repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(JSONSyntax.firstError(in: open)?.offset == open.count)
    }

    @Test func everyCutOfASoundTextIsFoundAsFoundationFindsIt() {
        let text = Array(#"{"data":[{"t":"a\u0041é","n":[-1.5e3,true,null]},{}]}"#.utf8)
        for length in 0...text.count {
            let cut = Array(text.prefix(length))
            let decodes = (try? JSONDecoder().decode(Anything.self, from: Data(cut))) != nil
            // Half a letter is a matter of UTF-8, not of JSON.
            guard String(validating: cut, as: UTF8.self) != nil else { continue }
            #expect((JSONSyntax.firstError(in: cut) == nil) == decodes)
        }
    }

    private struct Anything: Decodable {}
}
