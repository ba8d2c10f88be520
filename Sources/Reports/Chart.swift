import QuestionAnswering

/// Curves over the steps of a run, or of several, as the page's script draws them.
struct Chart {
    /// One curve.
    struct Series {
        let label: String
        let steps: [Int]
        let values: [Double?]
        /// Whether it is so noisy that a running mean shows more.
        var isNoisy = false
    }

    let name: String
    let title: String
    var series: [Series]
    /// Whether 0 belongs on the axis.
    var startsAtZero = false
    /// The step of the evaluation to point out.
    var best: Int?

    /// Without curves that have no value, nil when none has.
    var shown: Chart? {
        var chart = self
        chart.series = series.filter { $0.values.contains { $0?.isFinite == true } }
        return chart.series.isEmpty ? nil : chart
    }

    func json(_ axes: inout Axes) -> JSONValue {
        [
            "name": .string(name), "title": .string(title), "zero": .boolean(startsAtZero),
            "best": best.map(JSONValue.integer) ?? .null,
            "series": .array(
                series.map { series in
                    [
                        "label": .string(series.label), "noisy": .boolean(series.isNoisy),
                        "axis": .integer(axes.place(of: series.steps)),
                        "values": .array(series.values.map(JSONValue.rounded)),
                    ]
                }),
        ]
    }

    /// Lists of steps, each of which stands in the page once.
    struct Axes {
        private var lists: [[Int]] = []

        mutating func place(of steps: [Int]) -> Int {
            if let place = lists.firstIndex(of: steps) { return place }
            lists.append(steps)
            return lists.count - 1
        }

        var json: JSONValue { .array(lists.map { .array($0.map(JSONValue.integer)) }) }
    }
}

extension RunReport {
    /// So many points are more than a screen has room for.
    static let mostPoints = 2000

    /// A value of training; where there are more lines than a curve has room for, the mean of so many by turns.
    func curve(training name: TrainingValue, _ label: String, scale: Double = 1) -> Chart.Series {
        let lines = metrics.training
        let group = max(1, (lines.count + Self.mostPoints - 1) / Self.mostPoints)
        var series: (steps: [Int], values: [Double?]) = ([], [])
        for start in stride(from: 0, to: lines.count, by: group) {
            let part = lines[start..<min(start + group, lines.count)]
            let known = part.filter { $0[name] != nil }
            let weight = known.reduce(0) { $0 + Double($1.steps) }
            let sum = known.reduce(0) { $0 + Double($1.steps) * ($1[name] ?? 0) }
            series.steps.append(part.last?.step ?? 0)
            series.values.append(weight > 0 ? scale * sum / weight : nil)
        }
        return Chart.Series(
            label: label, steps: series.steps, values: series.values,
            isNoisy: name.isNoisy && lines.count > 60)
    }

    func curve(validation name: EvaluationValue, _ label: String) -> Chart.Series {
        Chart.Series(
            label: label, steps: metrics.evaluations.map(\.step), values: metrics.evaluations.map { $0[name] }
        )
    }

    /// All curves of the run.
    var charts: [Chart] {
        let best = best(decidingMetric)?.step
        return [
            Chart(
                name: "loss", title: "Loss",
                series: [curve(training: .loss, "training"), curve(validation: .loss, "validation")],
                best: best),
            Chart(
                name: "scores", title: "Scores, %",
                series: [
                    curve(validation: .korquadF1, "KorQuAD F1"), curve(validation: .f1, "F1"),
                    curve(validation: .korquadExactMatch, "KorQuAD exact match"),
                    curve(validation: .exactMatch, "exact match"),
                ], startsAtZero: true, best: best),
            Chart(
                name: "edit", title: "Edit distance, code points",
                series: [curve(validation: .editDistance, "validation")], startsAtZero: true,
                best: best),
            Chart(
                name: "accuracy", title: "Right tokens in training, %",
                series: [
                    curve(training: .startAccuracy, "start", scale: 100),
                    curve(training: .endAccuracy, "end", scale: 100),
                ], startsAtZero: true),
            Chart(
                name: "rate", title: "Learning rate",
                series: [curve(training: .learningRate, "learning rate")],
                startsAtZero: true),
            Chart(
                name: "norm", title: "Gradient norm before clipping",
                series: [curve(training: .gradientNorm, "norm")], startsAtZero: true),
            Chart(
                name: "samples", title: "Throughput, samples/s",
                series: [curve(training: .samples, "samples/s")],
                startsAtZero: true),
            Chart(
                name: "tokens", title: "Throughput, tokens/s", series: [curve(training: .tokens, "tokens/s")],
                startsAtZero: true),
            Chart(
                name: "time", title: "A step’s time on rank 0, ms",
                series: [
                    curve(training: .step, "whole step", scale: 1000),
                    curve(training: .compute, "compute", scale: 1000),
                    curve(training: .communication, "communication", scale: 1000),
                    curve(training: .waiting, "mean waiting for the slowest", scale: 1000),
                ], startsAtZero: true),
        ].compactMap(\.shown)
    }
}
