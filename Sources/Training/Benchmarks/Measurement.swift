import Foundation
import QuestionAnswering

/// Times of repeated runs of one thing.
package struct Measurement: Sendable {
    /// Seconds, ascending.
    private let sorted: [Double]

    /// Runs `body` until both bounds are reached, after some runs that do not count.
    package init(warmup: Int = 1, runs: Int = 5, atLeast seconds: Double = 0.3, _ body: () throws -> Void)
        rethrows
    {
        for _ in 0..<warmup { try body() }
        let clock = ContinuousClock()
        var times: [Double] = []
        var total = 0.0
        while times.count < runs || total < seconds {
            let start = clock.now
            try body()
            times.append((clock.now - start).seconds)
            total += times[times.count - 1]
        }
        sorted = times.sorted()
    }

    package init(_ seconds: [Double]) { sorted = seconds.sorted() }

    package var count: Int { sorted.count }
    package var median: Double { quantile(0.5) }
    package var p95: Double { quantile(0.95) }

    /// The smallest time that this share of the runs did not exceed.
    private func quantile(_ share: Double) -> Double {
        sorted.isEmpty
            ? 0 : sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
    }
}

/// One row of a benchmark: a rate, beside the limit that was measured in the same run.
package struct BenchmarkRow: Sendable {
    package let name: String
    package let measurement: Measurement
    package let rate: Double
    package let unit: String
    /// The limit in the same unit, nil where the row is itself the limit.
    package let limit: Double?

    package var share: Double? { limit.map { rate / $0 } }

    package var json: JSONValue {
        .object([
            ("name", .string(name)), ("median_seconds", .number(measurement.median)),
            ("p95_seconds", .number(measurement.p95)), ("runs", .integer(measurement.count)),
            ("rate", .number(rate)), ("unit", .string(unit)),
            ("limit", limit.map(JSONValue.number) ?? .null),
            ("share_of_limit", share.map(JSONValue.number) ?? .null),
        ])
    }

    /// Columns of a table: name, median, p95, rate, share of the limit.
    package var text: String {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let times = String(
            format: "%10.3f ms  p95 %10.3f ms", measurement.median * 1e3, measurement.p95 * 1e3)
        let share = share.map { String(format: "  %5.1f %% of %.1f", $0 * 100, limit ?? 0) } ?? ""
        return column(name, 44) + times + String(format: "  %10.1f ", rate) + unit + share
    }
}
