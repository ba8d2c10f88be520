import Testing

@testable import QuestionAnswering

@Suite struct CodePointTableTests {
    /// What the entry of a code point stands for: its words' code points, `nil` between words.
    private func outcome(_ entry: CodePointEntry, _ codePoint: UInt32, _ table: CodePointTable) -> [UInt32?] {
        switch entry.kind {
        case .word: [codePoint]
        case .removed: []
        case .space: [nil]
        case .isolated: [nil, codePoint, nil]
        case .mappedWord: [entry.payload]
        case .mappedIsolated: [nil, entry.payload, nil]
        case .hangul: UnicodeTables.jamo(of: codePoint)
        case .expansion:
            (1...Int(table.expansions[Int(entry.payload)])).flatMap { index -> [UInt32?] in
                let part = CodePointEntry(bits: table.expansions[Int(entry.payload) + index])
                return outcome(part, part.payload, table)
            }
        case .reordered: []
        }
    }

    private func merged(_ outcome: [UInt32?]) -> [UInt32?] {
        outcome.reduce(into: []) { merged, next in
            if next != nil || merged.last != .some(nil) { merged.append(next) }
        }
    }

    @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
    func `every entry is what normalisation makes of its code point`(lower: Bool, strip: Bool) {
        let settings = TokenizerSettings(doLowerCase: lower, stripAccents: strip)
        let table = CodePointTable(settings: settings)
        let normalizer = TextNormalizer(settings: settings)
        // Step over the long stretches where all code points are alike, but never over the same ones.
        var codePoint: UInt32 = 0
        while codePoint < 0x110000 {
            defer { codePoint += codePoint < 0x3400 || (0xA000..<0xAC80).contains(codePoint) ? 1 : 13 }
            guard !(0xD800...0xDFFF).contains(codePoint) else { continue }
            let entry = table[codePoint]
            if entry.kind == .reordered {
                #expect(normalizer.holdsReorderedMark(codePoint))
                continue
            }
            let expected = normalizer.normalize([codePoint]).scalars.flatMap { scalar -> [UInt32?] in
                if scalar == 0x20 { return [nil] }
                return normalizer.tables.punctuation.contains(scalar) ? [nil, scalar, nil] : [scalar]
            }
            let actual = merged(outcome(entry, codePoint, table))
            if actual != merged(expected) { Issue.record("U+\(String(codePoint, radix: 16))") }
        }
    }
}
