import QuestionAnswering
import Testing

struct JSONOutlineTests {
    private func keys(_ text: String) throws -> [String]? {
        try withFile(text.utf8) { try JSONOutline(path: $0).keys?.sorted() }
    }

    @Test func theOutermostKeysAreNamed() throws {
        #expect(try keys(#"{"data":[{"paragraphs":[]}],"version":1,"한":null}"#) == ["data", "version", "한"])
        #expect(try keys("{}") == [])
    }

    @Test func whatIsNoObjectHasNone() throws {
        for text in ["[]", #"[{"data":1}]"#, "1", "\"data\"", "null"] {
            #expect(try keys(text) == nil, "\(text)")
        }
    }

    @Test func whatIsNoJSONIsAnError() {
        for text in ["", "{", "hello", #"{"data":[}"#] {
            #expect(throws: DatasetError.self, "\(text)") { _ = try keys(text) }
        }
    }
}
