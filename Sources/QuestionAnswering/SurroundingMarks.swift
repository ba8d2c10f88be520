/// White space, punctuation, quotation marks and brackets around a text.
enum SurroundingMarks {
    /// The part of `range` without marks at either end; empty when there is nothing else.
    static func trimmed(_ range: Range<Int>, of text: [Unicode.Scalar]) -> Range<Int> {
        guard let first = text[range].firstIndex(where: { !isMark($0) }),
            let last = text[range].lastIndex(where: { !isMark($0) })
        else { return range.lowerBound..<range.lowerBound }
        return first..<last + 1
    }

    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        if PythonText.isSpace(scalar) { return true }
        switch scalar {
        // Signs that belong to the number or name they stand at.
        case "%", "％", "‰", "′", "″", "#", "@", "&": return false
        case "<", ">", "`", "~", "～": return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}
