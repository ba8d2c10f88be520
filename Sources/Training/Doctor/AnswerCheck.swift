import Foundation
import QuestionAnswering

/// Whether answers stand where the dataset says.
package struct AnswerCheck: DoctorCheck {
    let dataset: Dataset

    package func findings() -> [Finding] {
        guard let audit = try? dataset.auditingAnswers() else { return [] }
        let misplaced = audit.repaired.count + audit.skipped.count
        let unanswered = unansweredFinding(audit) + unanswerable
        guard misplaced > 0 else {
            let answers = audit.dataset.questions.count { !$0.answers.isEmpty }
            return unanswered + [
                .ok(.data, "\(counted(answers, "answer")), each where its answer_start says", at: place)
            ]
        }
        let details = audit.places(in: dataset, limit: Finding.mostDetails).map(\.text)
        let rest = misplaced - details.count
        return unanswered + [
            .problem(
                .data,
                "\(counted(misplaced, "misplaced answer")): training would repair \(audit.repaired.count) and skip "
                    + "\(audit.skipped.count)",
                at: place, remedy: "correct answer_start, which counts code points from 0",
                details: details + (rest > 0 ? ["and \(rest) more"] : []), exitCode: 65)
        ]
    }

    private var place: String { dataset.paths.joined(separator: ", ") }

    private var unanswerable: [Finding] {
        let count = dataset.unanswerableCount
        guard count > 0 else { return [] }
        return [
            .note(
                .data, "\(count) of \(counted(dataset.questions.count, "question")) have no answer",
                at: place,
                remedy: "train and evaluate with --version-2-with-negative, else no answer is left empty")
        ]
    }

    private func unansweredFinding(_ audit: AnswerAudit) -> [Finding] {
        let ids = audit.dataset.questions.filter { !$0.hasKnownAnswers }.map(\.id)
        guard let first = ids.first else { return [] }
        guard ids.count < audit.dataset.questions.count else {
            return [
                .note(
                    .data, "the dataset has no answers: it can be answered, but not trained or scored on",
                    at: place,
                    remedy: "give a dataset with answers to train")
            ]
        }
        return [
            .note(
                .data, "\(counted(ids.count, "question")) without a word about an answer, such as \(first)",
                at: place, remedy: "give answers, or is_impossible; training leaves them out")
        ]
    }
}

extension AnswerPlaces {
    fileprivate var text: String {
        let shown = CodePoints(answer)
        let quoted = shown.count > 40 ? shown.slice(0, 40) + "…" : answer
        let found =
            answer.isEmpty
            ? "it has no text"
            : occurrences.isEmpty
                ? "it is not in the context"
                : "it stands at \(occurrences.map(String.init).joined(separator: ", "))"
        return "question \(questionID): \"\(quoted)\" is not at \(start), \(found)"
    }
}
