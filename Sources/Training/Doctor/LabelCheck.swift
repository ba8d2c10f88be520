import QuestionAnswering

/// Right answers that can never be given, by the labels of windows: those that no window holds, and those longer than
/// answers may be.
package struct LabelCheck: DoctorCheck {
    private let unheld: [String]
    private let long: [String]
    private let answers: Int
    private let settings: FeatureSettings
    private let maxAnswerLength: Int
    private let place: String

    /// - set: labelled, with its texts.
    init(_ set: FeatureSet, settings: FeatureSettings, maxAnswerLength: Int, place: String) {
        // 0 for a question whose windows are all without its answer.
        var tokens: [Int: Int] = [:]
        for feature in set.features {
            guard let label = feature.label else { continue }
            tokens[feature.questionIndex, default: 0] =
                label == .unanswerable
                ? tokens[feature.questionIndex, default: 0] : label.end - label.start + 1
        }
        let answered = tokens.filter { index, count in
            count > 0 || set.dataset?.questions[index].answers.isEmpty == false
        }
        func ids(_ isMeant: (Int) -> Bool) -> [String] {
            answered.filter { isMeant($0.value) }.keys.sorted().map { set.questionIDs[$0] }
        }
        answers = answered.count
        unheld = ids { $0 == 0 }
        long = ids { $0 > maxAnswerLength }
        self.settings = settings
        self.maxAnswerLength = maxAnswerLength
        self.place = place
    }

    package func findings() -> [Finding] {
        var findings: [Finding] = []
        if !unheld.isEmpty {
            findings.append(WindowCheck.unheld(unheld, of: answers, settings: settings, place: place))
        }
        if !long.isEmpty {
            findings.append(
                WindowCheck.longAnswers(long, of: answers, maxAnswerLength: maxAnswerLength, place: place))
        }
        return findings
    }
}
