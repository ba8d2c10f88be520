import QuestionAnswering

/// What was asked and answered: kinds of errors, question words, and the questions themselves.
struct QuestionSection {
    private let questions: QuestionReport?

    init(_ report: RunReport) { questions = report.questions }

    var content: [HTMLNode] {
        guard let questions, !questions.rows.isEmpty else { return [] }
        let origin = questions.step.map { " after step \(NumberText.grouped($0))" } ?? ""
        var content: [HTMLNode] = [
            .tag(
                "p", [("class", "hint")],
                "\(NumberText.grouped(questions.rows.count)) answers, those of the evaluation\(origin).")
        ]
        content.append(.tag("div", [("class", "groups")], [outcomes(questions), words(questions)]))
        let shown = QuestionData(questions).shown.count
        if shown < questions.rows.count {
            content.append(
                .tag(
                    "p", [("class", "notices")],
                    "The list has \(NumberText.grouped(shown)) of them, wrong ones first: more would make "
                        + "the page slow. The numbers above are of all."))
        }
        content.append(.tag("div", [("id", "question-list")], []))
        return content
    }

    private func outcomes(_ questions: QuestionReport) -> HTMLNode {
        let total = questions.rows.count
        return .table(
            "Kinds of answers", head: ["Kind", "Share", "Answers", "%"].map(HTMLNode.text),
            rows: questions.outcomes.map { outcome, count in
                [
                    .tag("span", [("title", outcome.explanation)], outcome.title), Self.bar(count, of: total),
                    .text(NumberText.grouped(count)),
                    .text(NumberText.fixed(100 * Double(count) / Double(total), 1)),
                ]
            }, style: "numbers kinds")
    }

    private func words(_ questions: QuestionReport) -> HTMLNode {
        .table(
            "By question word",
            head: ["Word", "KorQuAD F1", "F1", "Exact match", "Questions"].map(HTMLNode.text),
            rows: questions.words.map { word, metrics in
                [
                    .tag("span", [("lang", "ko")], word.rawValue),
                    .text(NumberText.fixed(metrics.korquadF1, 1)),
                    .text(NumberText.fixed(metrics.f1, 1)), .text(NumberText.fixed(metrics.exactMatch, 1)),
                    .text(NumberText.grouped(metrics.total)),
                ]
            }, style: "numbers")
    }

    private static func bar(_ count: Int, of total: Int) -> HTMLNode {
        .tag(
            "svg", [("class", "bar"), ("aria-hidden", "true")],
            [
                .tag(
                    "rect",
                    [
                        ("width", NumberText.fixed(100 * Double(count) / Double(total), 2) + "%"),
                        ("height", "100%"), ("class", "part-compute"),
                    ], [])
            ])
    }
}

extension AnswerOutcome {
    var title: String {
        switch self {
        case .exact: "exact"
        case .tooLong: "too long"
        case .tooShort: "too short"
        case .overlap: "overlaps"
        case .elsewhere: "wrong place"
        case .missed: "no answer given"
        case .spurious: "answer to none"
        case .unknown: "not scored"
        }
    }

    var explanation: String {
        switch self {
        case .exact: "Right by exact match"
        case .tooLong: "Holds the right answer and more"
        case .tooShort: "A part of the right answer"
        case .overlap: "Shares a part with the right answer, and has something else"
        case .elsewhere: "Shares nothing with the right answer"
        case .missed: "Empty, though the context has an answer"
        case .spurious: "An answer, though the context has none"
        case .unknown: "The right answer is not known"
        }
    }
}

/// The questions as the page's script reads them.
struct QuestionData {
    private let questions: QuestionReport

    init(_ questions: QuestionReport) { self.questions = questions }

    /// Beyond these a page would be slow to open.
    static let mostQuestions = 10_000
    static let mostContextBytes = 24 << 20

