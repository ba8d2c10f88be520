/// How often the likeliest token of a window is the labelled one.
package struct TokenAccuracy: Sendable, Equatable {
    /// From 0 to 1.
    package let start: Double
    /// From 0 to 1.
    package let end: Double
    /// Labelled windows.
    package let windows: Int

    /// Nil when no feature is labelled. The likeliest token is sought over every token of the window, of equal
    /// logits the first.
    ///
    /// - logits: one for each feature.
    package init?(features: some RandomAccessCollection<Feature>, logits: [SpanLogits]) {
        precondition(features.count == logits.count)
        var (starts, ends, windows) = (0, 0, 0)
        for (feature, logits) in zip(features, logits) {
            guard let label = feature.label else { continue }
            windows += 1
            if highestIndex(of: logits.start) == label.start { starts += 1 }
            if highestIndex(of: logits.end) == label.end { ends += 1 }
        }
        guard windows > 0 else { return nil }
        start = Double(starts) / Double(windows)
        end = Double(ends) / Double(windows)
        self.windows = windows
    }

    /// Members under the names of `metrics.jsonl`.
    package var members: [(String, JSONValue)] {
        [("start_accuracy", .number(start)), ("end_accuracy", .number(end))]
    }
}
