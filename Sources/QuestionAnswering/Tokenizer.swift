/// A piece of text and where it stands in the original, in Unicode code points.
package struct Token: Sendable, Equatable {
    package let id: Int32
    package let start: Int32
    package let end: Int32

    package init(id: Int32, start: Int32, end: Int32) {
        self.id = id
        self.start = start
        self.end = end
    }
}

/// Ids of the tokens that frame a feature.
package struct SpecialTokenIDs: Sendable, Equatable {
    package let classification: Int32
    package let separator: Int32
    package let padding: Int32

    package init(classification: Int32, separator: Int32, padding: Int32) {
        self.classification = classification
        self.separator = separator
        self.padding = padding
    }
}

/// What features need of a tokenizer.
package protocol Tokenizer: Sendable {
    var specialTokenIDs: SpecialTokenIDs { get }

    /// Tokens of `text` in order, without special tokens added.
    func encode(_ text: String) -> [Token]
}
