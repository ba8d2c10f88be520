/// Looks around one place of a news text for boilerplate, over a bounded distance and within a line.
struct NewsLine {
    let text: [UInt32]

    /// Code points: the longest content of a byline, clause of a notice or a link, and address.
    private static let reach = 60
    private static let longestName = 20

    // MARK: Bylines

    /// `(서울=연합뉴스) 홍길동 기자 =` from its bracket on.
    func byline(at open: Int) -> Range<Int>? {
        guard let closing = ScalarKind.closing(text[open]),
            let close = (open + 1..<limit(open)).first(where: {
                text[$0] == closing || ScalarKind.isLineBreak(text[$0]) || ScalarKind.closing(text[$0]) != nil
            }), text[close] == closing, isByline(open + 1..<close)
        else { return nil }
        return open..<afterEqualsSign(afterReporters(close + 1) ?? close + 1)
    }

    /// `place=agency`, `agency=reporter` or `agency … reporter`.
    private func isByline(_ content: Range<Int>) -> Bool {
        if let sign = content.first(where: { text[$0] == 0x3D }) {
            let right = trimmed(sign + 1..<content.upperBound)
            return !trimmed(content.lowerBound..<sign).isEmpty
                && (isAgency(right) || title(endingWord: right) != nil)
        }
        let words = content.split(whereSeparator: { ScalarKind.isSpace(text[$0]) })
        guard words.count > 1, let first = words.first, let last = words.last else { return false }
        return isAgency(first.startIndex..<first.endIndex)
            && title(endingWord: last.startIndex..<last.endIndex) != nil
    }

    /// `홍길동 기자 =` at the beginning of a line.
    func reporterLine(at start: Int) -> Range<Int>? {
        guard ScalarKind.isHangul(text[start]), let end = afterReporters(start) else { return nil }
        let after = afterEqualsSign(end)
        return after > end ? start..<after : nil
    }

    /// The place after one or more reporters, such as ` 홍길동·김철수 기자, 이영희 인턴기자`; nil when there are none.
    private func afterReporters(_ start: Int) -> Int? {
        guard var end = afterReporter(start) else { return nil }
        for _ in 0..<3 {
            guard end < text.count, Self.partsNames(text[end]), !ScalarKind.isBlank(text[end]),
                let next = afterReporter(end)
            else { break }
            end = next
        }
        return end
    }

    /// The place after one or more names with one title.
    private func afterReporter(_ start: Int) -> Int? {
        var next = start
        for _ in 0..<4 {
            let word = run(from: skipping(next, limit: 3, Self.partsNames), while: ScalarKind.isHangul)
            guard !word.isEmpty else { return nil }
            if let title = title(endingWord: word) {
                let name = word.lowerBound..<title.lowerBound
                return Self.isName(name) || name.isEmpty && next > start ? title.upperBound : nil
            }
            guard Self.isName(word) else { return nil }
            next = word.upperBound
        }
        return nil
    }

    private static func partsNames(_ scalar: UInt32) -> Bool {
        ScalarKind.isBlank(scalar) || scalar == 0xB7 || scalar == 0x2C || scalar == 0x2F
    }

    /// The place after an equals sign and the blanks around it; `start` when there is none.
    private func afterEqualsSign(_ start: Int) -> Int {
        let sign = skipping(start, limit: 3, ScalarKind.isBlank)
        guard sign < text.count, text[sign] == 0x3D else { return start }
        return skipping(sign + 1, limit: 3, ScalarKind.isBlank)
    }

    // MARK: Addresses

    /// The e-mail address around an `@`, with a reporter's name and title beside it; nil for an address in the
    /// midst of a line, which the text may be about.
    func address(around at: Int) -> Range<Int>? {
        guard let bare = bareAddress(around: at) else { return nil }
        let address = withBrackets(bare)
        if let start = beforeReporter(address.lowerBound) { return withBrackets(start..<address.upperBound) }
        if let end = afterReporters(address.upperBound) { return withBrackets(address.lowerBound..<end) }
        return endsLine(address.upperBound) && beginsSentence(address.lowerBound) ? address : nil
    }

