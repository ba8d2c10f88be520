/// An interval that holds a mean with the stated confidence.
package struct ConfidenceInterval: Sendable, Equatable {
    package let lower: Double
    package let upper: Double

    package init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    package var json: JSONValue { .array([.number(lower), .number(upper)]) }
}

/// 95 % intervals of the five means, in the units of `AnswerMetrics`.
package struct MetricIntervals: Sendable, Equatable {
    package let exactMatch: ConfidenceInterval
    package let f1: ConfidenceInterval
    package let korquadExactMatch: ConfidenceInterval
    package let korquadF1: ConfidenceInterval
    package let editDistance: ConfidenceInterval

    /// Bounds as [lower, upper] under the names of the metrics.
    package var members: [(String, JSONValue)] {
        [
            ("exact_match", exactMatch.json), ("f1", f1.json),
            ("korquad_exact_match", korquadExactMatch.json), ("korquad_f1", korquadF1.json),
            ("edit_distance", editDistance.json),
        ]
    }
}

/// Percentile bootstrap over questions: the means of many samples of as many questions, drawn with
/// replacement. The same on every run and machine.
enum Bootstrap {
    static let resamples = 1000

    /// - stream: of the random numbers, one for each group of questions.
    /// - Returns: nil without scores.
    static func intervals(
        of scores: some Collection<QuestionScore>, seed: UInt64, stream: UInt64
    ) -> MetricIntervals? {
        guard !scores.isEmpty else { return nil }
        let rows = scores.map { score in
            SIMD8<Double>(
                100 * score.squad.exactMatch, 100 * score.squad.f1, 100 * score.korquad.exactMatch,
                100 * score.korquad.f1, Double(score.editDistance), 0, 0, 0)
        }
        let means = resampledMeans(of: rows, random: CounterRandom(seed: seed, stream: stream))
        func interval(_ column: Int) -> ConfidenceInterval {
            let sorted = means.map { $0[column] }.sorted()
            return ConfidenceInterval(lower: quantile(0.025, of: sorted), upper: quantile(0.975, of: sorted))
        }
        return MetricIntervals(
            exactMatch: interval(0), f1: interval(1), korquadExactMatch: interval(2), korquadF1: interval(3),
            editDistance: interval(4))
    }

    private static func resampledMeans(of rows: [SIMD8<Double>], random: CounterRandom) -> [SIMD8<Double>] {
        let count = UInt64(rows.count)
        return rows.withUnsafeBufferPointer { rows in
            (0..<UInt64(resamples)).map { resample in
                var sum = SIMD8<Double>.zero
                for draw in 0..<count {
                    // Each draw has a counter of its own; the high half of the product is below `count`.
                    let bits = random.bits(resample &* count &+ draw)
                    sum += rows[Int(truncatingIfNeeded: bits.multipliedFullWidth(by: count).high)]
                }
                return sum / Double(count)
            }
        }
    }

    /// Between the two nearest values by their distance, as numpy's `percentile` does.
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let position = share * Double(sorted.count - 1)
        let below = Int(position)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
    }
}
