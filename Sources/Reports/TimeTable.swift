/// How each rank spent a step, as bars with their numbers.
struct TimeTable {
    private let split: TimeSplit?

    init(_ lines: [RunMetrics.Training]) { split = TimeSplit(lines) }

    private static let parts: [(name: String, style: String, value: @Sendable (RankTime) -> Double)] = [
        ("compute", "compute", { $0.compute }), ("waiting for slower ranks", "waiting", { $0.waiting }),
        ("communication", "communication", { $0.communication }),
        ("update and the rest", "rest", { $0.other }),
    ]

    var content: [HTMLNode] {
        guard let split, let longest = split.ranks.map(\.total).max(), longest > 0 else { return [] }
        let head = ["Rank"] + Self.parts.map { "\($0.name), ms" }
        let rows = split.ranks.enumerated().map { rank, time -> [HTMLNode] in
            [.text("\(rank)"), bar(time, of: longest)]
                + Self.parts.map { .text(NumberText.fixed(1000 * $0.value(time), 1)) }
        }
        let steps = NumberText.grouped(split.steps)
        let origin =
            split.isByRank
            ? "Forward and backward are each rank’s own; communication and the rest are as rank 0 saw them."
            : "This run did not log the times of each rank: these are rank 0’s."
        return [
            Self.patterns,
            .tag("p", [("class", "hint")], "The mean of \(steps) steps. \(origin)"), legend,
            .table(
                "Time of a step by rank",
                head: [.text(head[0]), .text("Share")] + head.dropFirst().map(HTMLNode.text), rows: rows,
                style: "numbers time"),
        ]
    }

    private var legend: HTMLNode {
        .tag(
            "ul", [("class", "legend")],
            Self.parts.map { part in
                .tag(
                    "li", [],
                    [
                        .tag(
                            "svg", [("class", "swatch"), ("aria-hidden", "true")],
                            Self.rectangle(0, 100, part.style)),
                        .text(part.name),
                    ])
            })
    }

    private func bar(_ time: RankTime, of longest: Double) -> HTMLNode {
        var start = 0.0
        let parts = Self.parts.flatMap { part in
            let width = 100 * part.value(time) / longest
            defer { start += width }
            return Self.rectangle(start, width, part.style)
        }
        return .tag("svg", [("class", "bar"), ("aria-hidden", "true")], parts)
    }

    /// Told apart by lines as well as by colour.
    private static func rectangle(_ start: Double, _ width: Double, _ style: String) -> [HTMLNode] {
        func rectangle(_ style: String, fill: String?) -> HTMLNode {
            .tag(
                "rect",
                [
                    ("x", "\(NumberText.fixed(start, 3))%"), ("width", "\(NumberText.fixed(width, 3))%"),
                    ("height", "100%"), ("class", style), ("fill", fill),
                ], [])
        }
        let hatched = ["waiting", "communication"].contains(style)
        return [rectangle("part-\(style)", fill: nil)]
            + (hatched ? [rectangle("hatch", fill: "url(#hatch-\(style))")] : [])
    }

    /// What bars refer to.
    private static let patterns = HTMLNode.tag(
        "svg", [("class", "patterns"), ("aria-hidden", "true"), ("width", "0"), ("height", "0")],
        [
            .tag(
                "defs", [],
                [
                    pattern("hatch-waiting", path: "M-1,7 L7,-1 M-1,1 L1,-1 M5,7 L7,5"),
                    pattern("hatch-communication", path: "M0,1.5 H6 M0,4.5 H6"),
                ])
        ])

    private static func pattern(_ name: String, path: String) -> HTMLNode {
        .tag(
            "pattern",
            [("id", name), ("width", "6"), ("height", "6"), ("patternUnits", "userSpaceOnUse")],
            [.tag("path", [("d", path), ("class", "hatch-line")], [])])
    }
}
