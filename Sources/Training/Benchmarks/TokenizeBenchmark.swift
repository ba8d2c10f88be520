import QuestionAnswering

/// The tokenizer's rate on texts, on one thread.
package struct TokenizeBenchmark {
    private let tokenizer: WordPieceTokenizer
    private let texts: [String]

    package init(tokenizer: WordPieceTokenizer, texts: [String]) {
        self.tokenizer = tokenizer
        self.texts = texts
    }

    /// Tokens a second over all texts, one after the other.
    package func run() -> BenchmarkRow {
        var tokens = 0
        let measurement = Measurement(runs: 5, atLeast: 0.5) {
            tokens = texts.reduce(0) { $0 + tokenizer.encode($1).count }
        }
        return BenchmarkRow(
            name: "tokenize \(texts.count) texts", measurement: measurement,
            rate: Double(tokens) / measurement.median, unit: "tokens/s", limit: nil)
    }
}
