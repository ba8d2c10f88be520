/// The histogram of the lengths of training windows.
struct LengthFigure {
    private let lengths: LengthHistogram?
    private let limit: SettingValue?

    init(_ report: RunReport) {
        lengths = report.record.lengths
        limit = report.record.settings["max-seq-length"]
    }

    var content: [HTMLNode] {
        guard let lengths, let most = lengths.counts.max(), most > 0 else { return [] }
        let total = lengths.counts.reduce(0, +)
        return [
            .tag("p", [("class", "hint")], [.text(summary(lengths, total))]),
            .tag(
                "figure", [("class", "histogram")],
                [
                    .tag(
                        "svg", [("role", "img"), ("aria-label", "Windows by length in tokens")],
                        lengths.counts.enumerated().map { bar($0, $1, of: most, total, lengths) }),
                    .tag("div", [("class", "scale"), ("aria-hidden", "true")], scale(lengths)),
                    .tag("figcaption", [], "Tokens of a window; bars of \(lengths.width) tokens"),
                ]),
        ]
    }

    private func summary(_ lengths: LengthHistogram, _ total: Int) -> String {
        let bound = limit.map { " of --max-seq-length \($0.text)" } ?? ""
        return
            "\(NumberText.grouped(total)) windows of \(NumberText.grouped(lengths.questions)) questions, the "
            + "longest of \(lengths.longest) tokens. The contexts of "
            + "\(NumberText.share(lengths.cutQuestions, of: lengths.questions)) of the questions did not fit into a "
            + "window\(bound) and were cut into several."
    }

    private func bar(
        _ index: Int, _ count: Int, of most: Int, _ total: Int, _ lengths: LengthHistogram
    ) -> HTMLNode {
        let width = 100 / Double(lengths.counts.count)
        let height = 100 * Double(count) / Double(most)
        let first = index * lengths.width + 1
        let label =
            "\(first)–\(first + lengths.width - 1) tokens: \(NumberText.grouped(count)) windows, "
            + NumberText.share(count, of: total)
        return .tag(
            "rect",
            [
                ("x", NumberText.fixed(Double(index) * width + width * 0.06, 3) + "%"),
                ("width", NumberText.fixed(width * 0.88, 3) + "%"),
                ("y", NumberText.fixed(100 - height, 3) + "%"), ("height", NumberText.fixed(height, 3) + "%"),
            ], [.tag("title", [], label)])
    }

    private func scale(_ lengths: LengthHistogram) -> [HTMLNode] {
        let end = lengths.counts.count * lengths.width
        return (0...4).map { .tag("span", [], "\(end * $0 / 4)") }
    }
}
