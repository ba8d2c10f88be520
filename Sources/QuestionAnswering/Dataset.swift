/// A gold answer: its text, and where it starts in the context, in code points.
package struct Answer: Sendable, Equatable {
    package var text: String
    package var start: Int

    package init(text: String, start: Int) {
        self.text = text
        self.start = start
    }
}

/// A question about one of the dataset's contexts.
package struct Question: Sendable, Equatable {
    package let id: String
    package let text: String
    /// Into `Dataset.contexts`.
    package let contextIndex: Int
    /// In the order of the file; empty when the context does not hold an answer, or none is known.
    package var answers: [Answer]
    /// Into `Dataset.paths`: the file that it came from.
    package let pathIndex: Int
    /// Questions of one article have the same: an element of `data`, or the rows of a file that share a title.
    package let articleIndex: Int
    /// Whether `answers` can be trained on and scored against, also when they are none because the dataset says
    /// so. False where it says nothing, as a test file does not.
    package let hasKnownAnswers: Bool

    package init(
        id: String, text: String, contextIndex: Int, answers: [Answer], pathIndex: Int = 0,
        articleIndex: Int = 0, hasKnownAnswers: Bool = true
    ) {
        self.id = id
        self.text = text
        self.contextIndex = contextIndex
        self.answers = answers
        self.pathIndex = pathIndex
        self.articleIndex = articleIndex
        self.hasKnownAnswers = hasKnownAnswers
    }
}

/// Which of the two SQuAD scripts scores a dataset. They differ where an answer may be empty.
package enum SquadVersion: Sendable, Equatable {
    /// SQuAD 1.1 and KorQuAD 1.0: every question has an answer.
    case version1
    /// SQuAD 2.0: a question may have none.
    case version2
}

/// Questions and their contexts, in the order of the files.
package struct Dataset: Sendable {
    /// Each paragraph's text once, also of paragraphs without questions; questions refer to it.
    package let contexts: TextList
    package var questions: QuestionList
    /// The files that it was read from.
    package let paths: [String]
    /// By the presence of `is_impossible` or of a question without answers, in files that have any answers.
    package let squadVersion: SquadVersion
    /// Questions of each kind that was recognised, in the order in which the kinds were met.
    package let kinds: [(kind: DatasetKind, count: Int)]

    package init(
        contexts: some Sequence<String>, questions: some Sequence<Question>, paths: [String] = [],
        squadVersion: SquadVersion = .version1, kinds: [(kind: DatasetKind, count: Int)] = []
    ) {
        self.init(
            contexts: TextList(contexts), questions: QuestionList(questions), paths: paths,
            squadVersion: squadVersion, kinds: kinds)
    }

    package init(
        contexts: TextList, questions: QuestionList, paths: [String] = [],
        squadVersion: SquadVersion = .version1, kinds: [(kind: DatasetKind, count: Int)] = []
    ) {
        self.contexts = contexts
        self.questions = questions
        self.paths = paths
        self.squadVersion = squadVersion
        self.kinds = kinds
    }

    /// Whether there is anything to train on or to score against.
    package var hasKnownAnswers: Bool { questions.contains { $0.hasKnownAnswers } }

    /// Only the questions to train on or to score.
    package var withKnownAnswers: Dataset {
        selecting(questions.indices.filter { questions[$0].hasKnownAnswers })
    }

    /// Questions of which the dataset says that they have no answer.
    package var unanswerableCount: Int { questions.count { $0.hasKnownAnswers && $0.answers.isEmpty } }

    package func context(of question: Question) -> String { contexts[question.contextIndex] }

    /// The file a question came from, for messages.
    package func path(of question: Question) -> String {
        paths.indices.contains(question.pathIndex) ? paths[question.pathIndex] : "dataset"
    }

    /// The same contexts with only the questions at `indexes`, in that order: for splits and samples.
    package func selecting(_ indexes: some Sequence<Int>) -> Dataset {
        var selection = self
        selection.questions = questions.selecting(indexes)
        return selection
    }
    /// The same with at most `limit` questions, the first ones.
    package func first(_ limit: Int?) -> Dataset {
        guard let limit, limit < questions.count else { return self }
        return selecting(0..<limit)
    }
}
