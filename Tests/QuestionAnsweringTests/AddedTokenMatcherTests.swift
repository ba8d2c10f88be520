import Testing

@testable import QuestionAnswering

@Suite struct AddedTokenMatcherTests {
    private func matches(
        _ contents: [String], _ text: String, _ change: (inout AddedToken) -> Void = { _ in }
    )
        -> [AddedTokenMatcher.Match]
    {
        let tokens = contents.enumerated().map { index, content in
            var token = AddedToken(content)
            change(&token)
            return (scalars: content.unicodeScalars.map(\.value), id: Int32(index), token: token)
        }
        return AddedTokenMatcher(tokens).matches(in: text.unicodeScalars.map(\.value))
    }

    @Test func `the leftmost match wins, and of several there the longest`() {
        #expect(matches(["ab", "abc", "bcd"], "xabcd").map(\.range) == [1..<4])
        #expect(matches(["bcd", "ab"], "abcd").map(\.id) == [1])
        #expect(matches(["aa"], "aaaaa").map(\.range) == [0..<2, 2..<4])
    }

    @Test func `white space beside a match is taken in where its flags say so`() {
        let left = matches(["[M]"], "a \t[M] b") { $0.stripsLeft = true }
        #expect(left.map(\.range) == [1..<6])
        #expect(left.map(\.contentStart) == [3])
        #expect(matches(["[M]"], "a [M] \u{3000}b") { $0.stripsRight = true }.map(\.range) == [2..<7])
    }

    @Test func `a single word does not touch a word character`() {
        #expect(
            matches(["서울"], "서울은 서울 (서울) _서울") { $0.singleWord = true }.map(\.range.lowerBound) == [4, 8])
    }

    @Test func `no tokens, no matches`() {
        #expect(matches([], "abc").isEmpty)
        #expect(matches([""], "abc").isEmpty)
    }
}
