import Foundation

/// What a terminal shows after a text was written to it: a screen without a bottom. It knows the returns and the two
/// ways of erasing that the program uses, and counts columns as the C library does.
package struct TerminalScreen {
    private let columns: Int
    private var rows: [[String]] = [[]]
    private var row = 0
    private var column = 0
    /// Texts that went beyond the last column and on in the next row.
    package private(set) var wraps = 0
    /// Sequences that it does not know.
    package private(set) var unknown: [String] = []

    package init(columns: Int) { self.columns = columns }

    /// The rows, without spaces at their ends, but for empty ones at the end.
    package var lines: [String] {
        var lines = rows.map { row in
            let text = row.joined()
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    package mutating func write(_ text: String) {
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": (row, column) = (row + 1, 0)
            case "\u{1B}":
                let end = rest.dropFirst().firstIndex { $0.properties.isAlphabetic } ?? rest.endIndex - 1
                obey(String(String.UnicodeScalarView(rest[...end])))
                rest = rest[(end + 1)...]
            default: put(scalar)
            }
            while rows.count <= row { rows.append([]) }
        }
    }

    private mutating func obey(_ sequence: String) {
        switch sequence {
        case "[J":
            rows.removeSubrange((row + 1)...)
            rows[row] = Array(rows[row].prefix(column))
        case "[K": rows[row] = Array(rows[row].prefix(column))
        default: unknown.append(sequence)
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        let width = Self.columns(scalar)
        if column + width > columns {
            wraps += 1
            (row, column) = (row + 1, 0)
            rows.append([])
        }
        while rows[row].count < column + width { rows[row].append(" ") }
        if width > 0 { rows[row][column] = String(scalar) }
        if width == 2 { rows[row][column + 1] = "" }
        column += width
    }

    // Never changed, nor freed.
    private nonisolated(unsafe) static let unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)

    /// The C library hides it from Swift.
    private static let wcwidth: (@convention(c) (Int32) -> Int32)? = dlsym(nil, "wcwidth").map {
        unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
    }

    /// As the C library counts, −1 for what cannot be printed.
    package static func columns(_ scalar: Unicode.Scalar) -> Int {
        if (0x20..<0x7F).contains(scalar.value) { return 1 }
        let before = uselocale(unicode)
        defer { uselocale(before) }
        return Int(wcwidth?(Int32(bitPattern: scalar.value)) ?? 1)
    }
}
