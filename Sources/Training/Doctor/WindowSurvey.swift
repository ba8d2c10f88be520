import Kernels
import QuestionAnswering

/// What cutting a dataset into windows does to it: counted, and named where few should be.
package struct WindowSurvey: Sendable {
    package private(set) var questions = 0
    package private(set) var windows = 0
    package private(set) var longest = 0
    /// Questions with more than one window.
    package private(set) var divided = 0
    package private(set) var contextTokens = 0
    package private(set) var unknownTokens = 0
    /// Words that the vocabulary cannot spell, a few.
    package private(set) var unknownWords: [String] = []
    /// Questions longer than `--max-query-length`, by id as all below.
    package private(set) var cutQuestions: [String] = []
    /// Questions that leave no room for context.
    package private(set) var tooLong: [String] = []
    /// Of those with an answer, where no window holds all of it.
    package private(set) var unheld: [String] = []
    /// Of those, where it has more tokens than answers may have.
    package private(set) var longAnswers: [String] = []
    package private(set) var answers = 0

    /// Surveys the questions that a run would use, on the threads of `pool`.
    init(
        _ work: FeatureWork, preparation: DataPreparation, kind: FeatureKind, unknown: Int32,
        maxAnswerLength: Int, pool: WorkerPool
    ) {
        let surveyor = Surveyor(
            work: work, builder: preparation.builder(kind), unknown: unknown, maxAnswerLength: maxAnswerLength
        )
        let groups = work.groups()
        let runs = FeatureWork.cut(groups.map(work.cost), parts: 4 * pool.threadCount)
        var parts = [WindowSurvey](repeating: WindowSurvey(), count: runs.count)
        parts.withUnsafeMutableBufferPointer { parts in
            // Every task writes its own element.
            nonisolated(unsafe) let parts = parts
            pool.run(runs.count) { run, _ in
                for group in groups[runs[run]] { surveyor.survey(group, into: &parts[run]) }
            }
        }
        for part in parts { add(part) }
    }

    fileprivate init() {}

    private mutating func add(_ other: WindowSurvey) {
        questions += other.questions
        windows += other.windows
        longest = max(longest, other.longest)
        divided += other.divided
        contextTokens += other.contextTokens
        unknownTokens += other.unknownTokens
        cutQuestions += other.cutQuestions
        tooLong += other.tooLong
        unheld += other.unheld
        longAnswers += other.longAnswers
        answers += other.answers
        for word in other.unknownWords { addUnknown(word) }
    }

    private static let mostWords = 5

    fileprivate mutating func addUnknown(_ word: String) {
        guard unknownWords.count < Self.mostWords, !unknownWords.contains(where: { isSameText($0, word) })
        else { return }
        unknownWords.append(word)
    }

    fileprivate var wantsUnknown: Bool { unknownWords.count < Self.mostWords }
}

private struct Surveyor: Sendable {
    let work: FeatureWork
    let builder: FeatureBuilder
    let unknown: Int32
    let maxAnswerLength: Int

    func survey(_ group: FeatureWork.Group, into survey: inout WindowSurvey) {
        guard let first = group.range.first else { return }
        let text = work.dataset.context(of: work.dataset.questions[work.order[first]])
        var forms = builder.forms(of: text)
        survey.add(contextOf: forms.encoded(.cleaned), text: text, unknown: unknown)
        for place in group.range {
            let index = work.order[place]
            let question = work.dataset.questions[index]
            survey.add(question)
            if let most = builder.settings.maxQueryLength,
                builder.tokenizer.encode(PythonText.leftStripped(question.text)).count > most
            {
                survey.addCut(question)
            }
            let form = forms.form(for: question, labelled: group.isLabelled)
            do {
                let features = try builder.features(
                    of: question, index: index, context: forms.encoded(form), labelled: group.isLabelled)
                survey.add(features, of: question, maxAnswerLength: maxAnswerLength)
            } catch {
                survey.addTooLong(question)
            }
        }
    }
}

extension WindowSurvey {
    fileprivate mutating func add(contextOf context: EncodedContext, text: String, unknown: Int32) {
        contextTokens += context.tokens.count
        var points: CodePoints?
        for token in context.tokens where token.id == unknown {
            unknownTokens += 1
            guard wantsUnknown else { continue }
            let codePoints = points ?? CodePoints(text)
            points = codePoints
            addUnknown(codePoints.slice(Int(token.start), min(Int(token.end), Int(token.start) + 20)))
        }
    }

    fileprivate mutating func add(_ question: Question) { questions += 1 }
    fileprivate mutating func addCut(_ question: Question) { cutQuestions.append(question.id) }
    fileprivate mutating func addTooLong(_ question: Question) { tooLong.append(question.id) }

    fileprivate mutating func add(_ features: [Feature], of question: Question, maxAnswerLength: Int) {
        windows += features.count
        if features.count > 1 { divided += 1 }
        for feature in features { longest = max(longest, feature.count) }
        let labels = features.compactMap(\.label)
        guard !labels.isEmpty, !question.answers.isEmpty else { return }
        answers += 1
        guard let label = labels.first(where: { $0 != .unanswerable }) else {
            unheld.append(question.id)
            return
        }
        if label.end - label.start >= maxAnswerLength { longAnswers.append(question.id) }
    }
}
