/// An answer that does not stand where the dataset says.
package struct MisplacedAnswer: Sendable, Equatable {
    package let place: RecordPlace
    package let problem: String
}

/// What a look at every question's first answer, the one that training uses, found.
package struct AnswerAudit: Sendable {
    /// The dataset with misplaced answers repaired; question indexes are unchanged.
    package let dataset: Dataset
    /// Indexes of the questions that training can use, in order.
    package let trainable: [Int]
    /// Answers whose text occurs exactly once in the context and now point there.
    package let repaired: [MisplacedAnswer]
    /// Questions left out of training: the answer's text does not occur, or more than once.
    package let skipped: [MisplacedAnswer]
    /// Questions left out of training: nothing is said of an answer.
    package let unanswered: [MisplacedAnswer]

    /// Lines for the log; empty when nothing was wrong. At most `limit` questions are named a list.
    package func messages(limit: Int = 10) -> [String] {
        func answers(_ list: [MisplacedAnswer]) -> String {
            "\(list.count) misplaced answer\(list.count == 1 ? "" : "s")"
        }
        return lines(
            for: repaired, limit: limit, title: "repaired",
            total: "\(answers(repaired)) repaired: answer_start now points at the text")
            + lines(
                for: skipped, limit: limit, title: "skipped",
                total: "\(answers(skipped)) skipped: not used for training")
            + lines(
                for: unanswered, limit: limit, title: "skipped",
                total:
                    "\(unanswered.count) question\(unanswered.count == 1 ? "" : "s") without answer skipped: "
                    + "not used for training")
    }

    private func lines(
        for answers: [MisplacedAnswer], limit: Int, title: String, total: String
    ) -> [String] {
        guard !answers.isEmpty else { return [] }
        let named = answers.prefix(limit).map { "\(title): \($0.problem) (\($0.place))" }
        let rest = answers.count - named.count
        return [total] + named + (rest > 0 ? ["and \(rest) more"] : [])
    }
}

extension Dataset {
    /// Checks that every first answer's text stands at its `answer_start`, in code points; repairs it when
    /// the text occurs exactly once in the context, else leaves the question out of training. So does a question
    /// of whose answers nothing is known.
    ///
    /// - Throws: `DatasetError.misplacedAnswers` when `strict` and any is misplaced, repairable or not, or missing.
    package func auditingAnswers(strict: Bool = false) throws -> AnswerAudit {
        var audited = self
        var trainable: [Int] = []
        var repaired: [MisplacedAnswer] = []
        var skipped: [MisplacedAnswer] = []
        var unanswered: [MisplacedAnswer] = []
        var context: (index: Int, text: CodePoints)?
        for (index, question) in questions.enumerated() {
            if context?.index != question.contextIndex {
                context = (question.contextIndex, CodePoints(self.context(of: question)))
            }
            guard question.hasKnownAnswers else {
                unanswered.append(missing(question))
                continue
            }
            guard let text = context?.text, let answer = question.answers.first else {
                trainable.append(index)
                continue
            }
            switch placement(of: answer, in: text) {
            case .right:
                trainable.append(index)
            case .movable(let start):
                audited.questions[index].answers[0].start = start
                trainable.append(index)
                let cause = AnswerUnits.unit(of: answer, in: text, at: start)
                repaired.append(
                    misplaced(question, answer, "found at \(start)\(cause.map { ", \($0)" } ?? "")"))
            case .unknown(let reason):
                skipped.append(misplaced(question, answer, reason))
            }
        }
        let all = repaired + skipped + unanswered
        if strict, let first = all.first {
            throw DatasetError.misplacedAnswers(count: all.count, first: first)
        }
        return AnswerAudit(
            dataset: audited, trainable: trainable, repaired: repaired, skipped: skipped,
            unanswered: unanswered)
    }

    private enum Placement {
        case right
        case movable(Int)
        case unknown(String)
    }

    private func placement(of answer: Answer, in context: CodePoints) -> Placement {
        let text = CodePoints(answer.text)
        if text.count == 0 { return .unknown("its text is empty") }
        if context.holds(text, at: answer.start) { return .right }
        if let start = context.onlyOccurrence(of: text) { return .movable(start) }
        let reason = "its text does not occur exactly once in the context"
        let cause = AnswerUnits.cause(of: answer, in: context)
        return .unknown(cause.map { "\(reason), but \($0)" } ?? reason)
    }

    private func missing(_ question: Question) -> MisplacedAnswer {
        MisplacedAnswer(
            place: RecordPlace(path: path(of: question), record: "question \(question.id)"),
            problem: "no answer is given, nor does is_impossible say that there is none")
    }

    private func misplaced(_ question: Question, _ answer: Answer, _ finding: String) -> MisplacedAnswer {
        let place = RecordPlace(path: path(of: question), record: "question \(question.id)")
        let text = CodePoints(answer.text)
        let shown = text.count > 40 ? text.slice(0, 40) + "…" : answer.text
        return MisplacedAnswer(
            place: place, problem: "answer \"\(shown)\" does not stand at \(answer.start): \(finding)")
    }
}
