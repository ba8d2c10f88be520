import QuestionAnswering

/// What became of a dataset's questions, for whoever chooses the settings of windows.
struct FeatureStatistics {
    /// Members in the order of the result.
    let members: [(String, JSONValue)]

    /// - Parameters:
    ///   - columns: the features of `dataset`.
    ///   - tokenCount: tokens of a question's text before it is cut.
    init(
        _ columns: FeatureColumns, dataset: Dataset, settings: FeatureSettings,
        tokenCount: (String) -> Int
    ) throws {
        let audit = try dataset.auditingAnswers()
        var windows = [Int](repeating: 0, count: dataset.questions.count)
        var found = [Bool](repeating: false, count: dataset.questions.count)
        var withoutAnswer = 0
        for index in 0..<columns.count {
            let question = Int(columns.question[index])
            windows[question] += 1
            if columns.endPosition[index] > 0 { found[question] = true }
            if columns.endPosition[index] == 0 { withoutAnswer += 1 }
        }
        let isLabelled = columns.startPosition.contains { $0 >= 0 }
        let lost =
            !isLabelled
            ? 0
            : audit.trainable.count { index in
                !dataset.questions[index].answers.isEmpty && !found[index]
            }
        let unanswerable = dataset.questions.count { $0.hasKnownAnswers && $0.answers.isEmpty }
        let used = windows.filter { $0 > 0 }
        members = [
            ("labelled", .boolean(isLabelled)), ("questions", .integer(dataset.questions.count)),
            ("unanswerable_questions", .integer(unanswerable)), ("windows", .integer(columns.count)),
            (
                "windows_per_question",
                [
                    "mean": .number(used.isEmpty ? 0 : Double(columns.count) / Double(used.count)),
                    "max": .integer(used.max() ?? 0),
                ]
            ),
            ("tokens", Self.lengths(columns)),
            (
                "questions_cut",
                .integer(
                    settings.maxQueryLength.map { most in
                        dataset.questions.count { tokenCount($0.text) > most }
                    } ?? 0)
            ),
            ("contexts_in_several_windows", .integer(used.count { $0 > 1 })),
            ("windows_without_answer", .integer(withoutAnswer)), ("answers_lost", .integer(lost)),
            ("misplaced_repaired", .integer(audit.repaired.count)),
            ("misplaced_skipped", .integer(audit.skipped.count)),
            ("without_answers", .integer(audit.unanswered.count)),
        ]
    }

    /// Of the windows, in tokens.
    private static func lengths(_ columns: FeatureColumns) -> JSONValue {
        let sorted = (0..<columns.count).map(columns.tokenCount).sorted()
        func percentile(_ share: Double) -> JSONValue {
            // The least length that this share of the windows does not exceed.
            let place = Int((share * Double(sorted.count)).rounded(.up)) - 1
            return .integer(sorted.isEmpty ? 0 : sorted[min(max(place, 0), sorted.count - 1)])
        }
        let total = sorted.reduce(0, +)
        return [
            "total": .integer(total),
            "mean": .number(sorted.isEmpty ? 0 : Double(total) / Double(sorted.count)),
            "median": percentile(0.5), "p90": percentile(0.9), "p95": percentile(0.95),
            "p99": percentile(0.99), "max": .integer(sorted.last ?? 0),
        ]
    }
}
