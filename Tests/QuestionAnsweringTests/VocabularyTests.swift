import Foundation
import Testing

@testable import QuestionAnswering

@Suite struct VocabularyTests {
    private func vocabulary(_ text: String) throws -> Vocabulary {
        try Vocabulary(text: text.utf8, source: "vocab.txt")
    }

    @Test func `an entry's id is its line, with or without a last line feed`() throws {
        for text in ["[PAD]\n가\n##가\n", "[PAD]\n가\n##가"] {
            let vocabulary = try vocabulary(text)
            #expect(vocabulary.count == 3)
            #expect(vocabulary.tokens == ["[PAD]", "가", "##가"])
            #expect(vocabulary.id(of: "##가") == 2)
            #expect(vocabulary.id(of: "나") == nil)
            #expect(vocabulary.token(1) == "가")
            #expect(vocabulary.token(3) == nil)
            #expect(vocabulary.token(-1) == nil)
        }
    }

    @Test func `lines may end in CR LF and white space`() throws {
        #expect(try vocabulary("a\r\nb \r\nc\u{3000}\r\n").tokens == ["a", "b", "c"])
    }

    @Test func `a byte order mark is no part of the first entry`() throws {
        #expect(try vocabulary("\u{FEFF}[PAD]\na\n").tokens == ["[PAD]", "a"])
    }

    @Test func `a blank line keeps its id, except at the end`() throws {
        let vocabulary = try vocabulary("a\n\nb\n \nc\n\n\n")
        #expect(vocabulary.tokens == ["a", "", "b", "", "c"])
        #expect(vocabulary.id(of: "c") == 4)
        #expect(vocabulary.id(of: "") == nil)
    }

    @Test func `entries are told apart by bytes, not by canonical equivalence`() throws {
        let vocabulary = try vocabulary("\u{AC00}\n\u{1100}\u{1161}\né\ne\u{301}\n")
        #expect(vocabulary.count == 4)
        #expect(vocabulary.id(of: "\u{1100}\u{1161}") == 1)
        #expect(vocabulary.id(of: "e\u{301}") == 3)
    }

    @Test func `its text reads back as the same vocabulary`() throws {
        let first = try vocabulary("[PAD]\n\n\u{AC00}\n\u{1100}\u{1161}\nx")
        let second = try vocabulary(first.text)
        #expect(first == second)
        #expect(second.id(of: "x") == 4)
        #expect(try first != vocabulary("[PAD]\n\n\u{1100}\u{1161}\n\u{AC00}\nx"))
    }

    @Test func `a duplicate is reported with both its lines`() {
        #expect(
            throws: TextError.duplicateEntry(path: "vocab.txt", entry: "b", firstLine: 2, secondLine: 4)
        ) {
            try vocabulary("a\nb\nc\nb\n")
        }
    }

    @Test func `bytes that are not UTF-8 are reported with their line`() {
        #expect(throws: TextError.notUTF8(path: "vocab.txt", line: 2)) {
            try Vocabulary(text: [0x61, 0x0A, 0xB0, 0xA1, 0x0A], source: "vocab.txt")
        }
    }

    @Test(arguments: ["", "\n", " \n\n"])
    func `a vocabulary without entries is refused`(text: String) {
        #expect(throws: TextError.emptyVocabulary(path: "vocab.txt")) { try vocabulary(text) }
    }

    @Test func `a missing file is a missing input`() {
        let error = #expect(throws: TextError.self) {
            try Vocabulary(contentsOf: URL(filePath: "/nowhere/vocab.txt"))
        }
        #expect(error?.isMissingInput == true)
        #expect(error?.description.contains("/nowhere/vocab.txt") == true)
    }
}
