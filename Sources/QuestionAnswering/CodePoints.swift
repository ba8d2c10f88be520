/// Whether two texts are the same sequence of code points. `String`'s own `==` also takes canonically
/// equivalent texts for equal, such as a Hangul syllable and its conjoining jamo, which offsets cannot.
package func isSameText(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
}

/// A text as an identifier: equal and hashed by its code points.
struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool { isSameText(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A text that can be sliced by code points in constant time.
package struct CodePoints: Sendable {
    package let scalars: [Unicode.Scalar]

    package init(_ text: String) { scalars = Array(text.unicodeScalars) }

    package var count: Int { scalars.count }

    /// The text between two offsets in code points, both cut to the text as Python's slices are.
    package func slice(_ start: Int, _ end: Int) -> String {
        let lower = min(max(start, 0), scalars.count)
        let upper = min(max(end, lower), scalars.count)
        return Self.text(of: scalars[lower..<upper])
    }

    /// The text made of `scalars`.
    static func text(of scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Whether `other` stands at `offset`; false when `offset` lies outside the text.
    func holds(_ other: CodePoints, at offset: Int) -> Bool {
        guard offset >= 0, offset <= count - other.count else { return false }
        return scalars[offset..<offset + other.count].elementsEqual(other.scalars)
    }

    /// Where `other` stands first, at `start` or after; nil also when it is empty.
    package func firstOccurrence(of other: CodePoints, from start: Int = 0) -> Range<Int>? {
        guard let first = other.scalars.first, other.count <= count - start else { return nil }
        for offset in start...(count - other.count) where scalars[offset] == first && holds(other, at: offset)
        {
            return offset..<offset + other.count
        }
        return nil
    }

    /// Where `other` stands, the first `limit` places, overlapping ones too; nowhere when it is empty.
    package func occurrences(of other: CodePoints, limit: Int = .max) -> [Range<Int>] {
        var found: [Range<Int>] = []
        while found.count < limit,
            let next = firstOccurrence(of: other, from: (found.last?.lowerBound ?? -1) + 1)
        {
            found.append(next)
        }
        return found
    }

    /// The offset of `other` when it occurs exactly once, overlapping occurrences counted.
    func onlyOccurrence(of other: CodePoints) -> Int? {
        let found = occurrences(of: other, limit: 2)
        return found.count == 1 ? found[0].lowerBound : nil
    }
}
