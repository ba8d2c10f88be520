import Checkpoints
import Foundation
import QuestionAnswering

/// Several runs beside each other: results, curves, and the settings in which they differ.
package struct ComparisonPage {
    private let runs: [(label: String, report: RunReport)]
    private let defaults: [String: SettingValue]
    private let comparability: Comparability
    /// Why no run is marked as the best, one sentence each.
    package var notices: [String] { comparability.reasons }

    /// - defaults: settings by the names of their flags: what a run does not name has them.
    package init(_ reports: [RunReport], defaults: [(String, JSONValue)] = []) {
        runs = Array(zip(Self.labels(reports.map(\.folder)), reports))
        self.defaults = Dictionary(
            defaults.map { ($0.0, SettingValue($0.1)) }, uniquingKeysWith: { $1 })
        comparability = Comparability(runs, defaults: self.defaults)
    }

    /// Writes the page, whole or not at all. Throws `CheckpointError`.
    package func write(to path: String) throws { try AtomicFile.write(html, to: path) }

    package var html: String {
        let charts = charts
        let sections: [(name: String, title: String, content: [HTMLNode])] = [
            ("results", "Results", [results]),
            ("curves", "Curves", charts.isEmpty ? [] : [RunPage.grid(charts)]),
            ("settings", "Settings that differ", settings),
        ].filter { !$0.2.isEmpty }
        let damages = runs.flatMap { run in run.report.notices.map { "\(run.label): \($0)" } }
        let content: [HTMLNode] = [
            .tag(
                "header", [],
                [
                    .tag("p", [("class", "eyebrow")], "Dure training runs"),
                    .tag("h1", [], "\(runs.count) runs compared"),
                    .tag("p", [("class", "lead")], runs.map(\.label).joined(separator: " · ")),
                ]), .navigation(sections.map { ($0.name, $0.title) }),
            .tag(
                "main", [],
                HTMLNode.notices(notices + damages) + [HTMLNode.withoutScripts]
                    + sections.map { .section($0.name, $0.title, $0.content) }),
            .footer(runs.first?.report.record.version),
        ]
        var axes = Chart.Axes()
        let drawn = charts.map { $0.json(&axes) }
        let data: JSONValue = ["charts": .array(drawn), "axes": axes.json]
        return PageFrame(title: "\(runs.count) runs compared – Dure", content: content, data: data).html
    }

    /// As much of the ends of paths as tells them apart; the same folder again gets a number.
    static func labels(_ folders: [String]) -> [String] {
        let parts = folders.map { $0.split(separator: "/").map(String.init) }
        let most = parts.map(\.count).max() ?? 0
        var labels = parts.map { $0.suffix(1).joined(separator: "/") }
        for length in 1...max(most, 1) {
            labels = zip(parts, labels).enumerated().map { index, pair in
                let isShared = labels.indices.contains { $0 != index && labels[$0] == pair.1 }
                return isShared ? pair.0.suffix(length).joined(separator: "/") : pair.1
            }
        }
        return labels.indices.map { index in
            let earlier = labels[..<index].count { $0 == labels[index] }
            let label = labels[index].isEmpty ? "/" : labels[index]
            return earlier > 0 ? "\(label) (\(earlier + 1))" : label
        }
    }
}

// MARK: Parts

extension ComparisonPage {
    private var charts: [Chart] {
        func training(_ name: TrainingValue, _ title: String, zero: Bool = true) -> Chart {
            Chart(
                name: name.rawValue, title: title,
                series: runs.map { $0.report.curve(training: name, $0.label) },
                startsAtZero: zero)
        }
        func validation(_ name: EvaluationValue, _ title: String) -> Chart {
            Chart(
                name: "eval-\(name.rawValue)", title: title,
                series: runs.map { $0.report.curve(validation: name, $0.label) }, startsAtZero: name != .loss)
        }
        return
            ([
                training(.loss, "Training loss", zero: false), validation(.loss, "Validation loss"),
                validation(.korquadF1, "KorQuAD F1"), validation(.f1, "F1"),
                validation(.korquadExactMatch, "KorQuAD exact match"), validation(.exactMatch, "Exact match"),
                validation(.editDistance, "Edit distance, code points"),
                training(.learningRate, "Learning rate"),
                training(.gradientNorm, "Gradient norm before clipping"),
                training(.samples, "Throughput, samples/s"), training(.tokens, "Throughput, tokens/s"),
            ]).compactMap(\.shown)
    }

