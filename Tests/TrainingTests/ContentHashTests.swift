import TestSupport
import Testing
import Training

@Suite struct ContentHashTests {
    private static func hash(_ parts: [[UInt8]]) -> String {
        var hash = ContentHash()
        for part in parts { part.withUnsafeBytes { hash.add($0) } }
        return hash.text
    }

    @Test func everyByteItsPlaceAndTheDivisionCount() {
        var generator = SeededGenerator(seed: 11)
        var seen: Set<String> = []
        var count = 0
        for length in 0..<40 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var variants = [[bytes], [bytes, []], [bytes + [0]]]
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= 1
                variants.append([changed])
                variants.append([Array(bytes[..<index]), Array(bytes[index...])])
            }
            for variant in variants { seen.insert(Self.hash(variant)) }
            count += variants.count
        }
        #expect(seen.count == count)
        #expect(seen.allSatisfy { $0.count == 32 })
    }

    @Test func equalContentHashesEqual() {
        #expect(Self.hash([[1, 2, 3]]) == Self.hash([[1, 2, 3]]))
        var text = ContentHash()
        text.add("두레")
        #expect(text.text == Self.hash([Array("두레".utf8)]))
    }
}
