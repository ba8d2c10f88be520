/// What Korean news agencies add to an article around what it says:
///
/// - bylines: `(서울=연합뉴스) 홍길동 기자 =`, `[이데일리 홍길동 기자]`, a line's `홍길동 기자 =`;
/// - reporters with their addresses: `홍길동 기자 abc@news.com`, an address that ends a line;
/// - notices: `무단전재 및 재배포 금지`, `저작권자 ⓒ 연합뉴스`, `<저작권자(c) 연합뉴스, 무단 전재-재배포 금지>`;
/// - links at the end: `▶ 뉴스 바로가기`, `▶ 제보는 카카오톡 abc`.
///
/// A hand-written scan: each place where one may begin is looked at over a bounded distance, so time grows with
/// the text's length alone, and no removal reaches beyond its line. Words are known in precomposed form (NFC).
enum Boilerplate {
    static func edits(in text: [UInt32]) -> [CleaningEdit] {
        var found: [Range<Int>] = []
        var next = 0
        var beginsLine = true
        for (index, scalar) in text.enumerated() {
            defer { beginsLine = ScalarKind.isLineBreak(scalar) || beginsLine && ScalarKind.isBlank(scalar) }
            guard beginsLine || mayBegin(scalar), index >= next else { continue }
            guard let range = range(in: text, at: index, beginsLine: beginsLine) else { continue }
            found.append(range)
            next = range.upperBound
        }
        return merged(found)
    }

    @inline(__always)
    private static func mayBegin(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xBB34, 0x40, 0x28, 0x5B, 0xFF08, 0xFF3B, 0xA9, 0x24D2, 0x25B6, 0x25B7, 0x25BA, 0x261E: true
        default: false
        }
    }

    /// The boilerplate known by what stands at `index`.
    private static func range(in text: [UInt32], at index: Int, beginsLine: Bool) -> Range<Int>? {
        let line = NewsLine(text: text)
        switch text[index] {
        case 0x40: return line.address(around: index)
        case 0xBB34: return line.notice(at: index).map { line.withBrackets($0) }
        case 0xA9, 0x24D2: return line.copyright(at: index, end: index + 1)
        case 0x25B6, 0x25B7, 0x25BA, 0x261E: return line.link(at: index)
        default: break
        }
        if ScalarKind.closing(text[index]) != nil {
            if let end = line.end(of: NewsWords.copyrightMarks, at: index) {
                return line.copyright(at: index, end: end)
            }
            return line.byline(at: index)
        }
        return beginsLine ? line.reporterLine(at: index) : nil
    }

    private static func merged(_ ranges: [Range<Int>]) -> [CleaningEdit] {
        var edits: [CleaningEdit] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = edits.last, last.range.upperBound >= range.lowerBound {
                let end = max(last.range.upperBound, range.upperBound)
                edits[edits.count - 1].range = last.range.lowerBound..<end
            } else {
                edits.append(CleaningEdit(range: range, separates: true))
            }
        }
        return edits
    }
}

/// Words that boilerplate is known by, as code points.
enum NewsWords {
    /// How the names of agencies, papers and stations end.
    static let agencies = words(
        "뉴스 뉴시스 뉴스1 뉴스핌 뉴스엔 뉴스24 연합 일보 신문 경제 통신 투데이 데일리 데일리안 방송 타임스 타임즈 저널 "
            + "미디어 스포츠 스포츠서울 헤럴드 비즈 닷컴 한겨레 경향 TV OSEN")
    /// How the titles of those who write end.
    static let titles = words("기자 특파원 통신원 리포터")
    /// What may stand before a title, in one word with it.
    static let ranks = words("인턴 선임 전문 수습 객원 사진 영상")
    static let copyrightMarks = words("ⓒ © (c) (C)")
    static let owners = words("저작권자 Copyright Copyrights copyright COPYRIGHT")
    static let rights = words(
        "All rights reserved|All Rights Reserved|ALL RIGHTS RESERVED|all rights reserved", separator: "|")
    static let unauthorized = words("무단")
    static let uses = words("전재 전제 복제 재배포 배포 복사 도용 사용 이용 AI 학습 활용 및 또는 와 과 를 을")
    static let bans = words("금지합니다 금지 금합니다 금함")
    /// What ends a link wherever it stands, and what a line that is only a link holds.
    static let linkEnds = words("바로가기 보러가기 구독하기 제보하기")
    static let links = words("제보 구독 클릭 다운로드 카카오톡")

    private static func words(_ list: String, separator: Character = " ") -> [[UInt32]] {
        // The longest first, as the first that fits is taken.
        list.split(separator: separator).map { $0.unicodeScalars.map(\.value) }
            .sorted { $0.count > $1.count }
    }
}
