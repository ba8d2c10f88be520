/// Turns valid inputs into damaged and hostile ones, the same ones for the same seed.
package struct Mutator {
    package enum Style: Sendable {
        case binary
        /// Also with the mistakes that only text can hold: numbers, brackets, escapes.
        case text
    }

    private let inputs: [[UInt8]]
    private let style: Style
    private var generator: SeededGenerator

    package init(_ inputs: [[UInt8]], style: Style, seed: UInt64) {
        precondition(!inputs.isEmpty, "nothing to mutate")
        self.inputs = inputs
        self.style = style
        generator = SeededGenerator(seed: seed)
    }

    /// One of the inputs with one to eight changes, fewer being likelier.
    package mutating func next() -> [UInt8] {
        var bytes = pick(inputs)
        repeat { change(&bytes) } while Int.random(in: 0..<8, using: &generator) < 3
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        if style == .text, Bool.random(using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1: replaceNumber(in: &bytes)
            case 2: replaceScrap(in: &bytes)
            default: nest(&bytes)
            }
            return
        }
        switch Int.random(in: 0..<12, using: &generator) {
        case 0, 1: flipBit(in: &bytes)
        case 2, 3: setBytes(in: &bytes)
        case 4, 5: setInteger(in: &bytes)
        case 6: bytes.removeSubrange(Int.random(in: 0...bytes.count, using: &generator)..<bytes.count)
        case 7: bytes.removeSubrange(range(in: bytes))
        case 8: insert((0..<length()).map { _ in UInt8.random(in: 0...255, using: &generator) }, into: &bytes)
        case 9: insert(Array(bytes[range(in: bytes)]), into: &bytes)
        case 10: splice(&bytes)
        default: insert(run(), into: &bytes)
        }
    }

    private mutating func flipBit(in bytes: inout [UInt8]) {
        guard let place = place(in: bytes) else { return }
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    }

    private mutating func setBytes(in bytes: inout [UInt8]) {
        guard let place = place(in: bytes) else { return }
        let end = min(bytes.count, place + (Bool.random(using: &generator) ? 1 : length()))
        let value = pick([0x00, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &generator)])
        for index in place..<end { bytes[index] = value }
    }

    /// Writes a number at the limits of what readers count with, in one of four widths and either order.
    private mutating func setInteger(in bytes: inout [UInt8]) {
        let width = pick([1, 2, 4, 8])
        guard bytes.count >= width, let place = place(in: Array(bytes.dropLast(width - 1))) else { return }
        let small = Int64.random(in: -16...16, using: &generator)
        let power = Int64(1) << Int64.random(in: 0..<63, using: &generator)
        let value = pick([small, power &+ small, .max &- small, .min &+ small, Int64(bytes.count) &+ small])
        var parts = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * Int64($0))) }
        if Bool.random(using: &generator) { parts.reverse() }
        bytes.replaceSubrange(place..<place + width, with: parts)
    }

    /// Puts a part of another input, or of another place, over a part of this.
    private mutating func splice(_ bytes: inout [UInt8]) {
        let other = pick(inputs)
        bytes.replaceSubrange(range(in: bytes), with: other[range(in: other)])
    }

    private mutating func insert(_ part: [UInt8], into bytes: inout [UInt8]) {
        bytes.insert(contentsOf: part, at: Int.random(in: 0...bytes.count, using: &generator))
    }

    private mutating func run() -> [UInt8] {
        let value = pick([0x00, 0xFF, 0x20, 0x30, 0x39, 0x41, UInt8.random(in: 0...255, using: &generator)])
        return Array(repeating: value, count: pick([length(), length(), 4096, 70_000]))
    }

    private mutating func replaceNumber(in bytes: inout [UInt8]) {
        guard let start = place(in: bytes) else { return }
        func isPart(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || [0x2D, 0x2E].contains(byte)
        }
        guard let first = bytes[start...].firstIndex(where: isPart) else { return }
        let end = bytes[first...].firstIndex { !isPart($0) } ?? bytes.count
        bytes.replaceSubrange(first..<end, with: pick(Self.numbers).utf8)
    }

    private mutating func replaceScrap(in bytes: inout [UInt8]) {
        guard let place = place(in: bytes) else { return }
        let end = min(bytes.count, place + Int.random(in: 0..<4, using: &generator))
        bytes.replaceSubrange(place..<end, with: pick(Self.scraps))
    }

    /// Deep nesting, closed or not.
    private mutating func nest(_ bytes: inout [UInt8]) {
        let depth = pick([2, 100, 513, 5000])
        let (open, close) = pick([("[", "]"), (#"{"a":"#, "}"), (#"[{"a":["#, "]}]")])
        var part = Array(String(repeating: open, count: depth).utf8)
        if Bool.random(using: &generator) { part += Array(String(repeating: close, count: depth).utf8) }
        insert(part, into: &bytes)
    }

    private static let numbers = [
        "0", "-0", "-1", "1", "00", "0.5", "1e400", "-1e400", "1e-400", "1E+2", "1e", "-", ".", "NaN",
        "2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616",
        "999999999999", String(repeating: "9", count: 400), "0." + String(repeating: "3", count: 400), "null",
        "true", "\"7\"", "[]", "{}",
    ]

    private static let scraps: [[UInt8]] =
        [
            "{", "}", "[", "]", "\"", ",", ":", "\\", "\n", "\r\n", "null", "true", "{}", "[]", "\"\"",
            "\\u0000", "\\ud800", "\\udc00\\ud800", "\\u", "\u{FEFF}", "\u{2028}", "가", "\u{1100}\u{1161}",
            "é", "e\u{301}", "\u{10FFFF}", "##", "[UNK]", "[CLS]", "\"a\":1,",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xEA, 0xB0], [0x00],
        ]

    /// A place, half the time near the start, where the structure of most formats stands; `nil` in an empty input.
    private mutating func place(in bytes: [UInt8]) -> Int? {
        guard !bytes.isEmpty else { return nil }
        let end = Bool.random(using: &generator) ? bytes.count : max(1, min(bytes.count / 8, 4096))
        return Int.random(in: 0..<end, using: &generator)
    }

    private mutating func range(in bytes: [UInt8]) -> Range<Int> {
        guard let start = place(in: bytes) else { return 0..<0 }
        let longest = bytes.count - start
        let length =
            Bool.random(using: &generator)
            ? min(length(), longest) : Int.random(in: 0...longest, using: &generator)
        return start..<start + length
    }

    private mutating func length() -> Int { Int.random(in: 1...pick([2, 8, 64]), using: &generator) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &generator)]
    }
}
