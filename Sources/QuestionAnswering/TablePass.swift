/// One pass over the UTF-8 of a text that looks up the outcome of each code point and feeds the words to an
/// assembler.
struct TablePass {
    let reader: CodePointTable.Reader
    /// Valid UTF-8.
    let bytes: UnsafeBufferPointer<UInt8>
    let matcher: AddedTokenMatcher

    /// Returns false, the assembler's tokens being void, when the text holds marks whose outcome depends on their
    /// neighbours.
    func run(_ assembler: inout WordAssembler) -> Bool {
        var position = 0
        var source: Int32 = 0
        // All added tokens of the text, last first; sought once one may begin.
        var matches: [AddedTokenMatcher.Match]?
        while position < bytes.count {
            let scalar = nextScalar(&position)
            let entry = reader[scalar]
            if entry.mayBeginAddedToken {
                var pending = matches ?? matcher.matches(in: allScalars()).reversed()
                while let next = pending.last, next.contentStart < source { pending.removeLast() }
                matches = pending
                if let match = pending.last, match.contentStart == source {
                    assembler.append(match.token)
                    source += 1
                    while source < match.range.upperBound {
                        _ = nextScalar(&position)
                        source += 1
                    }
                    continue
                }
            }
            guard apply(entry, scalar, source, &assembler) else { return false }
            source += 1
        }
        return true
    }

    @inline(__always)
    private func apply(
        _ entry: CodePointEntry, _ scalar: UInt32, _ source: Int32, _ assembler: inout WordAssembler
    ) -> Bool {
        switch entry.kind {
        case .word: assembler.append(scalar, source)
        case .space: assembler.endWord()
        case .isolated: assembler.appendIsolated(scalar, source)
        case .removed: break
        case .mappedWord: assembler.append(entry.payload, source)
        case .mappedIsolated: assembler.appendIsolated(entry.payload, source)
        case .hangul: appendJamo(of: scalar, source, &assembler)
        case .expansion: appendExpansion(Int(entry.payload), source, &assembler)
        case .reordered: return false
        }
        return true
    }

    @inline(__always)
    private func appendJamo(of syllable: UInt32, _ source: Int32, _ assembler: inout WordAssembler) {
        let index = syllable &- UnicodeTables.hangulSyllables.lowerBound
        assembler.append(0x1100 &+ index / 588, source)
        assembler.append(0x1161 &+ index % 588 / 28, source)
        let trailing = index % 28
        if trailing != 0 { assembler.append(0x11A7 &+ trailing, source) }
    }

    private func appendExpansion(_ place: Int, _ source: Int32, _ assembler: inout WordAssembler) {
        let count = Int(reader.expansions[place])
        for bits in reader.expansions[place + 1...place + count] {
            let part = CodePointEntry(bits: bits)
            if part.kind == .mappedIsolated {
                assembler.appendIsolated(part.payload, source)
            } else {
                assembler.append(part.payload, source)
            }
        }
    }

    /// Decodes the code point at `position` and moves behind it.
    @inline(__always)
    private func nextScalar(_ position: inout Int) -> UInt32 {
        let first = UInt32(bytes[position])
        if first < 0x80 {
            position &+= 1
            return first
        }
        if first < 0xE0 {
            defer { position &+= 2 }
            return (first & 0x1F) << 6 | tail(position, 1)
        }
        if first < 0xF0 {
            defer { position &+= 3 }
            return (first & 0x0F) << 12 | tail(position, 1) << 6 | tail(position, 2)
        }
        defer { position &+= 4 }
        return (first & 0x07) << 18 | tail(position, 1) << 12 | tail(position, 2) << 6 | tail(position, 3)
    }

    @inline(__always)
    private func tail(_ position: Int, _ distance: Int) -> UInt32 {
        UInt32(bytes[position &+ distance] & 0x3F)
    }

    private func allScalars() -> [UInt32] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count { scalars.append(nextScalar(&position)) }
        return scalars
    }
}

extension AddedTokenMatcher.Match {
    /// The token in a text whose code points are the original's.
    var token: Token { Token(id: id, start: Int32(range.lowerBound), end: Int32(range.upperBound)) }
}
