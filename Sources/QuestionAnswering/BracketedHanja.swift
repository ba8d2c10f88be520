/// Hanja in brackets: Korean text gives them after the Hangul reading, which alone says the same.
///
/// Left out with their brackets are `()`, `（）`, `[]`, `［］` and `〔〕` that hold ideographs and, besides, only
/// blanks and marks between them. Brackets with anything else, such as a Hangul or Latin gloss, stay whole, and
/// so do titles in `《》`.
enum BracketedHanja {
    static func edits(in text: [UInt32]) -> [CleaningEdit] {
        var open: [Bracket] = []
        var edits: [CleaningEdit] = []
        for (index, scalar) in text.enumerated() {
            // Most text stands outside of brackets.
            if open.isEmpty, !mayOpen(scalar) { continue }
            if let closing = ScalarKind.closing(scalar) {
                open.append(Bracket(start: index, closing: closing))
            } else if let last = open.last {
                if scalar == last.closing {
                    open.removeLast()
                    close(last, at: index, &open, &edits)
                } else {
                    open[open.count - 1].add(scalar)
                }
            }
        }
        return edits
    }

    @inline(__always)
    private static func mayOpen(_ scalar: UInt32) -> Bool {
        scalar < 0x3000 ? scalar == 0x28 || scalar == 0x5B : !ScalarKind.isHangul(scalar)
    }

    private static func close(
        _ bracket: Bracket, at end: Int, _ open: inout [Bracket], _ edits: inout [CleaningEdit]
    ) {
        guard bracket.holdsOnlyHanja else {
            // What stays in an inner bracket keeps the outer one.
            if !open.isEmpty { open[open.count - 1].holdsOther = true }
            return
        }
        if !open.isEmpty { open[open.count - 1].holdsIdeograph = true }
        while let last = edits.last, last.range.lowerBound > bracket.start { edits.removeLast() }
        edits.append(CleaningEdit(range: bracket.start..<end + 1, separates: false))
    }

    private struct Bracket {
        let start: Int
        let closing: UInt32
        var holdsIdeograph = false
        var holdsOther = false

        init(start: Int, closing: UInt32) {
            self.start = start
            self.closing = closing
        }

        var holdsOnlyHanja: Bool { holdsIdeograph && !holdsOther }

        mutating func add(_ scalar: UInt32) {
            if ScalarKind.isIdeograph(scalar) {
                holdsIdeograph = true
            } else if !BracketedHanja.standsBetween(scalar) {
                holdsOther = true
            }
        }
    }

    /// Blanks, and `, - / : ; · ‧ • ∙ 、 ・ ，ㆍ`.
    private static func standsBetween(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x2C, 0x2D, 0x2F, 0x3A, 0x3B, 0xB7, 0x2027, 0x2022, 0x2219, 0x3001, 0x30FB, 0xFF0C, 0x318D: true
        default: ScalarKind.isBlank(scalar)
        }
    }
}
