import Foundation

/// Looks for what a dataset may have meant by an `answer_start` that is wrong: to tell, not to act upon.
enum AnswerUnits {
    /// The unit in which the answer's start is counted when it means code point `start`; nil when there is none.
    static func unit(of answer: Answer, in context: CodePoints, at start: Int) -> String? {
        guard (0..<context.count).contains(start) else { return nil }
        let before = context.scalars[..<start]
        if before.reduce(0, { $0 + UTF16.width($1) }) == answer.start {
            return "answer_start counts UTF-16 units"
        }
        return before.reduce(0) { $0 + UTF8.width($1) } == answer.start ? "answer_start counts bytes" : nil
    }

    /// Why the text does not stand at the answer's start, nil when there is no telling.
    static func cause(of answer: Answer, in context: CodePoints) -> String? {
        let text = CodePoints(answer.text)
        for (name, width) in [
            ("UTF-16 units", { UTF16.width($0) }), ("bytes", { UTF8.width($0) }),
        ] as [(String, (Unicode.Scalar) -> Int)] {
            guard let start = codePoint(at: answer.start, in: context, width: width),
                context.holds(text, at: start)
            else { continue }
            return
                "it stands at \(start), which is \(answer.start) in \(name): answer_start counts code points"
        }
        guard normalized(context).onlyOccurrence(of: normalized(text)) != nil else { return nil }
        return "the two differ only by Unicode normalisation (NFC, NFD)"
    }

    /// The code point that begins at `offset` when each takes `width`.
    private static func codePoint(
        at offset: Int, in context: CodePoints, width: (Unicode.Scalar) -> Int
    ) -> Int? {
        guard offset > 0 else { return nil }
        var before = 0
        for (index, scalar) in context.scalars.enumerated() {
            if before >= offset { return before == offset ? index : nil }
            before += width(scalar)
        }
        return nil
    }

    private static func normalized(_ text: CodePoints) -> CodePoints {
        CodePoints(CodePoints.text(of: text.scalars).precomposedStringWithCanonicalMapping)
    }
}
