/// Gathers the code points of one word and turns each finished word into tokens.
///
/// Borrows the trie's edges for the time of one text, so that no step pays for bounds or reference counts.
struct WordAssembler {
    private let edges: UnsafeBufferPointer<WordPieceTrie.Edge>
    private let unknown: Int32
    private(set) var tokens: [Token] = []
    /// The word so far; code points past the limit are counted only.
    private let scalars: UnsafeMutableBufferPointer<UInt32>
    private let sources: UnsafeMutableBufferPointer<Int32>
    private var count = 0
    private var lastSource: Int32 = 0

    /// Code points of the longest word that is looked up; a longer one is unknown.
    static let longestWord = 100

    /// - Parameter scalars: room for `longestWord` code points, as in `sources`.
    init(
        edges: UnsafeBufferPointer<WordPieceTrie.Edge>, unknown: Int32,
        scalars: UnsafeMutableBufferPointer<UInt32>, sources: UnsafeMutableBufferPointer<Int32>,
        expectedTokens: Int
    ) {
        self.edges = edges
        self.unknown = unknown
        self.scalars = scalars
        self.sources = sources
        tokens.reserveCapacity(expectedTokens)
    }

    /// Adds a code point of a word, made of the code point `source` of the original.
    @inline(__always)
    mutating func append(_ scalar: UInt32, _ source: Int32) {
        if count < Self.longestWord {
            scalars[count] = scalar
            sources[count] = source
        }
        count += 1
        lastSource = source
    }

    /// Ends the word before, if any, and makes a word of one code point.
    @inline(__always)
    mutating func appendIsolated(_ scalar: UInt32, _ source: Int32) {
        endWord()
        append(scalar, source)
        endWord()
    }

    @inline(__always)
    mutating func endWord() {
        if count > 0 { splitWord() }
    }

    /// Adds a token found as such in the text.
    mutating func append(_ token: Token) {
        endWord()
        tokens.append(token)
    }

    /// Greedy longest match; a word that cannot be covered is one unknown token.
    private mutating func splitWord() {
        let length = count
        count = 0
        let before = tokens.count
        var start = 0
        var root = WordPieceTrie.wordRoot
        while start < length, length <= Self.longestWord {
            let (end, id) = longestMatch(from: start, to: length, root: root)
            if id < 0 { break }
            tokens.append(Token(id: id, start: sources[start], end: sources[end - 1] + 1))
            start = end
            root = WordPieceTrie.continuationRoot
        }
        if start < length {
            tokens.removeLast(tokens.count - before)
            tokens.append(Token(id: unknown, start: sources[0], end: lastSource + 1))
        }
    }

    @inline(__always)
    private func longestMatch(from start: Int, to length: Int, root: Int32) -> (end: Int, id: Int32) {
        let mask = edges.count - 1
        var node = root
        var best: (end: Int, id: Int32) = (start, -1)
        var position = start
        while position < length, node != WordPieceTrie.leaf {
            let key = WordPieceTrie.key(node, scalars[position])
            var place = WordPieceTrie.slot(key, mask: mask)
            while edges[place].key != key {
                if edges[place].key == 0 { return best }
                place = (place + 1) & mask
            }
            position += 1
            node = edges[place].node
            if edges[place].id >= 0 { best = (position, edges[place].id) }
        }
        return best
    }
}