    /// Those that have room, in the order of the dataset; wrong ones have it first.
    var shown: [QuestionReport.Row] {
        var isShown = [Bool](repeating: false, count: questions.rows.count)
        var room = Self.mostContextBytes
        var count = 0
        var contexts: Set<Int> = []
        let order =
            questions.rows.indices.filter { questions.rows[$0].isWrong }
            + questions.rows.indices.filter { !questions.rows[$0].isWrong }
        for index in order where count < Self.mostQuestions {
            let context = questions.rows[index].question.contextIndex
            if !contexts.contains(context) {
                let bytes = questions.contexts[context].utf8.count
                guard bytes <= room else { continue }
                room -= bytes
                contexts.insert(context)
            }
            isShown[index] = true
            count += 1
        }
        return questions.rows.indices.filter { isShown[$0] }.map { questions.rows[$0] }
    }

    var json: JSONValue {
        var contexts: [JSONValue] = []
        var places: [Int: Int] = [:]
        var current: (index: Int, text: ScriptText)?
        var rows: [JSONValue] = []
        for row in shown {
            let index = row.question.contextIndex
            let place = places[index] ?? contexts.count
            if place == contexts.count {
                contexts.append(.string(questions.contexts[index]))
                places[index] = place
            }
            if current?.index != index { current = (index, ScriptText(questions.contexts[index])) }
            if let text = current?.text { rows.append(Self.json(row, place, text)) }
        }
        return [
            "contexts": .array(contexts), "rows": .array(rows),
            "outcomes": .array(
                AnswerOutcome.allCases.map { outcome in
                    [.string(outcome.rawValue), .string(outcome.title), .string(outcome.explanation)]
                }),
            "words": .array(QuestionWord.allCases.map { .string($0.rawValue) }),
        ]
    }

    /// Lists instead of objects: their keys would be half of the page.
    private static func json(_ row: QuestionReport.Row, _ context: Int, _ text: ScriptText) -> JSONValue {
        let golds = row.question.answers.map { answer -> JSONValue in
            let points = CodePoints(answer.text)
            let isThere = isSameText(
                text.points.slice(answer.start, answer.start + points.count), answer.text)
            let range = isThere ? answer.start..<answer.start + points.count : nil
            return range.map(text.json) ?? .string(answer.text)
        }
        return [
            .string(row.question.id), .string(row.question.text), .integer(context),
            .integer(AnswerOutcome.allCases.firstIndex(of: row.place.outcome) ?? 0),
            .integer(QuestionWord.allCases.firstIndex(of: row.word) ?? 0),
            .rounded((row.score.korquad.f1 * 1000).rounded() / 10), .array(Self.withoutRepeats(golds)),
            row.place.predicted.map(text.json) ?? .string(row.answer), .integer(row.place.places),
            .rounded(row.probability.map(Self.share)),
            .array(
                row.candidates.map { candidate in
                    [text.json(of: candidate.text), .rounded(candidate.probability.map(Self.share))]
                }),
        ]
    }

    private static func share(_ probability: Double) -> Double { (probability * 10000).rounded() / 10000 }

    private static func withoutRepeats(_ values: [JSONValue]) -> [JSONValue] {
        values.enumerated().filter { index, value in !values[..<index].contains(value) }.map(\.element)
    }
}

/// A context whose parts are told as scripts count: in units of UTF-16.
private struct ScriptText {
    let points: CodePoints
    /// Units before each code point, and all.
    private let units: [Int]

    init(_ text: String) {
        points = CodePoints(text)
        var count = 0
        units =
            [0]
            + points.scalars.map { scalar in
                count += UTF16.width(scalar)
                return count
            }
    }

    /// Start and length. The range must lie in the text.
    func json(_ range: Range<Int>) -> JSONValue {
        [.integer(units[range.lowerBound]), .integer(units[range.upperBound] - units[range.lowerBound])]
    }

    /// Where a text stands first, or itself.
    func json(of text: String) -> JSONValue {
        points.firstOccurrence(of: CodePoints(text)).map(json) ?? .string(text)
    }
}
