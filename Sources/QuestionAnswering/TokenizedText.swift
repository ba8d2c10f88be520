/// The tokens of a text as `dure tokenize` prints them.
package struct TokenizedText: Sendable, Equatable {
    /// Vocabulary entry of each token.
    package var tokens: [String]
    package var ids: [Int32]
    /// Begin and end of each token in code points of the text.
    package var offsets: [[Int32]]

    /// The object of the interface: `{"tokens":[…],"ids":[…],"offsets":[[s,e],…]}`.
    package var json: JSONValue {
        .object([
            ("tokens", .array(tokens.map(JSONValue.string))),
            ("ids", .array(ids.map { .integer(Int($0)) })),
            ("offsets", .array(offsets.map { .array($0.map { .integer(Int($0)) }) })),
        ])
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
        ids.map {
            vocabulary.token($0) ?? settings.additionalTokens[Int($0)]?.content
                ?? settings.unknownToken.content
        }
    }
}
