import QuestionAnswering

/// What of a dataset is cut off by windows, questions' and answers' lengths, and what the vocabulary cannot spell.
package struct WindowCheck: DoctorCheck {
    let survey: WindowSurvey
    let settings: FeatureSettings
    let maxAnswerLength: Int
    let place: String

    package func findings() -> [Finding] {
        [tooLong, unknown, unheld, cutQuestions, longAnswers].compactMap(\.self) + [state]
    }

    private var state: Finding {
        let each = Double(survey.windows) / Double(max(survey.questions, 1))
        return .ok(
            .data,
            "\(counted(survey.questions, "question")), \(rounded(each, 2)) windows each, the longest of "
                + "\(survey.longest) tokens; \(percentage(survey.divided, of: survey.questions)) have several",
            at: place)
    }

    private var length: String { "--max-seq-length \(settings.maxSequenceLength)" }

    private var tooLong: Finding? {
        guard !survey.tooLong.isEmpty else { return nil }
        return .problem(
            .data, "\(counted(survey.tooLong.count, "question")) so long that no context fits beside it",
            at: "\(place), \(length)",
            remedy: "raise --max-seq-length, lower --doc-stride, or cut questions with --max-query-length",
            details: named(survey.tooLong))
    }

    private var unheld: Finding? {
        guard !survey.unheld.isEmpty else { return nil }
        return Self.unheld(survey.unheld, of: survey.answers, settings: settings, place: place)
    }

    /// - questions: whose answers stand in no window, by id.
    static func unheld(
        _ questions: [String], of answers: Int, settings: FeatureSettings, place: String
    ) -> Finding {
        let what =
            "\(counted(questions.count, "answer")) (\(percentage(questions.count, of: answers))) that no window holds "
            + "whole"
        let place =
            "\(place), --max-seq-length \(settings.maxSequenceLength), --doc-stride \(settings.documentStride)"
        let remedy =
            settings.layout == .default
            ? "raise --doc-stride above their lengths" : "raise --max-seq-length, or use --features default"
        let details = Finding.details(questions.map { "question \($0)" })
        guard questions.count * 20 > answers else {
            return .note(.data, what, at: place, remedy: remedy, details: details)
        }
        return .problem(.data, what, at: place, remedy: remedy, details: details)
    }

    private var cutQuestions: Finding? {
        guard !survey.cutQuestions.isEmpty else { return nil }
        return .note(
            .data,
            "\(counted(survey.cutQuestions.count, "question")) cut to \(settings.maxQueryLength ?? 0) tokens",
            at: "\(place), --max-query-length",
            remedy: "raise --max-query-length if what is asked for is lost",
            details: named(survey.cutQuestions))
    }

    private var longAnswers: Finding? {
        guard !survey.longAnswers.isEmpty else { return nil }
        return Self.longAnswers(
            survey.longAnswers, of: survey.answers, maxAnswerLength: maxAnswerLength, place: place)
    }

    /// - questions: whose answers have more tokens than answers may have, by id.
    static func longAnswers(
        _ questions: [String], of answers: Int, maxAnswerLength: Int, place: String
    ) -> Finding {
        .note(
            .data,
            "\(counted(questions.count, "answer")) (\(percentage(questions.count, of: answers))) of more than "
                + "\(maxAnswerLength) tokens, which are never given",
            at: "\(place), --max-answer-length \(maxAnswerLength)", remedy: "raise --max-answer-length",
            details: Finding.details(questions.map { "question \($0)" }))
    }

    private var unknown: Finding? {
        // One in a hundred is what foreign letters make.
        guard survey.unknownTokens * 100 > survey.contextTokens else { return nil }
        let what =
            "\(percentage(survey.unknownTokens, of: survey.contextTokens)) of the contexts' tokens are [UNK], such as "
            + survey.unknownWords.map { "\"\($0)\"" }.joined(separator: ", ")
        let remedy =
            "use the vocabulary's own tokenizer settings (--do-lower-case, --strip-accents), or another model"
        guard survey.unknownTokens * 10 > survey.contextTokens else {
            return .note(.data, what, at: place, remedy: remedy)
        }
        return .problem(.data, what, at: place, remedy: remedy)
    }

    private func named(_ ids: [String]) -> [String] { Finding.details(ids.map { "question \($0)" }) }
}
