/// A set of code points as sorted, disjoint ranges.
struct CodePointSet: Sendable {
    let ranges: [ClosedRange<UInt32>]

    func contains(_ codePoint: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < codePoint { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(codePoint)
    }
}

/// What the reference's libraries know of each code point.
///
/// They hold older Unicode versions than Swift's standard library and Foundation, which differ from one
/// toolchain to the next besides; so tokens come from these tables alone.
struct UnicodeTables: Sendable {
    let removed: CodePointSet
    let whitespace: CodePointSet
    let punctuation: CodePointSet
    let nonspacingMarks: CodePointSet
    /// Blocks of CJK ideographs, as the original BERT code lists them.
    let ideographs: CodePointSet
    /// Lower-case form of a code point that has another one.
    let lowerCase: [UInt32: [UInt32]]
    /// Canonical combining classes other than 0.
    let combiningClasses: [UInt32: UInt8]
    /// Full canonical decompositions, of Hangul syllables excepted.
    let decompositions: [UInt32: [UInt32]]

    static let shared = UnicodeTables()

    static let hangulSyllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

    /// The conjoining jamo of a syllable: leading consonant, vowel, and the trailing consonant if it has one.
    static func jamo(of syllable: UInt32) -> [UInt32] {
        let index = syllable - hangulSyllables.lowerBound
        let leadAndVowel = [0x1100 + index / 588, 0x1161 + index % 588 / 28]
        return index % 28 == 0 ? leadAndVowel : leadAndVowel + [0x11A7 + index % 28]
    }

    /// The canonical decomposition of one code point, itself when it has none.
    func decomposition(of codePoint: UInt32) -> [UInt32] {
        if Self.hangulSyllables.contains(codePoint) { return Self.jamo(of: codePoint) }
        return decompositions[codePoint] ?? [codePoint]
    }

    func combiningClass(of codePoint: UInt32) -> UInt8 { combiningClasses[codePoint] ?? 0 }

    func lowerCase(of codePoint: UInt32) -> [UInt32] { lowerCase[codePoint] ?? [codePoint] }

    private init() {
        removed = Self.set(UnicodeData.removed)
        whitespace = Self.set(UnicodeData.whitespace)
        punctuation = Self.set(UnicodeData.punctuation)
        nonspacingMarks = Self.set(UnicodeData.nonspacingMarks)
        ideographs = CodePointSet(ranges: [
            0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
            0x2B920...0x2CEAF, 0x2F800...0x2FA1F,
        ])
        // The only one of two code points; Rust and Swift agree on it.
        var lowerCase: [UInt32: [UInt32]] = [0x130: [0x69, 0x307]]
        for numbers in Self.items(UnicodeData.lowerCase) {
            for (index, from) in stride(from: numbers[0], through: numbers[1], by: Int(numbers[2]))
                .enumerated()
            {
                lowerCase[from] = [numbers[3] + UInt32(index) * numbers[2]]
            }
        }
        self.lowerCase = lowerCase
        var combiningClasses: [UInt32: UInt8] = [:]
        for numbers in Self.items(UnicodeData.combiningClasses) {
            for codePoint in numbers[0]...numbers[numbers.count - 2] {
                combiningClasses[codePoint] = UInt8(truncatingIfNeeded: numbers[numbers.count - 1])
            }
        }
        self.combiningClasses = combiningClasses
        var decompositions: [UInt32: [UInt32]] = [:]
        for numbers in Self.items(UnicodeData.decompositions) {
            decompositions[numbers[0]] = Array(numbers.dropFirst())
        }
        self.decompositions = decompositions
    }

    private static func set(_ text: String) -> CodePointSet {
        CodePointSet(
            ranges: items(text).map { numbers in numbers[0]...numbers[numbers.count - 1] })
    }

    /// The items of generated data: hexadecimal numbers within an item stand apart by some other character.
    private static func items(_ text: String) -> [[UInt32]] {
        var items: [[UInt32]] = []
        var numbers: [UInt32] = []
        var number: UInt32?
        func endNumber() {
            if let ended = number { numbers.append(ended) }
            number = nil
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = (number ?? 0) << 4 | UInt32(byte & 0x0F)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = (number ?? 0) << 4 | UInt32(byte - 0x57)
            case UInt8(ascii: " "), UInt8(ascii: "\n"):
                endNumber()
                if !numbers.isEmpty { items.append(numbers) }
                numbers = []
            default: endNumber()
            }
        }
        endNumber()
        return numbers.isEmpty ? items : items + [numbers]
    }
}
