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

    /// Lines for the log; empty when nothing was wrong. At most `limit` questions are named a list.
    package func messages(limit: Int = 10) -> [String] {
        lines(
            for: repaired, limit: limit, title: "repaired", explanation: "answer_start now points at the text"
        )
            + lines(for: skipped, limit: limit, title: "skipped", explanation: "not used for training")
    }

    private func lines(
        for answers: [MisplacedAnswer], limit: Int, title: String, explanation: String
    ) -> [String] {
        guard !answers.isEmpty else { return [] }
        let total =
            "\(answers.count) misplaced answer\(answers.count == 1 ? "" : "s") \(title): \(explanation)"
        let named = answers.prefix(limit).map { "\(title): \($0.problem) (\($0.place))" }
        let rest = answers.count - named.count
        return [total] + named + (rest > 0 ? ["and \(rest) more"] : [])
    }
}

extension Dataset {
    /// Checks that every first answer's text stands at its `answer_start`, in code points; repairs it when
    /// the text occurs exactly once in the context, else leaves the question out of training.
    ///
    /// - Throws: `DatasetError.misplacedAnswers` when `strict` and any is misplaced, repairable or not.
    package func auditingAnswers(strict: Bool = false) throws -> AnswerAudit {
        var audited = self
        var trainable: [Int] = []
        var repaired: [MisplacedAnswer] = []
        var skipped: [MisplacedAnswer] = []
        var context: (index: Int, text: CodePoints)?
        for (index, question) in questions.enumerated() {
            if context?.index != question.contextIndex {
                context = (question.contextIndex, CodePoints(self.context(of: question)))
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
                repaired.append(misplaced(question, answer, "found at \(start)"))
            case .unknown(let reason):
                skipped.append(misplaced(question, answer, reason))
            }
        }
        if strict, let first = (repaired + skipped).first {
            throw DatasetError.misplacedAnswers(count: repaired.count + skipped.count, first: first)
        }
        return AnswerAudit(dataset: audited, trainable: trainable, repaired: repaired, skipped: skipped)
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
        return .unknown("its text does not occur exactly once in the context")
    }

    private func misplaced(_ question: Question, _ answer: Answer, _ finding: String) -> MisplacedAnswer {
        let place = RecordPlace(path: path(of: question), record: "question \(question.id)")
        let text = CodePoints(answer.text)
        let shown = text.count > 40 ? text.slice(0, 40) + "…" : answer.text
        return MisplacedAnswer(
            place: place, problem: "answer \"\(shown)\" does not stand at \(answer.start): \(finding)")
    }
}
