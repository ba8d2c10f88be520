/// Text in columns of a terminal, where Hangul and ideographs take two.
package enum TextLines {
    package static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(columns - DisplayWidth.columns(text), 0))
    }

    /// As much of `text` as there is room for.
    static func clipped(_ text: String, to columns: Int) -> String {
        guard DisplayWidth.columns(text) > columns else { return text }
        var view = String.UnicodeScalarView()
        var room = columns - 1
        for scalar in text.unicodeScalars {
            room -= DisplayWidth.columns(scalar)
            if room < 0 { break }
            view.append(scalar)
        }
        return String(view) + "…"
    }

    /// Lines of at most `width` columns, ended between words where words are not longer than that.
    ///
    /// - hanging: columns by which all lines but the first are indented.
    package static func wrapped(_ text: String, width: Int, hanging: Int = 0) -> [String] {
        var lines = [""]
        var used = 0
        var isFresh = true
        func begin() {
            lines.append(String(repeating: " ", count: hanging))
            (used, isFresh) = (hanging, true)
        }
        for word in text.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false) {
            let size = word.reduce(0) { $0 + DisplayWidth.columns($1) }
            if !isFresh, used + 1 + size > width {
                begin()
            } else if !isFresh {
                lines[lines.count - 1] += " "
                used += 1
            }
            for scalar in word {
                if used + DisplayWidth.columns(scalar) > width, !isFresh { begin() }
                lines[lines.count - 1].unicodeScalars.append(scalar)
                used += DisplayWidth.columns(scalar)
                isFresh = false
            }
        }
        return lines
    }
}
