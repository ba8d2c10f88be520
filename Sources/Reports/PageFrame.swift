import QuestionAnswering

/// What every page has: head, style, scripts and the data that they show.
struct PageFrame {
    let title: String
    let content: [HTMLNode]
    let data: JSONValue

    private static func resource(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    var html: String {
        let data = data.embedded
        let nonce = Self.nonce(for: title, data)
        let policy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; img-src data:; "
            + "base-uri 'none'; form-action 'none'"
        let style = Self.resource(PackageResources.report_css)
        let head = HTMLNode.tag(
            "head", [],
            [
                .tag("meta", [("charset", "utf-8")]),
                .tag("meta", [("http-equiv", "Content-Security-Policy"), ("content", policy)]),
                .tag("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
                .tag("meta", [("name", "color-scheme"), ("content", "light dark")]),
                .tag("meta", [("name", "referrer"), ("content", "no-referrer")]),
                .tag("title", [], title), .tag("style", [("nonce", nonce)], [.verbatim(style)]),
            ])
        let scripts = [PackageResources.charts_js, PackageResources.questions_js].map { script in
            HTMLNode.tag("script", [("nonce", nonce)], [.verbatim(Self.resource(script))])
        }
        let embedded = HTMLNode.tag(
            "script", [("type", "application/json"), ("id", "report-data")], [.verbatim(data)])
        let body = HTMLNode.tag("body", [], content + [embedded] + scripts)
        return "<!DOCTYPE html>\n" + HTMLNode.tag("html", [("lang", "en")], [head, body]).html
    }

    /// The same for the same page, and nothing that a text in it could know.
    private static func nonce(for parts: String...) -> String {
        var hashes: [UInt64] = [0xCBF2_9CE4_8422_2325, 0x9AE1_6A3B_2F90_404F]
        for byte in parts.joined().utf8 {
            hashes[0] = (hashes[0] ^ UInt64(byte)) &* 0x100_0000_01B3
            hashes[1] = (hashes[1] &+ UInt64(byte)) &* 0x9FB2_1C65_1E98_DF25
            hashes[1] ^= hashes[1] &>> 29
        }
        return hashes.map { hash in
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

// MARK: Parts that pages share

extension HTMLNode {
    static func section(_ name: String, _ title: String, _ children: [HTMLNode]) -> HTMLNode {
        .tag(
            "section", [("id", name), ("aria-labelledby", "\(name)-title")],
            [.tag("h2", [("id", "\(name)-title")], title)] + children)
    }

    /// A table in a box that scrolls when it is too wide. The first cell of each row is its heading.
    static func table(_ caption: String?, head: [HTMLNode], rows: [[HTMLNode]], style: String = "")
        -> HTMLNode
    {
        let heading = HTMLNode.tag("tr", [], head.map { .tag("th", [("scope", "col")], [$0]) })
        let body = rows.map { cells in
            HTMLNode.tag(
                "tr", [],
                cells.enumerated().map { index, cell in
                    index == 0 ? .tag("th", [("scope", "row")], [cell]) : .tag("td", [], [cell])
                })
        }
        let title = caption.map { [HTMLNode.tag("caption", [], $0)] } ?? []
        return .tag(
            "div",
            [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption ?? "Table")],
            [
                .tag(
                    "table", [("class", style.isEmpty ? nil : style)],
                    title + [.tag("thead", [], [heading]), .tag("tbody", [], body)])
            ])
    }

    /// Where the script draws a chart.
    static func chart(_ chart: Chart) -> HTMLNode {
        .tag(
            "figure", [("class", "chart"), ("data-chart", chart.name)],
            [.tag("figcaption", [], chart.title), .tag("div", [("class", "plot")], [])])
    }

    static func notices(_ notices: [String]) -> [HTMLNode] {
        guard !notices.isEmpty else { return [] }
        return [.tag("ul", [("class", "notices")], notices.map { .tag("li", [], $0) })]
    }

    static func navigation(_ links: [(name: String, title: String)]) -> HTMLNode {
        .tag(
            "nav", [("aria-label", "Sections")],
            links.map { .tag("a", [("href", "#\($0.name)")], $0.title) })
    }

    static let withoutScripts = HTMLNode.tag(
        "noscript", [],
        [.tag("p", [("class", "notices")], "Curves and questions are drawn by scripts, which are off.")])

    static func footer(_ version: String?) -> HTMLNode {
        .tag(
            "footer", [],
            [
                .tag(
                    "p", [],
                    "Made by Dure\(version.map { " \($0)" } ?? ""). This page loads nothing from elsewhere.")
            ])
    }
}
