import Testing

@testable import QuestionAnswering

@Suite struct UnicodeTablesTests {
    private let tables = UnicodeTables.shared

    @Test func `ranges are sorted and apart`() {
        for set in [
            tables.removed, tables.whitespace, tables.punctuation, tables.nonspacingMarks, tables.ideographs,
        ] {
            for (range, next) in zip(set.ranges, set.ranges.dropFirst()) {
                #expect(range.upperBound < next.lowerBound)
            }
            for range in set.ranges {
                #expect(set.contains(range.lowerBound) && set.contains(range.upperBound))
            }
        }
        #expect(!tables.punctuation.contains(0x41) && !tables.punctuation.contains(0x10FFFF))
    }

    @Test func `Hangul syllables decompose by arithmetic`() {
        #expect(UnicodeTables.jamo(of: 0xAC00) == [0x1100, 0x1161])
        #expect(UnicodeTables.jamo(of: 0xAC01) == [0x1100, 0x1161, 0x11A8])
        #expect(UnicodeTables.jamo(of: 0xD7A3) == [0x1112, 0x1175, 0x11C2])
    }

    @Test func `lower case goes by code point, the dotted capital I to two`() {
        #expect(tables.lowerCase(of: 0x41) == [0x61])
        #expect(tables.lowerCase(of: 0x130) == [0x69, 0x307])
        #expect(tables.lowerCase(of: 0x3A3) == [0x3C3])
        #expect(tables.lowerCase(of: 0x10D) == [0x10D])
        #expect(tables.lowerCase(of: 0x10C) == [0x10D])
    }

    @Test func `decompositions are complete`() {
        #expect(tables.decomposition(of: 0x1EA4) == [0x41, 0x302, 0x301])
        #expect(tables.decomposition(of: 0xF900) == [0x8C48])
        #expect(tables.decomposition(of: 0x61) == [0x61])
        for parts in tables.decompositions.values {
            for part in parts { #expect(tables.decomposition(of: part) == [part]) }
        }
    }
}
