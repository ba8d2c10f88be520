/// Lengths of gold answers, in code points.
package enum AnswerLength: String, Sendable, CaseIterable {
    case upToTwo = "1-2"
    case upToFive = "3-5"
    case upToTen = "6-10"
    case upToTwenty = "11-20"
    case longer = "21+"
    /// No gold answer, or an empty one.
    case unanswerable

    /// By the first gold answer.
    package init(of question: Question) {
        switch question.answers.first?.text.unicodeScalars.count ?? 0 {
        case 0: self = .unanswerable
        case ...2: self = .upToTwo
        case ...5: self = .upToFive
        case ...10: self = .upToTen
        case ...20: self = .upToTwenty
        default: self = .longer
        }
    }
}
