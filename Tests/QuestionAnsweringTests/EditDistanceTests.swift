import TestSupport
import Testing

@testable import QuestionAnswering

struct EditDistanceTests {
    @Test(arguments: [
        ("", "", 0), ("", "가나", 2), ("kitten", "sitting", 3), ("서울", "서울시", 1), ("가", "\u{1100}\u{1161}", 2),
        ("👩‍👧", "👩", 2),
    ])
    func distanceCountsCodePoints(left: String, right: String, distance: Int) {
        #expect(editDistance(left, right) == distance)
        #expect(editDistance(right, left) == distance)
    }

    private struct Reference: Decodable {
        let seed: UInt64
        let distances: [Int]
    }

    @Test func tenThousandDistancesAreThoseOfTheReference() throws {
        let reference: Reference = try fixture("metrics/distances.json")
        #expect(reference.distances.count == 10_000)
        var random = SeededGenerator(seed: reference.seed)
        var wrong: [Int] = []
        for (index, distance) in reference.distances.enumerated() {
            let (left, right) = Self.pair(&random)
            if editDistance(left, right) != distance || editDistance(right, left) != distance {
                wrong.append(index)
            }
        }
        #expect(wrong.isEmpty)
    }

    /// The pair that the generator of the fixture made from the same numbers.
    private static func pair(_ random: inout SeededGenerator) -> (String, String) {
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        let alphabet = Array(alphabets[below(alphabets.count)].unicodeScalars)
        let length = below(16) != 0 ? below(13) : below(300)
        let left = (0..<length).map { _ in alphabet[below(alphabet.count)] }
        if below(4) == 0 {
            let other = (0..<below(13)).map { _ in alphabet[below(alphabet.count)] }
            return (CodePoints.text(of: left), CodePoints.text(of: other))
        }
        var right = left
        for _ in 0..<below(8) {
            let (kind, place) = (below(3), below(right.count + 1))
            let letter = alphabet[below(alphabet.count)]
            if kind == 0 {
                right.insert(letter, at: place)
            } else if place < right.count {
                if kind == 1 { right.remove(at: place) } else { right[place] = letter }
            }
        }
        return (CodePoints.text(of: left), CodePoints.text(of: right))
    }

    private static let alphabets = [
        "가나다라마바사", "ab c", "각ᄀ\u{1161}\u{11A8}가", "🙂👩\u{200D}👧가a", "한강서울은는이가에서 《》",
    ]

    @Test func distanceIsAMetric() {
        var random = SeededGenerator(seed: 9)
        func text() -> String {
            String(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in
                    "가나a".randomElement(using: &random) ?? "a"
                })
        }
        for _ in 0..<300 {
            let (a, b, c) = (text(), text(), text())
            #expect((editDistance(a, b) == 0) == (a == b))
            #expect(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c))
        }
    }

    @Test func textsOfManyBlocksAreExact() {
        let long = String(repeating: "가나다라", count: 1000)
        #expect(editDistance(long, long) == 0)
        #expect(editDistance("x" + long, long + "y") == 2)
        #expect(editDistance("", long) == 4000)
        #expect(editDistance(String(repeating: "x", count: 129), long) == 4000)
    }
}
