/// Signs that decorate Korean news and wiki text without meaning of their own, and unseen code points.
///
/// Where a sign parts two words a blank takes its place. Signs that abbreviate words, such as ㈜, stay.
enum SpecialCharacters {
    static func edits(in text: [UInt32]) -> [CleaningEdit] {
        var edits: [CleaningEdit] = []
        for (index, scalar) in text.enumerated() where mayBeSpecial(scalar) {
            let isSign = isSign(scalar)
            guard isSign || isUnseen(scalar) else { continue }
            // Neighbours are one removal.
            if let last = edits.last, last.range.upperBound == index {
                edits[edits.count - 1] = CleaningEdit(
                    range: last.range.lowerBound..<index + 1, separates: last.separates || isSign)
            } else {
                edits.append(CleaningEdit(range: index..<index + 1, separates: isSign))
            }
        }
        return edits
    }

    /// False for nearly all text.
    @inline(__always)
    private static func mayBeSpecial(_ scalar: UInt32) -> Bool {
        scalar == 0xAD || (0x200B...0x3013).contains(scalar) || scalar >= 0xFEFF
    }

    /// Geometric shapes (■ □ ▲ △ ▶ ◆ ◇ ○ ◎ ● …), ※ ★ ☆ ☎ ☏ ☜ ☞, suits of cards, ♨, ticks, ❖, squares and 〓, and
    /// the replacement for an object.
    private static func isSign(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x203B, 0x25A0...0x25FF, 0x2605, 0x2606, 0x260E, 0x260F, 0x261A...0x261F, 0x2660...0x2668,
            0x2713, 0x2714, 0x2726, 0x2727, 0x2756, 0x2B1B, 0x2B1C, 0x2B50, 0x3013, 0xFFFC:
            true
        default: false
        }
    }

    /// Soft hyphen, zero-width and direction marks, byte-order mark.
    private static func isUnseen(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xAD, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
