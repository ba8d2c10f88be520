import QuestionAnswering

/// Right answers that are longer than answers may be, by the labels of windows.
package struct AnswerLengthCheck: DoctorCheck {
    private let long: [String]
    private let answers: Int
    private let maxAnswerLength: Int
    private let place: String

    /// - set: labelled.
    init(_ set: FeatureSet, maxAnswerLength: Int, place: String) {
        var tokens: [Int: Int] = [:]
        for feature in set.features {
            guard let label = feature.label, label != .unanswerable else { continue }
            tokens[feature.questionIndex] = label.end - label.start + 1
        }
        answers = tokens.count
        long = tokens.filter { $0.value > maxAnswerLength }.keys.sorted().map { set.questionIDs[$0] }
        self.maxAnswerLength = maxAnswerLength
        self.place = place
    }

    package func findings() -> [Finding] {
        guard !long.isEmpty else { return [] }
        return [
            WindowCheck.longAnswers(
                long, of: answers, maxAnswerLength: maxAnswerLength, place: place)
        ]
    }
}
