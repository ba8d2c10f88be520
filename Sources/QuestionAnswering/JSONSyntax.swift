/// The first place where bytes stop being JSON. Foundation's decoder only says that they are not.
package struct JSONSyntaxError: Error, Equatable, Sendable {
    /// In bytes from the start.
    package let offset: Int
    /// From 1.
    package let line: Int
    package let reason: String
}

/// Walks over JSON (RFC 8259) without building anything, to find where it is broken.
struct JSONSyntax {
    private let bytes: [UInt8]
    private var position = 0

    private struct Failure: Error {
        let reason: String
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The first error in `bytes`, or nil when they are JSON.
    static func firstError(in bytes: [UInt8]) -> JSONSyntaxError? {
        var scanner = JSONSyntax(bytes: bytes)
        do {
            try scanner.scanDocument()
            return nil
        } catch {
            let reason = (error as? Failure)?.reason ?? "not JSON"
            return JSONSyntaxError(
                offset: scanner.position, line: lineNumber(in: bytes, at: scanner.position), reason: reason)
        }
    }

    /// The line, from 1, on which the byte at `offset` stands.
    static func lineNumber(in bytes: [UInt8], at offset: Int) -> Int {
        1 + bytes.prefix(offset).count { $0 == UInt8(ascii: "\n") }
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func unexpected(_ wanted: String) -> Failure {
        guard let current else { return Failure(reason: "the file ends where \(wanted) should stand") }
        let found =
            (0x21...0x7E).contains(current)
            ? "'\(Unicode.Scalar(current))'" : "byte 0x" + String(current, radix: 16)
        return Failure(reason: "\(found) where \(wanted) should stand")
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    /// Values are walked with an explicit stack of open brackets, so that hostile nesting cannot overflow
    /// the call stack.
    private mutating func scanDocument() throws {
        var open: [UInt8] = []
        while true {
            if try scanValueStart(open: &open) { continue }
            guard try closeFinished(open: &open) else { break }
        }
        if current != nil { throw unexpected("the end of the file") }
    }

    /// Reads a scalar, or opens a list; true when another value has to follow at once.
    private mutating func scanValueStart(open: inout [UInt8]) throws -> Bool {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"):
            position += 1
            skipSpace()
            if skip(UInt8(ascii: "}")) { return false }
            open.append(UInt8(ascii: "}"))
            try scanKey()
            return true
        case UInt8(ascii: "["):
            position += 1
            skipSpace()
            if skip(UInt8(ascii: "]")) { return false }
            open.append(UInt8(ascii: "]"))
            return true
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanWord("true")
        case UInt8(ascii: "f"): try scanWord("false")
        case UInt8(ascii: "n"): try scanWord("null")
        default: try scanNumber()
        }
        return false
    }

    /// After a value: closes what ends here; true when a comma announces another value.
    private mutating func closeFinished(open: inout [UInt8]) throws -> Bool {
        skipSpace()
        while let close = open.last {
            if skip(UInt8(ascii: ",")) {
                if close == UInt8(ascii: "}") { try scanKey() }
                return true
            }
            guard skip(close) else { throw unexpected("',' or '\(Unicode.Scalar(close))'") }
            open.removeLast()
            skipSpace()
        }
        return false
    }

    private mutating func scanKey() throws {
        skipSpace()
        guard current == UInt8(ascii: "\"") else { throw unexpected("a quoted key") }
        try scanString()
        skipSpace()
        guard skip(UInt8(ascii: ":")) else { throw unexpected("':'") }
    }

    private mutating func scanWord(_ word: String) throws {
        for byte in word.utf8 {
            guard skip(byte) else { throw unexpected("'\(word)'") }
        }
    }

    private mutating func scanNumber() throws {
        _ = skip(UInt8(ascii: "-"))
        guard current.map(Self.isDigit) == true else { throw unexpected("a value") }
        if !skip(UInt8(ascii: "0")) { skipDigits() }
        if skip(UInt8(ascii: ".")) { try scanDigits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try scanDigits()
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private mutating func skipDigits() { while let byte = current, Self.isDigit(byte) { position += 1 } }

    private mutating func scanDigits() throws {
        guard current.map(Self.isDigit) == true else { throw unexpected("a digit") }
        skipDigits()
    }

    private mutating func scanString() throws {
        position += 1
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try scanEscape()
            case 0..<0x20: throw unexpected("text (control characters have to be escaped)")
            default: position += 1
            }
        }
        throw unexpected("the end of a text")
    }

    private mutating func scanEscape() throws {
        position += 1
        guard let kind = current else { throw unexpected("the end of an escape") }
        guard kind == UInt8(ascii: "u") else {
            guard "\"\\/bfnrt".utf8.contains(kind) else { throw unexpected("an escape") }
            position += 1
            return
        }
        let start = position - 1
        let unit = try scanCodeUnit()
        guard (0xD800...0xDFFF).contains(unit) else { return }
        if unit < 0xDC00, skip(UInt8(ascii: "\\")), current == UInt8(ascii: "u"),
            (0xDC00...0xDFFF).contains(try scanCodeUnit())
        {
            return
        }
        position = start
        throw Failure(reason: "half of a surrogate pair")
    }

    private mutating func scanCodeUnit() throws -> UInt32 {
        position += 1
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            value = value * 16 + UInt32(digit)
            position += 1
        }
        return value
    }
}
