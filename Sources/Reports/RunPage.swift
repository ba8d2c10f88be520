import Checkpoints
import Foundation
import QuestionAnswering

/// `report.html`: everything about one run on a page.
package struct RunPage {
    package static let fileName = "report.html"

    private let report: RunReport
    private let defaults: [String: SettingValue]

    /// - defaults: settings by the names of their flags, to mark those that were changed.
    package init(_ report: RunReport, defaults: [(String, JSONValue)] = []) {
        self.report = report
        self.defaults = Dictionary(
            defaults.map { ($0.0, SettingValue($0.1)) }, uniquingKeysWith: { $1 })
    }

    /// Writes the page, whole or not at all. Throws `CheckpointError`.
    package func write(to path: String) throws { try AtomicFile.write(html, to: path) }

    package var html: String {
        let charts = report.charts
        var sections: [(name: String, title: String, content: [HTMLNode])] = []
        func add(_ name: String, _ title: String, _ content: [HTMLNode]) {
            if !content.isEmpty { sections.append((name, title, content)) }
        }
        add("results", "Results", results)
        add("curves", "Curves", charts.isEmpty ? [] : [marks, Self.grid(charts)])
        add("time", "Where the time went", TimeTable(report.metrics.training).content)
        add("lengths", "Lengths of the training windows", LengthFigure(report).content)
        add("questions", "Questions", QuestionSection(report).content)
        add("settings", "Settings", settings)
        let content =
            [header, HTMLNode.navigation(sections.map { ($0.name, $0.title) })]
            + [
                .tag(
                    "main", [],
                    HTMLNode.notices(report.notices) + [HTMLNode.withoutScripts, facts]
                        + sections.map { .section($0.name, $0.title, $0.content) }),
                .footer(report.record.version),
            ]
        return PageFrame(title: "\(report.name) – Dure", content: content, data: data(charts)).html
    }

    /// What the marks in the charts mean, of those that there are.
    private var marks: HTMLNode {
        let metrics = report.metrics
        let meanings = [
            metrics.saves.isEmpty ? nil : "▼ a checkpoint was saved",
            metrics.evaluations.isEmpty
                ? nil : "○ the best evaluation by \(report.decidingMetric.title)",
            metrics.resumes.isEmpty ? nil : "upright line: gone on from a checkpoint",
        ].compactMap(\.self)
        let steps = "Over steps. Point at a chart for its numbers."
        return .tag("p", [("class", "hint")], [.text(([steps] + meanings).joined(separator: " · "))])
    }

    static func grid(_ charts: [Chart]) -> HTMLNode {
        .tag("div", [("class", "charts")], charts.map(HTMLNode.chart))
    }

    private func data(_ charts: [Chart]) -> JSONValue {
        var axes = Chart.Axes()
        let drawn = charts.map { $0.json(&axes) }
        return [
            "charts": .array(drawn), "axes": axes.json,
            "saves": .array(report.metrics.saves.map(JSONValue.integer)),
            "resumes": .array(report.metrics.resumes.map { .integer($0.step) }),
            "questions": report.questions.map { QuestionData($0).json } ?? .null,
        ]
    }
}

// MARK: Headline

extension RunPage {
    private var header: HTMLNode {
        .tag(
            "header", [],
            [
                .tag("p", [("class", "eyebrow")], "Dure training run"), .tag("h1", [], report.name),
                .tag("p", [("class", "lead")], [.text(lead)]),
            ])
    }

    private var lead: String {
        let settings = report.record.settings
        let model = settings["model"]?.texts.first.map(Self.fileName)
        let files = settings["train-file"]?.texts.map(Self.fileName) ?? []
        let training = files.count > 2 ? "\(files.count) files" : files.joined(separator: " + ")
        return [
            model, training.isEmpty ? nil : "trained on \(training)", validation,
            report.record.started.map { "started \($0)" },
        ].compactMap(\.self).joined(separator: " · ")
    }

    private var validation: String? {
        let settings = report.record.settings
        if let path = settings["validation-file"]?.texts.first {
            return "validated on \(Self.fileName(path))"
        }
        guard let share = settings["validation-split"]?.number else { return nil }
        return "validated on \(NumberText.fixed(100 * share, 0)) % of it"
    }

