import Foundation

/// How debug output is laid out: in a window of 80 cells, whatever the script.
enum DebugText {
    static let width = 80

    /// A row of a table: a title of 26 cells, and columns of 9.
    static func columns(_ title: String, _ cells: [String]) -> String {
        var line = padded(title, to: 26)
        for cell in cells { line += String(repeating: " ", count: max(9 - Self.cells(cell), 1)) + cell }
        return line.trimmingSuffixSpaces
    }

    /// Three digits, or an exponent where those would say nothing; in 8 cells.
    static func number(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.isFinite else { return "\(value)" }
        guard (1e-3..<1e5).contains(abs(value)) else { return String(format: "%.1e", value) }
        return String(format: abs(value) < 100 ? "%.3g" : "%.0f", value)
    }

    static func percentage(_ part: Int, of whole: Int) -> String {
        String(format: "%.1f %%", 100 * Double(part) / Double(max(whole, 1)))
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(width - cells(text), 0))
    }

    /// As much of `text` as there is room for.
    static func clipped(_ text: String, to width: Int) -> String {
        guard cells(text) > width else { return text }
        var view = String.UnicodeScalarView()
        var room = width - 1
        for scalar in text.unicodeScalars {
            room -= cells(scalar)
            if room < 0 { break }
            view.append(scalar)
        }
        return String(view) + "…"
    }

    /// Text out of a dataset, without what a terminal would obey.
    static func visible(_ text: String) -> String {
        var view = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: view.append(" ")
            case .format, .surrogate, .privateUse, .unassigned: view.append("\u{FFFD}")
            default: view.append(scalar)
            }
        }
        return String(view)
    }

    /// `label` and `text` behind it, on as many lines as it takes.
    static func entry(_ label: String, _ text: String) -> [String] {
        let indent = 14
        let pieces = wrapped(text, to: width - indent)
        return pieces.enumerated().map { index, piece in
            (padded(index == 0 ? "  " + label : "", to: indent) + piece).trimmingSuffixSpaces
        }
    }

    /// Lines of at most `width` cells, ended between words where words are not longer than that.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines = [""]
        var used = 0
        for word in text.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false) {
            let size = word.reduce(0) { $0 + cells($1) }
            if used > 0, used + 1 + size > width {
                lines.append("")
                used = 0
            } else if used > 0 {
                lines[lines.count - 1] += " "
                used += 1
            }
            for scalar in word {
                if used + cells(scalar) > width {
                    lines.append("")
                    used = 0
                }
                lines[lines.count - 1].unicodeScalars.append(scalar)
                used += cells(scalar)
            }
        }
        return lines
    }

    /// Cells of a terminal that a text takes.
    static func cells(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + cells($1) } }

    private static func cells(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: 0
        default: wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    /// Of Unicode's East Asian Width, what is wide.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x1F300...0x1F64F, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
    ]
}

extension String {
    fileprivate var trimmingSuffixSpaces: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