    private var results: HTMLNode {
        let values = EvaluationValue.allCases.filter { name in runs.contains { $0.report.best(name) != nil } }
        let facts: [(String, (RunReport) -> String)] = [
            (
                "Delivered step",
                { report in
                    report.delivered.map { "\(NumberText.grouped($0.step)), \(report.origin(of: $0))" } ?? "–"
                }
            ),
            ("Last training loss", { NumberText.fixed($0.metrics.training.last?[.loss], 4) }),
            ("Steps", { NumberText.grouped($0.metrics.lastStep) }),
            ("Time in steps", { NumberText.duration($0.trainingSeconds) }),
            ("Samples/s", { NumberText.fixed($0.rate(.samples), 1) }),
            ("Ranks", { $0.record.ranks.map(String.init) ?? "–" }),
        ]
        let rows =
            values.flatMap { name in
                [
                    [.text("\(name.title), delivered")] + runs.map { delivered(name, of: $0.report) },
                    [.text("\(name.title), best of its steps")]
                        + runs.map { .text(NumberText.fixed($0.report.best(name)?.value, name.decimals)) },
                ]
            } + facts.map { name, value in [.text(name)] + runs.map { .text(value($0.report)) } }
        return .table(
            notices.isEmpty ? "★ marks the best of what the runs deliver" : "What the runs deliver",
            head: (["Metric"] + runs.map(\.label)).map(HTMLNode.text),
            rows: rows, style: "numbers")
    }

    /// Marked where it is the best of all runs.
    private func delivered(_ name: EvaluationValue, of report: RunReport) -> HTMLNode {
        let own = report.delivered?[name]
        let all = runs.compactMap { $0.report.delivered?[name] }
        let isWinner = own.map { own in all.allSatisfy { !name.isBetter($0, than: own) } } ?? false
        let text = NumberText.fixed(own, name.decimals)
        return isWinner && all.count > 1 && comparability.allows(name)
            ? .tag("span", [("class", "winner")], "★ \(text)") : .text(text)
    }

    /// Where a run goes to is always another place.
    private static let ignored: Set<String> = ["output-dir"]

    private var settings: [HTMLNode] {
        let flags = Set(runs.flatMap(\.report.record.settings.keys)).subtracting(Self.ignored)
        let differing = flags.filter { flag in
            let values = runs.map { value(flag, of: $0.report) }
            return values.contains { $0 != values[0] }
        }
        let facts = machineRows
        let same = "The other \(flags.count - differing.count) settings are the same."
        guard !differing.isEmpty || !facts.isEmpty else {
            return [.tag("p", [], "None: all settings are the same.")]
        }
        let rows = SettingGroup.grouped(differing).flatMap(\.flags).map { flag in
            [.tag("code", [], flag)] + runs.map { HTMLNode.text(value(flag, of: $0.report).text) }
        }
        return [
            .table(
                same, head: (["Flag"] + runs.map(\.label)).map(HTMLNode.text),
                rows: rows + facts.map { $0.map(HTMLNode.text) }, style: "compared")
        ]
    }

    private func value(_ flag: String, of report: RunReport) -> SettingValue {
        report.record.settings[flag] ?? defaults[flag] ?? .nothing
    }

    /// What is no setting but may tell why results or times differ.
    private var machineRows: [[String]] {
        let rows: [(String, (RunRecordFile) -> String?)] = [
            ("ranks", { $0.ranks.map(String.init) }),
            ("hosts", { Set($0.hosts).sorted().joined(separator: ", ") }),
            ("Dure", { $0.version }), ("BLAS core", { $0.blas["core"]?.text }), ("MPI", { $0.mpi }),
            (
                "datasets",
                { record in record.datasets.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ") }
            ),
        ]
        return rows.compactMap { name, value in
            let values = runs.map { value($0.report.record) ?? "–" }
            return values.contains { $0 != values[0] } ? [name] + values : nil
        }
    }
}
