/// Text of files, flags and the environment made fit for a terminal: what a terminal would obey is shown, not sent.
package enum PrintableText {
    /// `text` with control characters (C0, DEL and C1), line and paragraph separators, bidirectional overrides and other
    /// invisible format characters written as `\u{1b}`; everything else as it is.
    ///
    /// - keepsLineBreaks: leaves `\n` alone, for text of the program's own that has several lines.
    package static func escaped(_ text: String, keepsLineBreaks: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: { mustBeEscaped($0) }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if !mustBeEscaped(scalar) || (keepsLineBreaks && scalar == "\n") {
                result.append(scalar)
            } else {
                result.append(contentsOf: escape(of: scalar).unicodeScalars)
            }
        }
        return String(result)
    }

    private static func escape(of scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value < 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        // Joiners are part of how words and emoji are written, and move nothing.
        case .format: return scalar != "\u{200C}" && scalar != "\u{200D}"
        default: return false
        }
    }
}
