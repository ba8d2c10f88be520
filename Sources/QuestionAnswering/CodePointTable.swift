/// What normalisation makes of one code point, in 32 bits: the kind above, a code point or an index below.
struct CodePointEntry: Equatable {
    enum Kind: UInt32 {
        /// Part of a word, unchanged.
        case word
        /// Vanishes.
        case removed
        /// Ends a word.
        case space
        /// A word of its own, unchanged.
        case isolated
        /// Part of a word, changed into the code point of the payload.
        case mappedWord
        /// A word of its own, changed into the code point of the payload.
        case mappedIsolated
        /// Several code points: the payload is the place of their number in `CodePointTable.expansions`, their
        /// entries following, each `mappedWord` or `mappedIsolated`.
        case expansion
        /// A Hangul syllable to be taken apart.
        case hangul
        /// A mark that stays and may have to change places with its neighbours.
        case reordered
    }

    private(set) var bits: UInt32

    /// Set beside any kind when an added token begins with this code point.
    private static let addedTokenFlag: UInt32 = 1 << 27
    private static let payloadMask: UInt32 = 1 << 27 - 1

    init(_ kind: Kind, _ payload: UInt32 = 0) { bits = kind.rawValue << 28 | payload }

    init(bits: UInt32) { self.bits = bits }

    /// Raw values are those of `Kind` by construction.
    var kind: Kind { Kind(rawValue: bits >> 28) ?? .word }
    var payload: UInt32 { bits & Self.payloadMask }
    var mayBeginAddedToken: Bool { bits & Self.addedTokenFlag != 0 }

    mutating func markAddedTokenStart() { bits |= Self.addedTokenFlag }
}

/// The outcome of normalising each code point by itself, under given settings: two levels, of pages of 256
/// entries, pages of one single entry shared.
struct CodePointTable: Sendable {
    /// Where the page of `codePoint >> 8` begins in `entries`.
    private(set) var pageStarts: [Int32]
    private(set) var entries: [UInt32]
    private(set) var expansions: [UInt32] = []
    private var uniformPages: [UInt32: Int32]

    private static let pageSize = 256

    init(settings: TokenizerSettings, tables: UnicodeTables = .shared) {
        entries = Array(repeating: CodePointEntry(.word).bits, count: Self.pageSize)
        pageStarts = Array(repeating: 0, count: 0x110000 / Self.pageSize)
        uniformPages = [CodePointEntry(.word).bits: 0]
        let normalizer = TextNormalizer(settings: settings, tables: tables)
        // Long ranges of one outcome first, then every code point with an outcome of its own.
        if settings.tokenizeChineseCharacters { fill(tables.ideographs, CodePointEntry(.isolated)) }
        if settings.stripsAccents {
            fill(CodePointSet(ranges: [UnicodeTables.hangulSyllables]), CodePointEntry(.hangul))
            fill(tables.nonspacingMarks, CodePointEntry(.removed))
        }
        fill(tables.punctuation, CodePointEntry(.isolated))
        for codePoint in Self.individuals(settings, tables) {
            set(codePoint, entry(for: codePoint, normalizer))
        }
        fill(tables.removed, CodePointEntry(.removed))
        fill(tables.whitespace, CodePointEntry(.space))
        for token in settings.soughtTokens where !token.normalized {
            if let first = token.content.unicodeScalars.first { markAddedTokenStart(first.value) }
        }
    }

    subscript(codePoint: UInt32) -> CodePointEntry {
        CodePointEntry(bits: entries[Int(pageStarts[Int(codePoint >> 8)]) + Int(codePoint & 0xFF)])
    }

    /// The table as a text is read, without bounds checks.
    struct Reader {
        let pageStarts: UnsafePointer<Int32>
        let entries: UnsafePointer<UInt32>
        let expansions: UnsafeBufferPointer<UInt32>

