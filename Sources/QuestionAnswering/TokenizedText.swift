import Foundation

/// The tokens of a text as `dure tokenize` prints them.
package struct TokenizedText: Sendable, Equatable, Encodable {
    /// Vocabulary entry of each token.
    package var tokens: [String]
    package var ids: [Int32]
    /// Begin and end of each token in code points of the text.
    package var offsets: [[Int32]]

    /// One line of JSON, without a line feed.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension WordPieceTokenizer {
    /// Encodes `text` and writes out its tokens.
    package func describe(_ text: String) -> TokenizedText {
        let tokens = encode(text)
        return TokenizedText(
            tokens: texts(ofIDs: tokens.map(\.id)), ids: tokens.map(\.id),
            offsets: tokens.map { [$0.start, $0.end] })
    }

    /// The vocabulary entries of some ids; the unknown token for an id outside the vocabulary.
    package func texts(ofIDs ids: [Int32]) -> [String] {
        ids.map { vocabulary.token($0) ?? settings.unknownToken.content }
    }
}
