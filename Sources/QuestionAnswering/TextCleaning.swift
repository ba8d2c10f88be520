/// A kind of text that says nothing about an answer and can be left out of what the model reads.
package enum CleaningRule: String, Sendable, CaseIterable {
    /// Hanja in brackets after their reading, as in 대한민국(大韓民國).
    case hanja
    /// Signs that only decorate, and code points that are not seen.
    case special
    /// What news agencies add to an article: bylines, reporters' addresses, notices of copyright.
    case boilerplate

    /// Later rules see what earlier ones left: boilerplate is recognised by some of the special characters.
    fileprivate static let inOrder: [CleaningRule] = [.boilerplate, .hanja, .special]

    /// What to change in a text: sorted and disjoint.
    func edits(in text: [UInt32]) -> [CleaningEdit] {
        switch self {
        case .hanja: BracketedHanja.edits(in: text)
        case .special: SpecialCharacters.edits(in: text)
        case .boilerplate: Boilerplate.edits(in: text)
        }
    }
}

/// A piece of text to leave out.
struct CleaningEdit: Equatable {
    /// In code points.
    var range: Range<Int>
    /// Whether its neighbours must not grow together: then a blank takes its place, unless there is one.
    var separates: Bool
}

/// What one rule did.
package struct CleaningCount: Sendable, Equatable {
    package var removals = 0
    /// Left out, or replaced by a blank.
    package var codePoints = 0

    package init(removals: Int = 0, codePoints: Int = 0) {
        self.removals = removals
        self.codePoints = codePoints
    }

    package static func += (left: inout CleaningCount, right: CleaningCount) {
        left.removals += right.removals
        left.codePoints += right.codePoints
    }
}

/// A text without what some rules leave out, and where each of its code points stood.
package struct CleanedText: Sendable, Equatable {
    package let text: String
    /// What was left out of the original, or replaced by a blank: sorted, disjoint ranges of code points.
    package let changes: [Range<Int>]
    package let counts: [CleaningRule: CleaningCount]
    /// The place in the original of each code point of `text`.
    let sources: [Int32]

    /// A token of `text` with its place in the original.
    package func original(_ token: Token) -> Token {
        guard token.start < token.end, sources.indices.contains(Int(token.end) - 1) else { return token }
        return Token(id: token.id, start: sources[Int(token.start)], end: sources[Int(token.end) - 1] + 1)
    }

    /// Whether a piece of the original, in code points, holds anything that was changed.
    package func touches(start: Int, count: Int) -> Bool {
        // Numbers of a file may be anything: the sum could overflow.
        let (start, count) = (max(start, 0), start < 0 ? 0 : count)
        return changes.contains { change in
            start < change.upperBound && count > max(change.lowerBound - start, 0)
        }
    }
}

/// Which rules to clean contexts by.
///
/// Cleaning never changes a dataset: it decides what the model reads, whose tokens keep their places in the
/// original. Cleaning a cleaned text changes nothing more. A text of which only blanks would be left stays.
package struct TextCleaning: Sendable, Equatable {
    package static let none = TextCleaning([])

    /// In the order of `CleaningRule.allCases`, each once.
    package let rules: [CleaningRule]

    /// Rules uncover work for each other, as a special character within bracketed Hanja does. A text so odd that
    /// it takes more passes than this stays as it is, lest time grow with the square of its length.
    private static let passLimit = 8

    package init(_ rules: some Sequence<CleaningRule>) {
        let wanted = Set(rules)
        self.rules = CleaningRule.allCases.filter(wanted.contains)
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// `text` without what the rules leave out; nil when that is nothing.
    package func cleaned(_ text: String) -> CleanedText? {
        guard !isEmpty else { return nil }
        let original = text.unicodeScalars.map(\.value)
        var current = AlignedText(scalars: original, sources: [])
        var counts: [CleaningRule: CleaningCount] = [:]
        var pass = 0
        while clean(&current, &counts) {
            pass += 1
            guard pass < Self.passLimit else { return nil }
        }
        guard pass > 0, current.scalars.contains(where: { !ScalarKind.isSpace($0) }) else { return nil }
        return CleanedText(
            text: Self.text(of: current.scalars), changes: Self.changes(from: original, to: current),
            counts: counts, sources: current.sources)
    }

    /// Applies each rule once; whether any found something.
    private func clean(_ text: inout AlignedText, _ counts: inout [CleaningRule: CleaningCount]) -> Bool {
        var changed = false
        for rule in CleaningRule.inOrder where rules.contains(rule) {
            let edits = rule.edits(in: text.scalars)
            guard !edits.isEmpty else { continue }
            changed = true
            counts[rule, default: CleaningCount()] += CleaningCount(
                removals: edits.count, codePoints: edits.reduce(0) { $0 + $1.range.count })
            text.apply(edits)
        }
        return changed
    }

    private static func text(of scalars: [UInt32]) -> String {
        CodePoints.text(of: scalars.lazy.map { Unicode.Scalar($0) ?? "\u{FFFD}" })
    }

    private static func changes(from original: [UInt32], to cleaned: AlignedText) -> [Range<Int>] {
        var changes: [Range<Int>] = []
        func add(_ range: Range<Int>) {
            guard !range.isEmpty else { return }
            if let last = changes.last, last.upperBound == range.lowerBound {
                changes[changes.count - 1] = last.lowerBound..<range.upperBound
            } else {
                changes.append(range)
            }
        }
        var next = 0
        for (scalar, source) in zip(cleaned.scalars, cleaned.sources) {
            let source = Int(source)
            add(next..<source)
            if original[source] != scalar { add(source..<source + 1) }
            next = source + 1
        }
        add(next..<original.count)
        return changes
    }
}

extension TextCleaning: CustomStringConvertible {
    /// As on the command line.
    package var description: String { rules.map(\.rawValue).joined(separator: ",") }
}

extension AlignedText {
    /// Carries sorted, disjoint edits out. Sources that are not given yet are the places themselves.
    fileprivate mutating func apply(_ edits: [CleaningEdit]) {
        if sources.isEmpty { sources = scalars.indices.map { Int32($0) } }
        var edited = AlignedText()
        edited.scalars.reserveCapacity(scalars.count)
        edited.sources.reserveCapacity(scalars.count)
        var start = 0
        for edit in edits {
            edited.append(self, start..<edit.range.lowerBound)
            start = edit.range.upperBound
            guard edit.separates, let before = edited.scalars.last, start < scalars.count,
                !ScalarKind.isSpace(before), !ScalarKind.isSpace(scalars[start])
            else { continue }
            edited.append(0x20, sources[edit.range.lowerBound])
        }
        edited.append(self, start..<scalars.count)
        self = edited
    }

    private mutating func append(_ other: AlignedText, _ range: Range<Int>) {
        scalars += other.scalars[range]
        sources += other.sources[range]
    }
}