    private func bareAddress(around at: Int) -> Range<Int>? {
        var start = at
        while start > 0, at - start <= 64, Self.isAddressLetter(text[start - 1]) { start -= 1 }
        guard start < at, at - start <= 64 else { return nil }
        let domain = run(from: at + 1, limit: 100) { Self.isAddressLetter($0) && $0 != 0x5F }
        var end = domain.upperBound
        while end > domain.lowerBound, !ScalarKind.isLatinLetter(text[end - 1]) { end -= 1 }
        guard let point = (domain.lowerBound..<end).last(where: { text[$0] == 0x2E }),
            point > domain.lowerBound, end - point > 2
        else { return nil }
        return start..<end
    }

    private static func isAddressLetter(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x25, 0x2B, 0x2D, 0x2E, 0x5F: true  // % + - . _
        default: ScalarKind.isLatinLetter(scalar) || ScalarKind.isDigit(scalar)
        }
    }

    /// Where name and title before `end` begin; nil when there are none.
    private func beforeReporter(_ end: Int) -> Int? {
        let word = runBackwards(from: skippingBackwards(end))
        guard let title = title(endingWord: word) else { return nil }
        let joined = word.lowerBound..<title.lowerBound
        guard joined.isEmpty else { return Self.isName(joined) ? joined.lowerBound : nil }
        let name = runBackwards(from: skippingBackwards(title.lowerBound))
        return Self.isName(name) ? name.lowerBound : nil
    }

    /// The title at the end of a word, with what comes before it as in 인턴기자.
    private func title(endingWord word: Range<Int>) -> Range<Int>? {
        guard
            let title = NewsWords.titles.first(where: {
                $0.count <= word.count && holds($0, endingAt: word.upperBound)
            })
        else { return nil }
        let start = word.upperBound - title.count
        let rank = NewsWords.ranks.first {
            $0.count <= word.count - title.count && holds($0, endingAt: start)
        }
        return start - (rank?.count ?? 0)..<word.upperBound
    }

    /// As long as Korean names are, in syllables.
    private static func isName(_ word: Range<Int>) -> Bool { (2...4).contains(word.count) }

    // MARK: Notices

    /// `무단전재 및 재배포 금지` from its first word on.
    func notice(at start: Int) -> Range<Int>? {
        guard var next = end(of: NewsWords.unauthorized, at: start) else { return nil }
        let limit = limit(start)
        var hasUse = false
        while next < limit {
            if Self.partsUses(text[next]) {
                next += 1
            } else if hasUse, let end = end(of: NewsWords.bans, at: next) {
                return start..<(end < text.count && text[end] == 0x2E ? end + 1 : end)
            } else if let end = end(of: NewsWords.uses, at: next) {
                next = end
                hasUse = true
            } else {
                return nil
            }
        }
        return nil
    }

    /// Blanks and `, - – / · ㆍ`.
    private static func partsUses(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x2C, 0x2D, 0x2013, 0x2F, 0xB7, 0x318D: true
        default: ScalarKind.isBlank(scalar)
        }
    }

    /// `저작권자 ⓒ 연합뉴스, 무단 전재-재배포 금지`, of which the mark stands at `mark`. Of a mark alone, only with an
    /// agency's name or a notice: others may be part of the text.
    func copyright(at mark: Int, end: Int) -> Range<Int>? {
        let before = skippingBackwards(mark)
        let word = NewsWords.owners.first { holds($0, endingAt: before) }
        let start = word.map { before - $0.count } ?? mark
        let owner = run(
            from: skipping(end, limit: 3, ScalarKind.isBlank), limit: Self.longestName,
            while: ScalarKind.isNameLetter)
        if let notice = endOfNotice(after: end) { return withBrackets(start..<notice) }
        guard !owner.isEmpty, word != nil || isAgency(owner) else { return nil }
        return withBrackets(start..<owner.upperBound)
    }

    /// The end of a notice that follows in the same sentence.
    private func endOfNotice(after start: Int) -> Int? {
        for index in start..<limit(start) {
            if ScalarKind.isLineBreak(text[index]) { return nil }
            if text[index] == 0xBB34, let notice = notice(at: index) { return notice.upperBound }
            // A name before it may end with a full stop, as in "Inc. All rights reserved."
            if let end = end(of: NewsWords.rights, at: index) {
                return end < text.count && text[end] == 0x2E ? end + 1 : end
            }
            if endsSentence(index), end(of: NewsWords.rights, at: min(index + 2, text.count - 1)) == nil {
                return nil
            }
        }
        return nil
    }

    // MARK: Links

    /// `▶ 뉴스 바로가기`; a line, or what is left of it, that asks to report or subscribe.
    func link(at start: Int) -> Range<Int>? {
        var holdsLink = false
        for index in start + 1..<max(limit(start), start + 1) {
            if ScalarKind.isLineBreak(text[index]) || text[index] == text[start] {
                return holdsLink ? start..<index : nil
            }
            if endsSentence(index) { return nil }
            if let end = end(of: NewsWords.linkEnds, at: index) { return start..<end }
            holdsLink = holdsLink || end(of: NewsWords.links, at: index) != nil
        }
        return holdsLink && limit(start) == text.count ? start..<text.count : nil
    }
}

