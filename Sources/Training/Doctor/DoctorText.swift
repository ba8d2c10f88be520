/// The doctor's findings as a list for people: level, area, what and where, and below it what to do.
extension DoctorReport {
    /// - width: columns of the terminal.
    package func text(width: Int) -> String {
        let width = max(width, Self.indent + 24)
        let lines = findings.flatMap { $0.lines(indent: Self.indent, width: width, of: hosts) }
        return (lines + ["", summary]).joined(separator: "\n")
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
        var texts = TextLines.wrapped(what + origin, width: room)
        for detail in details { texts += TextLines.wrapped("· \(detail)", width: room, hanging: 2) }
        if let remedy { texts += TextLines.wrapped("→ \(remedy)", width: room, hanging: 2) }
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

/// Text in columns of a terminal, where Hangul and ideographs take two.
enum TextLines {
    static func width(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        // Medial vowels and final consonants of conjoining jamo stand over the first.
        case 0x1160...0x11FF, 0x0300...0x036F, 0x200B...0x200F: 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF,
            0x20000...0x3FFFD:
            2
        default: 1
        }
    }

    static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(columns - width(text), 1))
    }

    /// Lines of at most `width` columns, broken between words; a longer word is cut.
    ///
    /// - hanging: columns by which all lines but the first are indented.
    static func wrapped(_ text: String, width: Int, hanging: Int = 0) -> [String] {
        var lines: [String] = []
        var line = ""
        let margin = String(repeating: " ", count: hanging)
        for word in text.unicodeScalars.split(separator: " ").map(Substring.init) {
            for piece in pieces(word, width: max(width - hanging, 2)) {
                let isFirst = line.isEmpty || line == margin
                guard !isFirst, Self.width(line) + 1 + Self.width(piece) > width else {
                    line += isFirst ? piece : " \(piece)"
                    continue
                }
                lines.append(line)
                line = margin + piece
            }
        }
        return lines + [line]
    }

    private static func pieces(_ word: Substring, width: Int) -> [String] {
        var pieces: [String] = []
        var piece = String.UnicodeScalarView()
        var taken = 0
        for scalar in word.unicodeScalars {
            let columns = Self.width(of: scalar)
            if taken + columns > width, !piece.isEmpty {
                pieces.append(String(piece))
                piece = String.UnicodeScalarView()
                taken = 0
            }
            piece.append(scalar)
            taken += columns
        }
        return pieces + [String(piece)]
    }
}
