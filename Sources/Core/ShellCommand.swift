/// A command as a user can paste it into a shell and read it on a terminal.
package struct ShellCommand: Sendable, Equatable, CustomStringConvertible {
    /// The program and its arguments.
    package var words: [String]

    package init(_ words: [String]) { self.words = words }

    package var description: String { words.map(Self.quoted).joined(separator: " ") }

    /// `word` so that a shell takes it for one argument, as it is; what a terminal would obey stands as `$'\x1b'`.
    package static func quoted(_ word: String) -> String {
        if !word.isEmpty, word.unicodeScalars.allSatisfy(isPlain) { return word }
        guard PrintableText.escaped(word) == word else { return escaped(word) }
        return "'" + joined(word) { $0 == "'" ? #"'\''"# : nil } + "'"
    }

    /// The form of bash, zsh and ksh that has a spelling for every byte.
    private static func escaped(_ word: String) -> String {
        let text = joined(word) { scalar in
            if scalar == "'" || scalar == "\\" { return "\\\(scalar)" }
            let character = String(scalar)
            guard PrintableText.escaped(character) != character else { return nil }
            return character.utf8.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            }.joined()
        }
        return "$'\(text)'"
    }

    /// - replacement: of a scalar; nil leaves it.
    private static func joined(_ word: String, _ replacement: (Unicode.Scalar) -> String?) -> String {
        var result = String.UnicodeScalarView()
        for scalar in word.unicodeScalars {
            if let text = replacement(scalar) {
                result.append(contentsOf: text.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return false }
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", ",", ":", "=", "@", "%", "+": return true
        default: return false
        }
    }
}
