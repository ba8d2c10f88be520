import Foundation
import QuestionAnswering

/// Every question that a run validated on, with the answer that it gave.
struct QuestionReport: Sendable {
    /// A question and its answer.
    struct Row: Sendable {
        let question: Question
        let word: QuestionWord
        let answer: String
        let score: QuestionScore
        let place: PlacedAnswer
        /// Of the answer; nil where the candidates are not known.
        let probability: Double?
        let candidates: [GivenAnswers.Candidate]

        var isWrong: Bool { place.outcome != .exact }
    }

    /// Those that were asked, in the order of the dataset.
    let rows: [Row]
    /// Of the dataset.
    let contexts: [String]
    /// What the answers are of; nil when it cannot be told.
    let step: Int?
    let version: SquadVersion

    static let mostCandidates = 5

    /// Leaves out questions that have no answer: a run may have asked some of the dataset only.
    init(_ dataset: Dataset, _ answers: GivenAnswers, step: Int?) {
        contexts = Array(dataset.contexts)
        version = dataset.squadVersion
        self.step = step
        var context: (index: Int, text: CodePoints)?
        rows = dataset.questions.compactMap { question in
            guard let answer = answers.answer(to: question.id) else { return nil }
            if context?.index != question.contextIndex {
                context = (question.contextIndex, CodePoints(dataset.context(of: question)))
            }
            guard let text = context?.text else { return nil }
            return Self.row(
                question, answer, answers.candidates(for: question.id), text, dataset.squadVersion)
        }
    }

    private static func row(
        _ question: Question, _ answer: String, _ candidates: [GivenAnswers.Candidate],
        _ context: CodePoints, _ version: SquadVersion
    ) -> Row {
        let score = QuestionScore(answer, question: question, version: version)
        let place = PlacedAnswer(
            answer, question: question, context: context,
            isExact: question.hasKnownAnswers && score.squad.exactMatch == 1)
        let same = candidates.first { isSameText($0.text, answer) } ?? candidates.first
        return Row(
            question: question, word: QuestionWord(of: question.text), answer: answer, score: score,
            place: place, probability: same?.probability,
            candidates: Array(candidates.prefix(mostCandidates)))
    }

    /// How many there are of each kind.
    var outcomes: [(outcome: AnswerOutcome, count: Int)] {
        let counts = Dictionary(grouping: rows, by: \.place.outcome).mapValues(\.count)
        return AnswerOutcome.allCases.compactMap { outcome in counts[outcome].map { (outcome, $0) } }
    }

    /// Metrics of the questions that ask with each word, as far as their answers are known.
    var words: [(word: QuestionWord, metrics: AnswerMetrics)] {
        let known = rows.filter { $0.place.outcome != .unknown }
        let groups = Dictionary(grouping: known, by: \.word)
        return QuestionWord.allCases.compactMap { word in
            groups[word].map { (word, AnswerMetrics($0.map(\.score))) }
        }
    }
}
