/// Finds added tokens in a text of code points: leftmost first, of several there the longest.
struct AddedTokenMatcher: Sendable {
    struct Match: Equatable {
        let id: Int32
        /// Where the token's own content begins.
        let contentStart: Int
        /// Code points of the text, with the white space the token takes in.
        let range: Range<Int>
    }

    private struct Pattern {
        let scalars: [UInt32]
        let id: Int32
        let token: AddedToken
    }

    private let patterns: [Pattern]

    var isEmpty: Bool { patterns.isEmpty }

    /// - Parameter tokens: what to look for, its id, and the added token with its flags.
    init(_ tokens: [(scalars: [UInt32], id: Int32, token: AddedToken)]) {
        patterns = tokens.filter { !$0.scalars.isEmpty }
            .map { Pattern(scalars: $0.scalars, id: $0.id, token: $0.token) }
            .sorted { $0.scalars.count > $1.scalars.count }
    }

    /// All matches in order, none touching another.
    func matches(in text: [UInt32]) -> [Match] {
        guard !isEmpty else { return [] }
        var found: [Match] = []
        var position = 0
        while position < text.count {
            guard let pattern = pattern(at: position, in: text) else {
                position += 1
                continue
            }
            let range = position..<position + pattern.scalars.count
            position = range.upperBound
            if let match = match(pattern, at: range, in: text, after: found.last?.range.upperBound ?? 0) {
                found.append(match)
                position = max(position, match.range.upperBound)
            }
        }
        return found
    }

    private func pattern(at position: Int, in text: [UInt32]) -> Pattern? {
        patterns.first { pattern in
            pattern.scalars[0] == text[position] && text[position...].starts(with: pattern.scalars)
        }
    }

    private func match(_ pattern: Pattern, at range: Range<Int>, in text: [UInt32], after previous: Int)
        -> Match?
    {
        if pattern.token.singleWord {
            let touchesBefore = range.lowerBound > 0 && Self.isWordCharacter(text[range.lowerBound - 1])
            let touchesAfter = range.upperBound < text.count && Self.isWordCharacter(text[range.upperBound])
            if touchesBefore || touchesAfter { return nil }
        }
        var start = range.lowerBound
        var end = range.upperBound
        if pattern.token.stripsLeft {
            while start > previous, Self.isWhitespace(text[start - 1]) { start -= 1 }
        }
        if pattern.token.stripsRight {
            while end < text.count, Self.isWhitespace(text[end]) { end += 1 }
        }
        return Match(id: pattern.id, contentStart: range.lowerBound, range: start..<end)
    }

    private static func isWhitespace(_ codePoint: UInt32) -> Bool {
        Unicode.Scalar(codePoint)?.properties.isWhitespace ?? false
    }

    /// `\w` of regular expressions (UTS 18).
    private static func isWordCharacter(_ codePoint: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(codePoint)?.properties else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return properties.isAlphabetic || properties.isJoinControl
        }
    }
}