        /// - Parameter codePoint: at most 0x10FFFF.
        @inline(__always)
        subscript(codePoint: UInt32) -> CodePointEntry {
            CodePointEntry(bits: entries[Int(pageStarts[Int(codePoint >> 8)]) + Int(codePoint & 0xFF)])
        }
    }

    /// Lends the table to `body`.
    func withReader<Result>(_ body: (Reader) -> Result) -> Result {
        pageStarts.withUnsafeBufferPointer { pageStarts in
            entries.withUnsafeBufferPointer { entries in
                expansions.withUnsafeBufferPointer { expansions in
                    // Neither of the first two is ever empty.
                    guard let pages = pageStarts.baseAddress, let first = entries.baseAddress else {
                        preconditionFailure("a table without pages")
                    }
                    return body(Reader(pageStarts: pages, entries: first, expansions: expansions))
                }
            }
        }
    }

    private static func individuals(_ settings: TokenizerSettings, _ tables: UnicodeTables) -> Set<UInt32> {
        var found: Set<UInt32> = []
        if settings.doLowerCase { found.formUnion(tables.lowerCase.keys) }
        if settings.stripsAccents {
            found.formUnion(tables.decompositions.keys)
            found.formUnion(tables.combiningClasses.keys)
        }
        return found
    }

    private mutating func entry(for codePoint: UInt32, _ normalizer: TextNormalizer) -> CodePointEntry {
        let outcome = normalizer.normalize([codePoint]).scalars.filter { $0 != 0x20 }
        if normalizer.holdsReorderedMark(codePoint) { return CodePointEntry(.reordered) }
        guard let first = outcome.first else { return CodePointEntry(.removed) }
        guard outcome.count == 1 else {
            let place = UInt32(expansions.count)
            expansions.append(UInt32(outcome.count))
            for part in outcome {
                let isPunctuation = normalizer.tables.punctuation.contains(part)
                let kind: CodePointEntry.Kind = isPunctuation ? .mappedIsolated : .mappedWord
                expansions.append(CodePointEntry(kind, part).bits)
            }
            return CodePointEntry(.expansion, place)
        }
        let isolated =
            normalizer.isSpacedIdeograph(codePoint) || normalizer.tables.punctuation.contains(first)
        if first == codePoint { return CodePointEntry(isolated ? .isolated : .word) }
        return CodePointEntry(isolated ? .mappedIsolated : .mappedWord, first)
    }

    private mutating func fill(_ set: CodePointSet, _ entry: CodePointEntry) {
        for range in set.ranges {
            var next = range.lowerBound
            while next <= range.upperBound {
                if next & 0xFF == 0, range.upperBound - next >= 0xFF {
                    pageStarts[Int(next >> 8)] = uniformPage(entry)
                    next += 0x100
                } else {
                    self.set(next, entry)
                    next += 1
                }
            }
        }
    }

    private mutating func uniformPage(_ entry: CodePointEntry) -> Int32 {
        if let start = uniformPages[entry.bits] { return start }
        let start = Int32(entries.count)
        entries.append(contentsOf: repeatElement(entry.bits, count: Self.pageSize))
        uniformPages[entry.bits] = start
        return start
    }

    private mutating func set(_ codePoint: UInt32, _ entry: CodePointEntry) {
        entries[ownPage(codePoint) + Int(codePoint & 0xFF)] = entry.bits
    }

    private mutating func markAddedTokenStart(_ codePoint: UInt32) {
        var entry = self[codePoint]
        entry.markAddedTokenStart()
        set(codePoint, entry)
    }

    /// The start of the page of `codePoint`, which no other range of code points shares any more.
    private mutating func ownPage(_ codePoint: UInt32) -> Int {
        let start = pageStarts[Int(codePoint >> 8)]
        guard uniformPages.values.contains(start) else { return Int(start) }
        let own = entries.count
        entries.append(contentsOf: Array(entries[Int(start)..<Int(start) + Self.pageSize]))
        pageStarts[Int(codePoint >> 8)] = Int32(own)
        return own
    }
}