    private static func fileName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private var facts: HTMLNode {
        .tag(
            "dl", [("class", "facts")],
            RunHeadline(report).facts.map { fact in
                .tag(
                    "div", [],
                    [.tag("dt", [], fact.name), .tag("dd", [], fact.value)]
                        + (fact.remark.map { [.tag("dd", [("class", "remark")], $0)] } ?? []))
            })
    }
}

// MARK: Tables

extension RunPage {
    private var results: [HTMLNode] {
        let delivered = report.delivered
        let rows = EvaluationValue.allCases.compactMap { name -> [HTMLNode]? in
            guard let best = report.best(name) else { return nil }
            return [
                .text(name.title), .text(NumberText.fixed(delivered?[name], name.decimals)),
                .text(NumberText.fixed(best.value, name.decimals)),
                .text(NumberText.grouped(best.step)),
                .text(NumberText.fixed(report.last(name), name.decimals)),
            ]
        }
        guard !rows.isEmpty else {
            return [.tag("p", [], "The run has not been evaluated\(wantsValidation ? " yet" : "").")]
        }
        let count = report.metrics.evaluations.count
        return [
            .table(
                "Best and last of \(count) evaluation\(count == 1 ? "" : "s")",
                head: ["Metric", column(of: delivered), "Best", "after step", "Last"].map(HTMLNode.text),
                rows: rows,
                style: "numbers"),
            .tag("p", [("class", "hint")], "Lower is better for loss and edit distance."),
        ]
    }

    private func column(of delivered: DeliveredCheckpoint?) -> String {
        delivered.map { "\(report.origin(of: $0)), step \(NumberText.grouped($0.step))" } ?? "final.h5"
    }

    private var wantsValidation: Bool {
        report.record.settings["validation-file"] != nil || report.record.settings["validation-split"] != nil
    }

    private var settings: [HTMLNode] {
        let tables = SettingGroup.grouped(report.record.settings.keys).map { group, flags in
            HTMLNode.table(
                group.rawValue, head: ["Flag", "Value"].map(HTMLNode.text), rows: flags.map(row),
                style: "settings")
        }
        return [
            .tag(
                "p", [("class", "hint")],
                "Changed from the default is marked by ●; what depends on model or machine has no default.")
        ] + [.tag("div", [("class", "groups")], tables + [machine])]
    }

    private func row(_ flag: String) -> [HTMLNode] {
        let value = report.record.settings[flag] ?? .nothing
        let isChanged = defaults[flag].map { $0 != .nothing && $0 != value } ?? false
        let texts = value.texts.isEmpty ? [value.text] : value.texts
        let shown = texts.enumerated().flatMap { index, text in
            (index > 0 ? [HTMLNode.tag("br", [], [])] : []) + [.text(text)]
        }
        guard isChanged, let standard = defaults[flag] else {
            return [.tag("code", [], flag), .tag("span", [], shown)]
        }
        let mark = HTMLNode.tag(
            "span", [("class", "changed"), ("title", "The default is \(standard.text)")],
            [.text("● ")] + shown + [.tag("span", [("class", "unseen")], " (default \(standard.text))")])
        return [.tag("code", [], flag), mark]
    }

    private var machine: HTMLNode {
        let record = report.record
        var rows: [(String, String)] = []
        func add(_ name: String, _ value: String?) { if let value { rows.append((name, value)) } }
        add("Run", record.run)
        add("Folder", report.name)
        add("Started", record.started)
        add("Dure", record.version)
        add("Ranks", record.ranks.map(String.init))
        add("Hosts", record.hosts.isEmpty ? nil : Set(record.hosts).sorted().joined(separator: ", "))
        add("Threads a rank", record.threads.map(String.init))
        add("Micro-batch tokens", record.microBatchTokens.map(String.init))
        add("BLAS", record.blas["library"]?.text)
        add("BLAS core", record.blas["core"]?.text)
        add("MPI", record.mpi)
        add("HDF5", record.hdf5["library"]?.text)
        for (path, hash) in record.datasets.sorted(by: { $0.key < $1.key }) { add(path, hash) }
        return .table(
            "Run and machine", head: ["What", "Value"].map(HTMLNode.text),
            rows: rows.map { [.text($0.0), .text($0.1)] }, style: "settings")
    }
}
