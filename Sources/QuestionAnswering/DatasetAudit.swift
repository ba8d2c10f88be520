/// What a look at a dataset's texts finds, without a model. Questions are told by their ids.
package struct DatasetAudit: Sendable {
    /// Questions of which an earlier one has the same text and context: the later and the earlier id.
    package private(set) var repeated: [(id: String, first: String)] = []
    /// Questions without a letter.
    package private(set) var empty: [String] = []
    /// Questions that themselves, or whose context or answers, hold conjoining jamo (NFD) instead of syllables.
    package private(set) var decomposed: [String] = []
    /// First answers, by the ids of their questions, that end in a particle, as their contexts show.
    package private(set) var glued: [(id: String, answer: String)] = []
    /// First answers in all.
    package private(set) var answerCount = 0

    package init(_ dataset: Dataset) {
        let contexts = CanonicalContexts(dataset)
        var seen = TextIndex()
        let decomposedContexts = dataset.contexts.map(Self.isDecomposed)
        for (index, question) in dataset.questions.enumerated() {
            let context = contexts.number(of: question.contextIndex)
            let first = seen.enter(TextIndex.hash(of: question.text, with: context), as: index) { other in
                contexts.number(of: dataset.questions.contextIndex(other)) == context
                    && dataset.questions.hasText(question.text, at: other)
            }
            if let first { repeated.append((question.id, dataset.questions.id(first))) }
            if question.text.unicodeScalars.allSatisfy(PythonText.isSpace) { empty.append(question.id) }
            if decomposedContexts[question.contextIndex] || Self.isDecomposed(question.text)
                || question.answers.contains(where: { Self.isDecomposed($0.text) })
            {
                decomposed.append(question.id)
            }
            guard let answer = question.answers.first else { continue }
            answerCount += 1
            let scalars = Array(answer.text.unicodeScalars)
            if !Particles.cuts(of: scalars[...]).isEmpty,
                Particles.areShown(at: answer, in: CodePoints(dataset.context(of: question)))
            {
                glued.append((question.id, answer.text))
            }
        }
    }

    /// Conjoining jamo, U+1100 to U+11FF, are E1 84 80 to E1 87 BF in UTF-8.
    private static func isDecomposed(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var previous: UInt8 = 0
            for byte in bytes {
                if previous == 0xE1, (0x84...0x87).contains(byte) { return true }
                previous = byte
            }
            return false
        }
    }
}

/// What two datasets have in common, such as what is trained and what is validated on.
package struct DatasetOverlap: Sendable {
    /// Questions of the second whose context the first asks about too.
    package private(set) var sharedContext: [String] = []
    /// Those of them that the first asks in the same words.
    package private(set) var sharedQuestion: [String] = []
    /// Contexts of the second that the first has too.
    package private(set) var contextCount = 0

    /// Takes over the result of a comparison made elsewhere.
    package init(sharedContext: [String], sharedQuestion: [String], contextCount: Int) {
        self.sharedContext = sharedContext
        self.sharedQuestion = sharedQuestion
        self.contextCount = contextCount
    }

    package init(_ first: Dataset, _ second: Dataset) {
        var questions: [ExactText: Set<ExactText>] = [:]
        for question in first.questions {
            questions[ExactText(first.context(of: question)), default: []].insert(ExactText(question.text))
        }
        var shared: Set<ExactText> = []
        for question in second.questions {
            let context = ExactText(second.context(of: question))
            guard let asked = questions[context] else { continue }
            shared.insert(context)
            sharedContext.append(question.id)
            if asked.contains(ExactText(question.text)) { sharedQuestion.append(question.id) }
        }
        contextCount = shared.count
    }
}

/// An answer that does not stand where its dataset says, and where its text does.
package struct AnswerPlaces: Sendable, Equatable {
    package let questionID: String
    package let answer: String
    /// As the dataset has it.
    package let start: Int
    /// Where the text stands in the context, the first few; empty where it does not.
    package let occurrences: [Int]
    /// What of the file it is.
    package let path: String
}

extension AnswerAudit {
    /// Those of `repaired` and `skipped` with all places of their texts, at most `limit`.
    ///
    /// - original: the dataset that was audited.
    package func places(in original: Dataset, limit: Int) -> [AnswerPlaces] {
        let trainable = Set(trainable)
        var places: [AnswerPlaces] = []
        for (index, question) in original.questions.enumerated() where places.count < limit {
            guard let answer = question.answers.first else { continue }
            let isRepaired = dataset.questions[index].answers.first?.start != answer.start
            guard isRepaired || (question.hasKnownAnswers && !trainable.contains(index)) else { continue }
            let context = CodePoints(original.context(of: question))
            places.append(
                AnswerPlaces(
                    questionID: question.id, answer: answer.text, start: answer.start,
                    occurrences: context.occurrences(of: CodePoints(answer.text), limit: 5).map(\.lowerBound),
                    path: original.path(of: question)))
        }
        return places
    }
}

/// The first context of those with one text.
private struct CanonicalContexts {
    private var numbers: [Int] = []

    init(_ dataset: Dataset) {
        var first = TextIndex()
        for (index, context) in dataset.contexts.enumerated() {
            let other = first.enter(TextIndex.hash(of: context), as: index) {
                dataset.contexts.isSame($0, as: context)
            }
            numbers.append(other ?? index)
        }
    }

    func number(of context: Int) -> Int { numbers[context] }
}
