import QuestionAnswering
import TestSupport
import Testing

struct EditDistanceTests {
    @Test(arguments: [
        ("", "", 0), ("", "가나", 2), ("kitten", "sitting", 3), ("서울", "서울시", 1), ("가", "\u{1100}\u{1161}", 2),
        ("👩‍👧", "👩", 2),
    ])
    func distanceCountsCodePoints(left: String, right: String, distance: Int) {
        #expect(editDistance(left, right) == distance)
        #expect(editDistance(right, left) == distance)
    }

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
}
