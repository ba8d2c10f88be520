import Core

/// The doctor's findings as a list for people: level, area, what and where, and below it what to do.
extension DoctorReport {
    /// - width: columns of the terminal.
    package func lines(width: Int) -> [String] {
        let width = max(width, Self.indent + 24)
        let lines = findings.flatMap { $0.lines(indent: Self.indent, width: width, of: hosts) }
        return lines + ["", summary]
    }

    private static let indent = 20

    private var summary: String {
        let (problems, notes) = (count(.problem), count(.note))
        guard problems + notes > 0 else { return "All is well." }
        let parts = [(problems, "problem"), (notes, "note")].filter { $0.0 > 0 }.map(counted)
        return parts.joined(separator: ", ") + (problems == 0 ? ": nothing is in the way of a run." : ".")
    }
}

extension Finding {
    fileprivate func lines(indent: Int, width: Int, of all: [String]) -> [String] {
        let room = width - indent
        let origins = [place, hostList(of: all)].compactMap(\.self)
        let origin = origins.isEmpty ? "" : " (\(origins.joined(separator: "; ")))"
        var texts = TextLines.wrapped(PrintableText.onOneLine(what + origin), width: room)
        for detail in details.map(PrintableText.onOneLine) {
            texts += TextLines.wrapped("· \(detail)", width: room, hanging: 2)
        }
        if let remedy {
            texts += TextLines.wrapped(
                "→ \(PrintableText.onOneLine(remedy))", width: room, hanging: 2)
        }
        let head = TextLines.padded(level.rawValue, to: 9) + TextLines.padded(area.rawValue, to: indent - 9)
        return texts.enumerated().map { index, text in
            (index == 0 ? head : String(repeating: " ", count: indent)) + text
        }
    }

    /// No more than a few by name; nil where there is only one.
    private func hostList(of all: [String]) -> String? {
        guard all.count > 1, !hosts.isEmpty else { return nil }
        if hosts.count == all.count { return "all hosts" }
        let shown = hosts.prefix(4).joined(separator: ", ")
        return "host \(shown)" + (hosts.count > 4 ? " and \(hosts.count - 4) more" : "")
    }
}
