import Core
import Foundation
import QuestionAnswering

/// What is to be trained on, as lines of text: its size, and every answer that does not stand where it should.
struct TrainingDataView {
    let features: FeatureSet
    let tokenizer: WordPieceTokenizer
    /// As the files have it; nil where features were made beforehand.
    let dataset: Dataset?

    func lines() throws -> [String] {
        let lengths = features.features.map(\.count)
        let withoutAnswer = features.features.count { $0.label == .unanswerable }
        let unknown = tokenizer.unknownID
        let unknowns = features.features.reduce(0) { $0 + $1.inputIDs.count { $0 == unknown } }
        var lines = ["", "== Training data", ""]
        lines += DebugText.entry(
            "features",
            "\(features.count) windows of \(Set(features.features.map(\.questionIndex)).count) questions")
        lines += DebugText.entry(
            "no answer",
            "\(withoutAnswer) (\(DebugText.percentage(withoutAnswer, of: features.count))) point at [CLS]")
        lines += DebugText.entry(
            "tokens",
            "\(lengths.min() ?? 0) to \(lengths.max() ?? 0) a feature, mean "
                + String(format: "%.1f", Double(features.totalTokens) / Double(max(features.count, 1))))
        lines += DebugText.entry(
            "unknown",
            "\(unknowns) tokens (\(DebugText.percentage(unknowns, of: features.totalTokens))) are "
                + tokenizer.settings.unknownToken.content)
        guard let dataset else {
            return lines + DebugText.entry("answers", "files of features have no texts to compare with")
        }
        let audit = try dataset.auditingAnswers()
        return lines + inexact(audit.dataset) + describe(audit, dataset)
    }

    /// Labels whose tokens cover another text than the gold answer.
    private func inexact(_ dataset: Dataset) -> [String] {
        var (labelled, names, context) = (0, [String](), (index: -1, text: CodePoints("")))
        for (index, feature) in features.features.enumerated() where feature.label != .unanswerable {
            let question = dataset.questions[feature.questionIndex]
            if context.index != question.contextIndex {
                context = (question.contextIndex, CodePoints(dataset.context(of: question)))
            }
            guard let covered = feature.labelText(in: context.text), let gold = question.answers.first else {
                continue
            }
            labelled += 1
            if !isSameText(covered.text, gold.text) {
                names.append(
                    "\(features.name(index)): “\(covered.text)” for “\(gold.text)”")
            }
        }
        let exact = labelled - names.count
        return DebugText.entry(
            "label text",
            "the gold answer exactly in \(exact) of \(labelled) (\(DebugText.percentage(exact, of: labelled)))"
                + (names.isEmpty ? "" : "; elsewhere tokens do not end where the answer does, as in"))
            + names.prefix(3).flatMap { DebugText.entry("", PrintableText.onOneLine($0)) }
    }

    private func describe(_ audit: AnswerAudit, _ dataset: Dataset) -> [String] {
        let (right, repaired, skipped) = (
            audit.trainable.count - audit.repaired.count, audit.repaired.count, audit.skipped.count
        )
        var lines = DebugText.entry(
            "answers",
            "\(right) where they should be, \(repaired) misplaced and repaired, \(skipped) misplaced and left "
                + "out, \(audit.unanswered.count) unknown and left out")
        for answer in audit.repaired {
            lines += DebugText.entry(
                "repaired", PrintableText.onOneLine("\(answer.place): \(answer.problem)"))
        }
        let byID = Dictionary(dataset.questions.map { ("question \($0.id)", $0) }) { first, _ in first }
        for answer in audit.skipped {
            let places = byID[answer.place.record].map { occurrences($0, dataset) } ?? ""
            lines += DebugText.entry(
                "left out", PrintableText.onOneLine("\(answer.place): \(answer.problem)\(places)"))
        }
        for answer in audit.unanswered {
            lines += DebugText.entry(
                "left out", PrintableText.onOneLine("\(answer.place): \(answer.problem)"))
        }
        return lines
    }

    /// Where the text of a question's answer stands, when that is more than one place.
    private func occurrences(_ question: Question, _ dataset: Dataset) -> String {
        guard let answer = question.answers.first else { return "" }
        let places = CodePoints(dataset.context(of: question)).occurrences(of: CodePoints(answer.text))
        guard places.count > 1 else { return "" }
        let shown = places.prefix(5).map { "\($0.lowerBound)" }.joined(separator: ", ")
        return ": it stands at \(shown)\(places.count > 5 ? " and \(places.count - 5) more places" : "")"
    }
}