// MARK: Pieces

extension NewsLine {
    /// The place after the first of `words` that stands at `index`.
    func end(of words: [[UInt32]], at index: Int) -> Int? {
        for word in words where text[index] == word[0] && holds(word, endingAt: index + word.count) {
            return index + word.count
        }
        return nil
    }

    private func holds(_ word: [UInt32], endingAt end: Int) -> Bool {
        end >= word.count && end <= text.count && text[end - word.count..<end].elementsEqual(word)
    }

    /// A name as agencies have it.
    private func isAgency(_ range: Range<Int>) -> Bool {
        range.count <= Self.longestName && range.allSatisfy { ScalarKind.isNameLetter(text[$0]) }
            && NewsWords.agencies.contains {
                $0.count <= range.count && holds($0, endingAt: range.upperBound)
            }
    }

    /// How far to look from a place on.
    private func limit(_ start: Int) -> Int { min(start + Self.reach, text.count) }

    private func skipping(_ start: Int, limit: Int, _ isSkipped: (UInt32) -> Bool) -> Int {
        var next = start
        while next < text.count, next - start < limit, isSkipped(text[next]) { next += 1 }
        return next
    }

    /// The place after the last that is not blank before `end`, at most three back.
    private func skippingBackwards(_ end: Int) -> Int {
        var next = end
        while next > 0, end - next < 3, ScalarKind.isBlank(text[next - 1]) { next -= 1 }
        return next
    }

    private func run(from start: Int, limit: Int = 20, while belongs: (UInt32) -> Bool) -> Range<Int> {
        start..<skipping(start, limit: limit, belongs)
    }

    /// Hangul syllables before `end`; more than a name or title has are not told apart.
    private func runBackwards(from end: Int) -> Range<Int> {
        var start = end
        while start > 0, end - start < 10, ScalarKind.isHangul(text[start - 1]) { start -= 1 }
        return start..<end
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var range = range
        while let first = range.first, ScalarKind.isBlank(text[first]) { range.removeFirst() }
        while let last = range.last, ScalarKind.isBlank(text[last]) { range.removeLast() }
        return range
    }

    /// The range with brackets that stand directly around it.
    func withBrackets(_ range: Range<Int>) -> Range<Int> {
        guard range.lowerBound > 0, range.upperBound < text.count else { return range }
        let open = text[range.lowerBound - 1]
        let closing = open == 0x3C ? 0x3E : ScalarKind.closing(open)
        return text[range.upperBound] == closing ? range.lowerBound - 1..<range.upperBound + 1 : range
    }

    private func endsLine(_ index: Int) -> Bool {
        let next = skipping(index, limit: 3, ScalarKind.isBlank)
        return next == text.count || ScalarKind.isLineBreak(text[next])
    }

    /// A full stop, question or exclamation mark before white space or the end.
    private func endsSentence(_ index: Int) -> Bool {
        switch text[index] {
        case 0x21, 0x2E, 0x3F, 0x3002: index + 1 == text.count || ScalarKind.isSpace(text[index + 1])
        default: false
        }
    }

    private func beginsSentence(_ index: Int) -> Bool {
        let before = skippingBackwards(index)
        if before == 0 || ScalarKind.isLineBreak(text[before - 1]) { return true }
        return before < index
            && (endsSentence(before - 1) || text[before - 1] == 0x22 || text[before - 1] == 0x201D)
    }
}

extension Range<Int> {
    fileprivate mutating func removeFirst() { self = lowerBound + 1..<upperBound }
    fileprivate mutating func removeLast() { self = lowerBound..<upperBound - 1 }
}
