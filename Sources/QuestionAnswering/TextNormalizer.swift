/// Text in code points, each with its source: the index of the code point of the original it stands for.
struct AlignedText: Equatable {
    var scalars: [UInt32] = []
    var sources: [Int32] = []

    mutating func append(_ scalar: UInt32, _ source: Int32) {
        scalars.append(scalar)
        sources.append(source)
    }
}

/// The normaliser step by step, as the reference has it (`BertNormalizer`): plain rather than fast. It defines
/// what `CodePointTable` holds, and serves texts that the table alone cannot.
struct TextNormalizer: Sendable {
    let settings: TokenizerSettings
    let tables: UnicodeTables

    init(settings: TokenizerSettings, tables: UnicodeTables = .shared) {
        self.settings = settings
        self.tables = tables
    }

    /// Normalises a piece of text that begins at code point `firstSource` of the original.
    func normalize(_ piece: some Sequence<UInt32>, firstSource: Int32 = 0) -> AlignedText {
        var text = cleaned(piece, firstSource: firstSource)
        if settings.tokenizeChineseCharacters { text = withSpacedIdeographs(text) }
        if settings.stripsAccents { text = withoutMarks(decomposed(text)) }
        return settings.doLowerCase ? lowerCased(text) : text
    }

    /// Whether a code point of the original gets spaces around it.
    func isSpacedIdeograph(_ codePoint: UInt32) -> Bool {
        settings.tokenizeChineseCharacters && tables.ideographs.contains(codePoint)
    }

    /// Whether a code point leaves a mark that takes part in canonical ordering.
    func holdsReorderedMark(_ codePoint: UInt32) -> Bool {
        settings.stripsAccents
            && tables.decomposition(of: codePoint).contains {
                tables.combiningClass(of: $0) != 0 && !tables.nonspacingMarks.contains($0)
            }
    }

    private func cleaned(_ piece: some Sequence<UInt32>, firstSource: Int32) -> AlignedText {
        var text = AlignedText()
        var source = firstSource
        for scalar in piece {
            if !tables.removed.contains(scalar) {
                text.append(tables.whitespace.contains(scalar) ? 0x20 : scalar, source)
            }
            source += 1
        }
        return text
    }

    private func withSpacedIdeographs(_ text: AlignedText) -> AlignedText {
        var spaced = AlignedText()
        for (scalar, source) in zip(text.scalars, text.sources) {
            let isIdeograph = tables.ideographs.contains(scalar)
            if isIdeograph { spaced.append(0x20, source) }
            spaced.append(scalar, source)
            if isIdeograph { spaced.append(0x20, source) }
        }
        return spaced
    }

    /// Canonical decomposition and ordering (NFD).
    ///
    /// The reference carries "replaces the next code point" or "inserted after it" along with each code point
    /// while it orders marks, and only then resolves these to sources; so a mark may end up with its neighbour's.
    private func decomposed(_ text: AlignedText) -> AlignedText {
        var parts: [Part] = []
        var firstMark = 0
        for scalar in text.scalars {
            for (index, part) in tables.decomposition(of: scalar).enumerated() {
                let order = tables.combiningClass(of: part)
                if order == 0 { sortMarks(&parts, from: firstMark) }
                parts.append(Part(scalar: part, order: order, replacesNext: index == 0))
                if order == 0 { firstMark = parts.count }
            }
        }
        sortMarks(&parts, from: firstMark)
        var decomposed = AlignedText()
        var consumed = 0
        for part in parts {
            if part.replacesNext { consumed += 1 }
            decomposed.append(part.scalar, text.sources[max(consumed - 1, 0)])
        }
        return decomposed
    }

    private struct Part {
        let scalar: UInt32
        let order: UInt8
        let replacesNext: Bool
    }

    private func sortMarks(_ parts: inout [Part], from first: Int) {
        guard parts.count - first > 1 else { return }
        // Stable: marks of one class keep their order.
        let sorted = parts[first...].enumerated()
            .sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }.map(\.element)
        parts.replaceSubrange(first..., with: sorted)
    }

    private func withoutMarks(_ text: AlignedText) -> AlignedText {
        var kept = AlignedText()
        for (scalar, source) in zip(text.scalars, text.sources) where !tables.nonspacingMarks.contains(scalar)
        {
            kept.append(scalar, source)
        }
        return kept
    }

    private func lowerCased(_ text: AlignedText) -> AlignedText {
        var lowered = AlignedText()
        for (scalar, source) in zip(text.scalars, text.sources) {
            for part in tables.lowerCase(of: scalar) { lowered.append(part, source) }
        }
        return lowered
    }
}
