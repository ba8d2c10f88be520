/// Text of files, flags and the environment made fit for a terminal: what a terminal would obey is shown, not sent.
///
/// Whatever the program writes to stdout and stderr passes through here once more on its way, so that nobody has to
/// think of it.
package enum PrintableText {
    /// `text` with control characters (C0, DEL and C1), line and paragraph separators, bidirectional overrides and other
    /// invisible format characters written as `\u{1b}`; everything else as it is.
    ///
    /// - keepsLineBreaks: leaves `\n` alone, for text of the program's own that has several lines.
    package static func escaped(_ text: String, keepsLineBreaks: Bool = false) -> String {
        replacing(text) { keepsLineBreaks && $0 == "\n" ? "\n" : escape(of: $0) }
    }

    /// `text`, which may be long and of several lines, as an excerpt on one line: line breaks and tabs become spaces, the
    /// rest is escaped.
    package static func onOneLine(_ text: String) -> String {
        replacing(text) { $0.properties.isWhitespace ? " " : escape(of: $0) }
    }

    /// `json`, a JSON text, with what a terminal would obey inside its texts written as `\u001b`: another spelling of the
    /// same value.
    package static func json(_ json: String) -> String {
        replacing(json) { scalar in
            // Between the texts of a document; inside them JSON has both escaped.
            if scalar == "\n" || scalar == "\t" { return String(scalar) }
            return UTF16.encode(scalar).map { units in
                units.map { "\\u\(String(0x10000 + UInt32($0), radix: 16).dropFirst())" }.joined()
            } ?? ""
        }
    }

    private static func replacing(_ text: String, _ replacement: (Unicode.Scalar) -> String) -> String {
        guard text.unicodeScalars.contains(where: { mustBeEscaped($0) }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if mustBeEscaped(scalar) {
                result.append(contentsOf: replacement(scalar).unicodeScalars)
            } else {
                result.append(scalar)
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
        // No control or format character is there, but most scripts are: looking up a category takes time.
        if (0x2070..<0xFEFF).contains(scalar.value) { return false }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        // Joiners are part of how words and emoji are written, and move nothing.
        case .format: return scalar != "\u{200C}" && scalar != "\u{200D}"
        default: return false
        }
    }
}
