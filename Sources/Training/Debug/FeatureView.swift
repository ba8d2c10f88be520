import Core
import Model
import QuestionAnswering

/// One feature as the model sees it, as lines of text.
struct FeatureView {
    let feature: Feature
    let questionID: String
    /// Windows that training has of the question.
    let windows: Int
    let tokenizer: WordPieceTokenizer
    let configuration: ModelConfiguration
    /// Question and context; nil where features were made beforehand.
    let texts: (question: Question, context: CodePoints)?

    func lines() -> [String] {
        var lines = [
            "", "== Feature: question \(PrintableText.onOneLine(questionID)), window \(feature.window)", "",
        ]
        lines += DebugText.entry("tokens", tokenSummary)
        lines += DebugText.entry("unknown", unknownSummary)
        if let texts { lines += describe(texts.question, texts.context) }
        return lines + answer() + [""] + table()
    }

    // MARK: What it is made of

    private var question: ArraySlice<Int32> {
        let ids = feature.inputIDs
        let special = tokenizer.specialTokenIDs
        // Question and context may stand either way round.
        let rest =
            feature.contextStart > 1
            ? ids[1..<max(feature.contextStart - 1, 1)] : ids[feature.contextRange.upperBound...].dropFirst()
        return rest.last == special.separator ? rest.dropLast() : rest
    }

    private var tokenSummary: String {
        let types = feature.tokenTypeIDs.prefix { $0 == 0 }.count
        let kinds =
            configuration.usesTokenTypes
            ? "\(types) of type 0, then \(feature.count - types) of type 1" : "all of type 0"
        return "\(feature.count): \(question.count) of the question, \(feature.contextTokens.count) of the "
            + "context, \(feature.count - question.count - feature.contextTokens.count) special; \(kinds)"
    }

    private var unknownSummary: String {
        let unknown = tokenizer.unknownID
        let count = feature.inputIDs.count { $0 == unknown }
        let share = DebugText.percentage(count, of: question.count + feature.contextTokens.count)
        return "\(count) tokens are \(tokenizer.settings.unknownToken.content) (\(share))"
    }

    private func describe(_ question: Question, _ context: CodePoints) -> [String] {
        let whole = tokenizer.encode(context.slice(0, context.count)).count
        let asked = tokenizer.encode(question.text).count
        var place = "the whole context of \(context.count) code points"
        if let first = feature.contextTokens.first, let last = feature.contextTokens.last,
            feature.contextTokens.count < whole
        {
            place =
                "code points \(first.start)–\(last.end) of \(context.count): \(feature.contextTokens.count) of "
                + "\(whole) context tokens; training has \(windows) "
                + "window\(windows == 1 ? "" : "s") of this question"
        }
        let cut = asked > self.question.count ? " (cut from \(asked) tokens to \(self.question.count))" : ""
        return DebugText.entry("window", place)
            + DebugText.entry("question", PrintableText.onOneLine(question.text) + cut)
    }

    // MARK: The answer

    private func answer() -> [String] {
        guard let label = feature.label else { return DebugText.entry("answer", "none is known") }
        guard label != .unanswerable else {
            return DebugText.entry(
                "answer", "not in this window: start and end point at [CLS], which is token 0")
        }
        var lines = DebugText.entry("label", "start at token \(label.start), end at token \(label.end)")
        guard let texts, let covered = feature.labelText(in: texts.context) else { return lines }
        let gold = texts.question.answers.first
        if let gold {
            lines += DebugText.entry(
                "answer",
                "“\(PrintableText.onOneLine(gold.text))”, at code point \(gold.start) of the context")
        }
        lines += DebugText.entry("in the text", marked(covered.range, texts.context))
        let isSame = gold.map { isSameText($0.text, covered.text) } ?? false
        return lines
            + DebugText.entry(
                "label text",
                isSame
                    ? "“\(PrintableText.onOneLine(covered.text))”, the gold answer exactly"
                    : "“\(PrintableText.onOneLine(covered.text))”, which is not the gold answer: tokens do not end "
                        + "where it does, and no exact match can be had here")
    }

    /// The answer between brackets, with some text around it.
    private func marked(_ range: Range<Int>, _ context: CodePoints) -> String {
        let around = 40
        let (first, last) = (max(range.lowerBound - around, 0), min(range.upperBound + around, context.count))
        return (first > 0 ? "…" : "")
            + PrintableText.onOneLine(context.slice(first, range.lowerBound)) + "【"
            + PrintableText.onOneLine(context.slice(range.lowerBound, range.upperBound)) + "】"
            + PrintableText.onOneLine(context.slice(range.upperBound, last))
            + (last < context.count ? "…" : "")
    }

    // MARK: Tokens

    /// Both ends, what is around the answer, and dots for the rest.
    private func table() -> [String] {
        var lines = ["   token      id  type  position    in the text  entry             text"]
        var shown = Set(0..<min(16, feature.count)).union(max(feature.count - 2, 0)..<feature.count)
        if let label = feature.label, label != .unanswerable {
            shown.formUnion(max(label.start - 6, 0)..<min(label.end + 7, feature.count))
        }
        let positions = configuration.positions(of: feature.inputIDs)
        var skipped = 0
        for token in 0..<feature.count {
            guard shown.contains(token) else {
                skipped += 1
                continue
            }
            if skipped > 0 { lines.append("   … \(skipped) more") }
            skipped = 0
            lines.append(row(token, position: positions[token]))
        }
        return lines
    }

    private func row(_ token: Int, position: Int) -> String {
        let label = feature.label ?? .unanswerable
        let isAnswer = label != .unanswerable && (label.start...label.end).contains(token)
        let isPointedAt = feature.label == .unanswerable && token == 0
        func right(_ value: some CustomStringConvertible, _ width: Int) -> String {
            let text = "\(value)"
            return String(repeating: " ", count: max(width - text.utf8.count, 0)) + text
        }
        let place = feature.contextToken(at: token)
        // An en dash is three bytes, but one cell.
        let offsets = place.map { right($0.start, 6) + "–" + TextLines.padded("\($0.end)", to: 6) }
        let id = feature.inputIDs[token]
        let entry = PrintableText.onOneLine(tokenizer.texts(ofIDs: [id]).first ?? "")
        let text = place.flatMap { place in
            texts.map { PrintableText.onOneLine($0.context.slice(Int(place.start), Int(place.end))) }
        }
        return (isAnswer || isPointedAt ? " > " : "   ")
            + "\(right(token, 5)) \(right(id, 7)) \(right(configuration.usesTokenTypes ? feature.tokenTypeIDs[token] : 0, 5)) "
            + "\(right(position, 9))  \(offsets ?? String(repeating: " ", count: 13))  "
            + (text.map {
                TextLines.padded(TextLines.clipped(entry, to: 17), to: 17) + " "
                    + TextLines.clipped($0, to: 13)
            } ?? TextLines.clipped(entry, to: 31))
    }
}

extension Feature {
    /// The piece of the context that the label's tokens cover, in code points; nil for a window without the answer.
    func labelText(in context: CodePoints) -> (text: String, range: Range<Int>)? {
        guard let label, label != .unanswerable, let first = contextToken(at: label.start),
            let last = contextToken(at: label.end), first.start <= last.end
        else { return nil }
        let range = Int(first.start)..<Int(last.end)
        return (context.slice(range.lowerBound, range.upperBound), range)
    }
}

extension WordPieceTokenizer {
    var unknownID: Int32? { vocabulary.id(of: settings.unknownToken.content) }
}
