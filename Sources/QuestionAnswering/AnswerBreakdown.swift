/// Metrics of some of a dataset's questions.
package struct AnswerGroup: Sendable, Equatable {
    package let name: String
    package let metrics: AnswerMetrics
    /// Nil for a group without questions.
    package let intervals: MetricIntervals?

    /// `{"count": …, the five metrics, "confidence_intervals": {metric: [lower, upper]}}`; only the count of a
    /// group without questions.
    package var json: JSONValue {
        guard let intervals else { return ["count": 0] }
        let means = metrics.members.filter { $0.0 != "total" && $0.0 != "missing" }
        return .object(
            [("count", .integer(metrics.total))] + means
                + [("confidence_intervals", .object(intervals.members))])
    }
}

/// Where the answers are good and where they are not: metrics by kind of question, each with 95 % bootstrap
/// intervals.
package struct AnswerBreakdown: Sendable, Equatable {
    /// One for each case of `AnswerLength`, in its order, also those without questions.
    package let byAnswerLength: [AnswerGroup]
    /// One for each case of `QuestionWord`.
    package let byQuestionWord: [AnswerGroup]
    /// One for each case of `AnswerType`.
    package let byAnswerType: [AnswerGroup]
    /// Over all questions; nil without any.
    package let intervals: MetricIntervals?

    /// - Parameters:
    ///   - scores: of the questions of `dataset`, in its order.
    ///   - seed: of the bootstrap.
    package init(dataset: Dataset, scores: [QuestionScore], seed: UInt64 = 42) {
        precondition(scores.count == dataset.questions.count)
        var stream: UInt64 = 0
        func groups<Kind: Hashable & RawRepresentable<String>>(
            _ kinds: [Kind], _ kind: (Question) -> Kind
        ) -> [AnswerGroup] {
            let kindOfEach = dataset.questions.map(kind)
            return kinds.map { kind in
                stream += 1
                let scores = zip(kindOfEach, scores).filter { $0.0 == kind }.map(\.1)
                return AnswerGroup(
                    name: kind.rawValue, metrics: AnswerMetrics(scores),
                    intervals: Bootstrap.intervals(of: scores, seed: seed, stream: stream))
            }
        }
        byAnswerLength = groups(AnswerLength.allCases, AnswerLength.init(of:))
        byQuestionWord = groups(QuestionWord.allCases) { QuestionWord(of: $0.text) }
        byAnswerType = groups(AnswerType.allCases, AnswerType.init(of:))
        intervals = Bootstrap.intervals(of: scores, seed: seed, stream: 0)
    }

    /// Members in the order of the result files.
    package var members: [(String, JSONValue)] {
        func object(_ groups: [AnswerGroup]) -> JSONValue { .object(groups.map { ($0.name, $0.json) }) }
        return [
            ("by_answer_length", object(byAnswerLength)), ("by_question_word", object(byQuestionWord)),
            ("by_answer_type", object(byAnswerType)),
            ("confidence_intervals", .object(intervals?.members ?? [])),
        ]
    }
}
