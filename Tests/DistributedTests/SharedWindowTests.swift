import Testing

@testable import Distributed

@Suite struct SharedWindowTests {
    @Test("the shares of all ranks are the elements of the ranges, each once and about equally many")
    func shares() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var start = 0
            let ranges = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                let first = start + Int.random(in: 0...5, using: &generator)
                start = first + Int.random(in: 0...20, using: &generator)
                return first..<start
            }
            let size = Int.random(in: 1...6, using: &generator)
            let shares = (0..<size).map { SharedWindow.share(of: ranges, rank: $0, size: size) }
            #expect(shares.flatMap { $0.joined() } == Array(ranges.joined()))
            let counts = shares.map { $0.joined().count }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
    }
}
