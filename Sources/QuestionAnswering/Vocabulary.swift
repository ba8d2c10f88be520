import Core
import Foundation

/// The entries of a WordPiece vocabulary; the position of an entry is its id.
///
/// Entries are told apart by their UTF-8 bytes: `String`'s own equality would merge a Hangul syllable with the
/// conjoining jamo it decomposes into, which are different entries.
package struct Vocabulary: Sendable, Equatable {
    /// Text of every entry by id, without trailing white space. A blank entry matches no text.
    package let tokens: [String]
    /// Where the entries came from, for messages.
    package let source: String

    private let identifiers: [UTF8Key: Int32]

    /// Number of ids.
    package var count: Int { tokens.count }

    /// Reads `vocab.txt`, one entry a line.
    ///
    /// - Throws: `TextError` when it cannot be read, is not UTF-8, is empty or holds an entry twice.
    package init(contentsOf url: URL) throws {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw TextError.unreadableFile(path: url.path, reason: "check the path and the permissions")
        }
        // The first entry may look like JSON, or be the head of a table.
        if let content = FileContent.recognised(data), content != .json, content != .csv {
            throw TextError.otherContent(path: url.path, content)
        }
        try self.init(text: data, source: url.path)
    }

    /// Splits the bytes of a `vocab.txt` as Hugging Face does: at line feeds, white space at the end of a line
    /// (so also the return of CR LF) dropped, the last line feed optional. Blank lines keep their id, except at
    /// the end, where they are no entries. A byte order mark is no part of the first.
    ///
    /// - Throws: `TextError` when it is not UTF-8, is empty or holds an entry twice.
    package init(text: some Sequence<UInt8>, source: String) throws {
        var lines: [String] = []
        let text = TextMark.removed(from: Array(text)[...])
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            guard let entry = String(validating: line, as: UTF8.self) else {
                throw TextError.notUTF8(path: source, line: lines.count + 1)
            }
            lines.append(entry)
        }
        try self.init(entries: lines, source: source)
    }

    /// Takes entries in the order of their ids, trimmed as the lines of a file are.
    ///
    /// - Throws: `TextError` when there are none or one stands twice.
    package init(entries: [String], source: String) throws {
        var tokens = entries.map(Self.withoutTrailingWhitespace)
        while let last = tokens.last, last.isEmpty { tokens.removeLast() }
        guard !tokens.isEmpty else { throw TextError.emptyVocabulary(path: source) }
        var identifiers: [UTF8Key: Int32] = [:]
        identifiers.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() where !token.isEmpty {
            if let first = identifiers.updateValue(Int32(id), forKey: UTF8Key(token)) {
                throw TextError.duplicateEntry(
                    path: source, entry: token, firstLine: Int(first) + 1, secondLine: id + 1)
            }
        }
        self.tokens = tokens
        self.source = source
        self.identifiers = identifiers
    }

    /// The id of an entry of exactly these bytes.
    package func id(of token: String) -> Int32? { identifiers[UTF8Key(token)] }

    /// The entry with this id.
    package func token(_ id: Int32) -> String? { tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil }

    /// The content of a `vocab.txt`: every entry on a line of its own. Reading it gives the same vocabulary.
    package var text: String { tokens.joined(separator: "\n") + "\n" }

    /// Two vocabularies with the same ids, wherever they came from.
    package static func == (left: Vocabulary, right: Vocabulary) -> Bool {
        left.count == right.count
            && zip(left.tokens, right.tokens).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }

    private static func withoutTrailingWhitespace(_ line: String) -> String {
        var scalars = Substring(line).unicodeScalars
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}

/// A string that equals another only when their UTF-8 bytes are the same.
private struct UTF8Key: Hashable, Sendable {
    let string: String

    init(_ string: String) { self.string = string }

    static func == (left: UTF8Key, right: UTF8Key) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
