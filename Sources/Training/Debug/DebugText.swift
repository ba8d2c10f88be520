import Core
import Foundation

/// How debug output is laid out: in a window of 80 cells, whatever the script.
enum DebugText {
    static let width = 80

    /// A row of a table: a title of 26 cells, and columns of 9.
    static func columns(_ title: String, _ cells: [String]) -> String {
        var line = TextLines.padded(title, to: 26)
        for cell in cells {
            line += String(repeating: " ", count: max(9 - DisplayWidth.columns(cell), 1)) + cell
        }
        return line.trimmingSuffixSpaces
    }

    /// Three digits, or an exponent where those would say nothing; in 8 cells.
    static func number(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.isFinite else { return "\(value.withoutSignOfNaN)" }
        guard (1e-3..<1e5).contains(abs(value)) else { return String(format: "%.1e", value.withoutSignOfNaN) }
        return String(format: abs(value) < 100 ? "%.3g" : "%.0f", value)
    }

    static func percentage(_ part: Int, of whole: Int) -> String {
        String(format: "%.1f %%", 100 * Double(part) / Double(max(whole, 1)))
    }

    /// `label` and `text` behind it, on as many lines as it takes.
    static func entry(_ label: String, _ text: String) -> [String] {
        let indent = 14
        let pieces = TextLines.wrapped(text, width: width - indent)
        return pieces.enumerated().map { index, piece in
            (TextLines.padded(index == 0 ? "  " + label : "", to: indent) + piece).trimmingSuffixSpaces
        }
    }
}

extension String {
    fileprivate var trimmingSuffixSpaces: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
