import QuestionAnswering

/// Texts that are there twice, missing, or written in another form of Unicode, and answers with particles.
package struct DatasetTextCheck: DoctorCheck {
    let audit: DatasetAudit
    let questionCount: Int
    let place: String

    package init(_ dataset: Dataset) {
        audit = DatasetAudit(dataset)
        questionCount = dataset.questions.count
        place = dataset.paths.joined(separator: ", ")
    }

    package func findings() -> [Finding] { [empty, repeated, decomposed, glued].compactMap(\.self) }

    private var empty: Finding? {
        guard !audit.empty.isEmpty else { return nil }
        return .problem(
            .data, "\(counted(audit.empty.count, "question")) without text", at: place,
            remedy: "write the question, or remove it",
            details: Finding.details(audit.empty.map { "question \($0)" }), exitCode: 65)
    }

    private var repeated: Finding? {
        guard !audit.repeated.isEmpty else { return nil }
        return .note(
            .data, "\(counted(audit.repeated.count, "question")) asked before about the same context",
            at: place,
            remedy: "remove one of each two, unless it is to count twice",
            details: Finding.details(
                audit.repeated.lazy.map { "question \($0.id), as \($0.first)" }.prefix(Finding.mostDetails))
                + rest(audit.repeated.count))
    }

    private var decomposed: Finding? {
        guard !audit.decomposed.isEmpty else { return nil }
        return .note(
            .data,
            "\(counted(audit.decomposed.count, "question")) with Hangul in parts (NFD) in its own text, context or "
                + "answers", at: place,
            remedy:
                "compose them (NFC), and answer_start with them: Korean vocabularies have whole syllables",
            details: Finding.details(audit.decomposed.map { "question \($0)" }))
    }

    /// As their contexts show. They are right as they are: whoever trims answers should know.
    private var glued: Finding? {
        guard !audit.glued.isEmpty else { return nil }
        let examples = audit.glued.prefix(5).map { "\"\($0.answer)\" of question \($0.id)" }
        return .note(
            .data,
            "\(percentage(audit.glued.count, of: audit.answerCount)) of the answers "
                + "(\(audit.glued.count) of \(audit.answerCount)) end in a particle without which the same word "
                + "stands elsewhere in the context",
            at: place,
            remedy:
                "leave them as they are: models learn to leave it on, and --trim-particles would take it off",
            details: Array(examples))
    }

    private func rest(_ count: Int) -> [String] {
        count > Finding.mostDetails ? ["and \(count - Finding.mostDetails) more"] : []
    }
}

/// What is trained on against what is validated on.
package struct OverlapCheck: DoctorCheck {
    let overlap: DatasetOverlap
    let questionCount: Int
    let place: String

    package init(training: Dataset, validation: Dataset) {
        self.init(
            overlap: DatasetOverlap(training, validation), questionCount: validation.questions.count,
            place: validation.paths.joined(separator: ", "))
    }

    init(overlap: DatasetOverlap, questionCount: Int, place: String) {
        self.overlap = overlap
        self.questionCount = questionCount
        self.place = place
    }

    package func findings() -> [Finding] {
        guard !overlap.sharedContext.isEmpty else {
            return [.ok(.data, "no context to validate on is among those to train on", at: place)]
        }
        let contexts =
            "\(counted(overlap.contextCount, "context")) to validate on, with "
            + "\(counted(overlap.sharedContext.count, "question")) of \(questionCount), "
            + "\(overlap.contextCount == 1 ? "is" : "are") also trained on"
        let remedy = "keep articles together, as --validation-split with --split-by article does"
        guard overlap.sharedQuestion.isEmpty else {
            return [
                .problem(
                    .data,
                    "\(counted(overlap.sharedQuestion.count, "question")) to validate on "
                        + "\(overlap.sharedQuestion.count == 1 ? "is" : "are") trained on, which makes scores too "
                        + "good; \(contexts)",
                    at: place, remedy: remedy,
                    details: Finding.details(overlap.sharedQuestion.map { "question \($0)" }), exitCode: 65)
            ]
        }
        return [
            .note(
                .data, contexts, at: place, remedy: remedy,
                details: Finding.details(overlap.sharedContext.map { "question \($0)" }))
        ]
    }
}
