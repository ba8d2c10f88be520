import Core

/// A line that tells how things stand: parts of which the less important become shorter, or give way, where there is
/// no room for all.
package struct StatusText: Sendable, Equatable {
    /// What a part can be, from the longest form to the shortest; each stays until forms of lower rank are gone.
    private struct Part: Equatable {
        var forms: [Form]
    }

    private struct Form: Equatable {
        let text: String
        let rank: Int
    }

    private static let gap = "  "
    private var parts: [Part] = []

    package init() {}

    /// Adds a part at the end.
    ///
    /// - forms: from the longest to the shortest, with ranks that rise; what a terminal would obey is escaped.
    package mutating func add(_ forms: (text: String, rank: Int)...) {
        parts.append(Part(forms: forms.map { Form(text: PrintableText.escaped($0.text), rank: $0.rank) }))
    }

    /// The whole line, and each shorter form of it, down to the one part that is most important.
    package var variants: [(text: String, columns: Int)] {
        var parts = parts
        var variants: [(text: String, columns: Int)] = []
        while true {
            let text = parts.compactMap(\.forms.first?.text).joined(separator: Self.gap)
            let columns = DisplayWidth.columns(text)
            if columns < variants.last?.columns ?? .max { variants.append((text, columns)) }
            let next = parts.indices.filter { !parts[$0].forms.isEmpty }
                .min { (parts[$0].forms.first?.rank ?? 0) < (parts[$1].forms.first?.rank ?? 0) }
            guard let next, parts.map(\.forms.count).reduce(0, +) > 1 else { return variants }
            parts[next].forms.removeFirst()
        }
    }

    /// The longest form that `columns` hold; empty where there is none.
    package func fitting(_ columns: Int) -> String {
        variants.first { $0.columns <= columns }?.text ?? ""
    }
}

extension StatusText {
    /// A share from 0 to 1 as a row of signs, which take one column each in whichever way a terminal counts.
    static func bar(_ share: Double, width: Int) -> String {
        let filled = share.isFinite ? Int((min(max(share, 0), 1) * Double(width)).rounded(.down)) : 0
        return String(repeating: "▰", count: filled) + String(repeating: "▱", count: width - filled)
    }

    static func percent(_ share: Double) -> String {
        "\(share.isFinite ? Int((min(max(share, 0), 1) * 100).rounded(.down)) : 0) %"
    }

    /// h:mm:ss.
    static func clock(_ seconds: Double) -> String {
        let whole = seconds.isFinite ? Int(min(max(seconds, 0), 1e12).rounded(.up)) : 0
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return "\(hours):" + [minutes, rest].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
