import Core
import Foundation
import QuestionAnswering
import Training

/// The conversation of `dure answer` on a terminal: a context once, then questions about it.
struct AnswerPrompt {
    let answerer: Answerer
    private var lines = StandardInputLines()
    private var context: String?
    private var number = 0

    /// - context: nil asks for one.
    init(answerer: Answerer, context: String?) {
        self.answerer = answerer
        self.context = context
    }

    private static let help = [
        "Paste the context and end it with an empty line; then ask questions about it, one a line.",
        "An empty line asks for another context, Ctrl-D ends.",
    ]

    /// Returns at the end of stdin.
    mutating func run() throws {
        StatusLine.standardError.message(lines: Self.help)
        while true {
            if context == nil { context = try readContext() }
            guard let context else { return }
            guard let question = try ask("question> ") else { return }
            if question.isBlank {
                self.context = nil
            } else {
                try answer(question, context)
            }
        }
    }

    /// Lines up to an empty one; nil at the end of stdin.
    private mutating func readContext() throws -> String? {
        var text: [String] = []
        while let line = try ask(text.isEmpty ? "context> " : "       > ") {
            if !line.isBlank {
                text.append(line)
            } else if !text.isEmpty {
                return text.joined(separator: "\n")
            }
        }
        return text.isEmpty ? nil : text.joined(separator: "\n")
    }

    private mutating func ask(_ prompt: String) throws -> String? {
        showPrompt(prompt)
        guard let line = try lines.next() else {
            printMessage("")
            return nil
        }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func answer(_ question: String, _ context: String) throws {
        number += 1
        let request = AnswerRequest(id: "\(number)", question: question, context: context)
        do {
            let predictions = try answerer.predictions(for: [request])
            for prediction in predictions { try printResult(lines: describe(prediction, context)) }
        } catch let error as FeatureError {
            // A question that does not fit is no reason to end the conversation.
            printMessage("dure: \(error)")
        }
    }

    /// A line for each answer: probability, text, and where it stands.
    private func describe(_ prediction: Prediction, _ context: String) -> [String] {
        let text = CodePoints(context)
        return prediction.ranked.prefix(answerer.count).map { answer in
            let percent = String(format: "%5.1f %%", Double(answer.probability) * 100)
            guard !answer.text.isEmpty else { return "\(percent)  (no answer)" }
            let before = text.slice(max(0, answer.start - Self.surroundings), answer.start)
            let after = text.slice(answer.end, min(text.count, answer.end + Self.surroundings))
            let place = "\(before)[\(text.slice(answer.start, answer.end))]\(after)"
            return
                "\(percent)  \(PrintableText.onOneLine(answer.text))  ·  \(PrintableText.onOneLine(place))"
        }
    }

    /// Code points shown on either side of an answer.
    private static let surroundings = 20
}

extension String {
    fileprivate var isBlank: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
