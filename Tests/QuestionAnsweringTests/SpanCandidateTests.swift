import TestSupport
import Testing

@testable import QuestionAnswering

struct SpanCandidateTests {
    @Test func theHighestIndexesAreThoseOfAFullSort() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<500 {
            // Few distinct values, so that ties are common.
            let values = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                Float(Int.random(in: -6...6, using: &random))
            }
            let count = Int.random(in: 0...25, using: &random)
            let sorted = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
            #expect(highestIndexes(of: values, count: count) == Array(sorted.prefix(count)))
        }
    }

    @Test func equalScoresRankByLowerStartThenShorter() {
        func span(_ start: Int, _ end: Int, _ logit: Float) -> SpanCandidate {
            SpanCandidate(start: start, end: end, startLogit: logit, endLogit: 0)
        }
        #expect(SpanCandidate.ranksBefore(span(9, 12, 2), span(0, 1, 1)))
        #expect(SpanCandidate.ranksBefore(span(3, 9, 1), span(4, 5, 1)))
        #expect(SpanCandidate.ranksBefore(span(3, 4, 1), span(3, 9, 1)))
        #expect(!SpanCandidate.ranksBefore(span(3, 4, 1), span(3, 4, 1)))
    }

    @Test func theHighestIndexIsTheFirstOfEquals() {
        #expect(highestIndex(of: [1, 3, 3, 2]) == 1)
        #expect(highestIndex(of: [-5]) == 0)
    }
}
