/// What rules on text need to know of a code point.
enum ScalarKind {
    /// White space of any kind.
    @inline(__always)
    static func isSpace(_ scalar: UInt32) -> Bool {
        scalar == 0x20 || isLineBreak(scalar) || isWideSpace(scalar)
    }

    /// White space within a line.
    @inline(__always)
    static func isBlank(_ scalar: UInt32) -> Bool { scalar == 0x20 || isWideSpace(scalar) }

    @inline(__always)
    private static func isWideSpace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    @inline(__always)
    static func isLineBreak(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x0A...0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    static func isHangul(_ scalar: UInt32) -> Bool { UnicodeTables.hangulSyllables.contains(scalar) }

    static func isLatinLetter(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    static func isDigit(_ scalar: UInt32) -> Bool { (0x30...0x39).contains(scalar) }

    /// A letter or digit of the names of people and news agencies.
    static func isNameLetter(_ scalar: UInt32) -> Bool {
        isHangul(scalar) || isLatinLetter(scalar) || isDigit(scalar)
    }

    /// CJK ideographs with all extensions and the compatibility forms, and the signs that stand for one.
    @inline(__always)
    static func isIdeograph(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x3FFFF, 0x3005, 0x3007: true
        default: false
        }
    }

    /// The bracket that closes this one.
    static func closing(_ scalar: UInt32) -> UInt32? {
        switch scalar {
        case 0x28: 0x29  // ( )
        case 0x5B: 0x5D  // [ ]
        case 0xFF08: 0xFF09  // （ ）
        case 0xFF3B: 0xFF3D  // ［ ］
        case 0x3014: 0x3015  // 〔 〕
        default: nil
        }
    }

    static func isClosing(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x29, 0x5D, 0xFF09, 0xFF3D, 0x3015: true
        default: false
        }
    }
}
