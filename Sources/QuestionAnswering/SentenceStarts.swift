/// Where sentences of Korean text begin, for windows that begin with one.
///
/// A sentence ends with a line break, or with `. ? ! 。 …` and the quotes and brackets that close after them, before
/// white space. A full stop after a digit or a single Latin letter ends none: numbers (`3.14`), dates
/// (`2019. 3. 1.`), numbered headings and initials (`U.S.`) are far more usual in Korean, whose sentences end
/// with `다.` or `요.`.
enum SentenceStarts {
    /// The code points at which sentences begin, but for the first of the text: ascending.
    static func offsets(in text: String) -> [Int] {
        var offsets: [Int] = []
        var reader = Reader()
        var index = 0
        for scalar in text.unicodeScalars {
            if reader.beginsSentence(scalar.value) { offsets.append(index) }
            index += 1
        }
        return offsets
    }

    /// The indexes of `tokens` that begin a sentence: the first at or after each of `offsets`.
    static func indexes(in tokens: [Token], offsets: [Int]) -> [Int] {
        var indexes: [Int] = []
        var next = 0
        for offset in offsets {
            while next < tokens.count, tokens[next].start < offset { next += 1 }
            guard next < tokens.count else { break }
            if indexes.last != next { indexes.append(next) }
        }
        return indexes
    }

    private struct Reader {
        private enum State {
            case inSentence
            /// After a mark that may end the sentence, and what closes with it.
            case afterMark
            /// After the white space that makes it the end.
            case between
        }

        private var state = State.between
        private var isAtStart = true
        /// The last two code points, for what a full stop follows.
        private var last: UInt32 = 0x20
        private var lastButOne: UInt32 = 0x20

        mutating func beginsSentence(_ scalar: UInt32) -> Bool {
            defer { (lastButOne, last) = (last, scalar) }
            if ScalarKind.isLineBreak(scalar) {
                state = .between
            } else if ScalarKind.isBlank(scalar) {
                if state == .afterMark { state = .between }
            } else if state == .between {
                defer { isAtStart = false }
                state = endsSentence(scalar) ? .afterMark : .inSentence
                return !isAtStart
            } else if endsSentence(scalar) {
                state = .afterMark
            } else if state != .afterMark || !closes(scalar) {
                state = .inSentence
            }
            return false
        }

        private func endsSentence(_ scalar: UInt32) -> Bool {
            switch scalar {
            case 0x2E, 0xFF0E: !ScalarKind.isDigit(last) && !isInitial
            case 0x21, 0x3F, 0x3002, 0x2026, 0xFF01, 0xFF1F: true
            default: false
            }
        }

        /// Whether the last code point is a Latin letter by itself.
        private var isInitial: Bool {
            ScalarKind.isLatinLetter(last) && !ScalarKind.isNameLetter(lastButOne)
        }

        /// Quotes and brackets.
        private func closes(_ scalar: UInt32) -> Bool {
            switch scalar {
            case 0x22, 0x27, 0x2019, 0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0xBB: true
            default: ScalarKind.isClosing(scalar)
            }
        }
    }
}
