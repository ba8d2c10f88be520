import QuestionAnswering

/// How many training windows there are of each length, and how often a context did not fit into one.
package struct LengthHistogram: Sendable, Equatable {
    /// Tokens that a bar spans: bar i counts lengths in `i * width + 1 ... (i + 1) * width`.
    package let width: Int
    package let counts: [Int]
    /// Tokens of the longest window.
    package let longest: Int
    /// Questions that windows were cut for.
    package let questions: Int
    /// Those whose context stands in several windows, because one of `max-seq-length` tokens cannot hold it.
    package let cutQuestions: Int

    private static let mostBars = 32

    /// - windows: of each the tokens, the index of its question and its number along the context.
    package init(_ windows: some Collection<(tokens: Int, question: Int, window: Int)>) {
        longest = windows.map(\.tokens).max() ?? 0
        var width = 8
        while longest > width * Self.mostBars { width *= 2 }
        var counts = [Int](repeating: 0, count: (longest + width - 1) / width)
        for window in windows where window.tokens > 0 { counts[(window.tokens - 1) / width] += 1 }
        self.width = width
        self.counts = counts
        questions = Set(windows.map(\.question)).count
        // Windows without the answer may have been left out, but not their numbers.
        cutQuestions = Set(windows.lazy.filter { $0.window > 0 }.map(\.question)).count
    }

    package var json: JSONValue {
        [
            "bin_width": .integer(width), "counts": .array(counts.map(JSONValue.integer)),
            "longest": .integer(longest), "questions": .integer(questions),
            "questions_in_several_windows": .integer(cutQuestions),
        ]
    }

    struct Document: Decodable {
        let width: Int
        let counts: [Int]
        let longest: Int
        let questions: Int
        let cutQuestions: Int

        enum CodingKeys: String, CodingKey {
            case counts, longest, questions
            case width = "bin_width"
            case cutQuestions = "questions_in_several_windows"
        }
    }

    /// Nil for numbers that cannot be.
    init?(_ document: Document) {
        guard (1...1 << 24).contains(document.width), document.counts.count <= 1024,
            document.counts.allSatisfy({ (0...1 << 40).contains($0) }), document.questions >= 0,
            (0...document.questions).contains(document.cutQuestions)
        else { return nil }
        width = document.width
        counts = document.counts
        longest = document.longest
        questions = document.questions
        cutQuestions = document.cutQuestions
    }
}
