/// The entries of a vocabulary as a trie over code points, for greedy longest match.
///
/// One hash table holds the edges of all nodes, so that a step costs one probe; words and continuations (`##`)
/// begin at a root of their own.
struct WordPieceTrie: Sendable {
    struct Edge {
        /// Node and code point, see `key`; 0 when free.
        var key: UInt64 = 0
        /// Where the edge leads; `leaf` when nothing follows there.
        var node: Int32 = 0
        /// The entry that ends there, or -1.
        var id: Int32 = -1
    }

    static let wordRoot: Int32 = 1
    static let continuationRoot: Int32 = 2
    static let leaf: Int32 = 0

    private(set) var edges: [Edge]
    private var used = 0
    private var nodeCount: Int32 = 2

    init(_ vocabulary: Vocabulary) {
        edges = Array(repeating: Edge(), count: 1 << 12)
        for (id, token) in vocabulary.tokens.enumerated() {
            let isContinuation = token.utf8.starts(with: "##".utf8)
            let scalars = token.unicodeScalars.dropFirst(isContinuation ? 2 : 0)
            insert(
                scalars.map(\.value), Int32(id), at: isContinuation ? Self.continuationRoot : Self.wordRoot)
        }
        markLeaves()
    }

    static func key(_ node: Int32, _ scalar: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar)
    }

    /// Where the search for a key begins in a table of `mask + 1` edges.
    static func slot(_ key: UInt64, mask: Int) -> Int {
        let product = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (product ^ product >> 29) >> 8) & mask
    }

    private mutating func insert(_ scalars: [UInt32], _ id: Int32, at root: Int32) {
        var node = root
        for (index, scalar) in scalars.enumerated() {
            let place = placeOfEdge(node, scalar)
            if index == scalars.count - 1 { edges[place].id = id }
            node = edges[place].node
        }
    }

    private mutating func placeOfEdge(_ node: Int32, _ scalar: UInt32) -> Int {
        let key = Self.key(node, scalar)
        var place = Self.find(key, in: edges)
        if edges[place].key == key { return place }
        if used * 5 > edges.count * 2 {
            grow()
            place = Self.find(key, in: edges)
        }
        nodeCount += 1
        used += 1
        edges[place] = Edge(key: key, node: nodeCount, id: -1)
        return place
    }

    /// The place of a key, or the free one where it belongs.
    private static func find(_ key: UInt64, in edges: [Edge]) -> Int {
        let mask = edges.count - 1
        var place = slot(key, mask: mask)
        while edges[place].key != 0, edges[place].key != key { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        var larger = [Edge](repeating: Edge(), count: edges.count * 2)
        for edge in edges where edge.key != 0 { larger[Self.find(edge.key, in: larger)] = edge }
        edges = larger
    }

    /// Lets a match stop without a probe where no entry goes on.
    private mutating func markLeaves() {
        var hasChildren = [Bool](repeating: false, count: Int(nodeCount) + 1)
        for edge in edges where edge.key != 0 { hasChildren[Int(edge.key >> 32)] = true }
        for place in edges.indices where !hasChildren[Int(edges[place].node)] {
            edges[place].node = Self.leaf
        }
    }
}
