/// Gathers the records of several files and checks what only shows across records.
struct DatasetBuilder {
    let paths: [String]
    private var contexts: [String] = []
    private var questions: [Question] = []
    private var places: [ExactText: RecordPlace] = [:]
    private var kinds: [(kind: DatasetKind, count: Int)] = []
    private var mayBeUnanswerable = false
    private var articleCount = 0
    private var file = FileState()

    /// What is known of the file that is being read.
    private struct FileState {
        var firstQuestion = 0
        /// Articles of rows by their title, else context.
        var articles: [ExactText: Int] = [:]
        /// Rows share the context of their neighbour.
        var lastRowContext: String?
        var hasAnswers = false
        var mayBeUnanswerable = false
    }

    init(paths: [String]) { self.paths = paths }

    /// - line: where the document is a line of a file.
    mutating func add(_ document: DatasetDocument, pathIndex: Int, line: Int? = nil) throws {
        for (index, record) in document.records.enumerated() {
            let name = line.map { "line \($0)" } ?? "\(document.isNested ? "data" : "")[\(index)]"
            let place = RecordPlace(path: paths[pathIndex], record: name)
            switch record {
            case .article(let article):
                try add(article, document.version, at: place, pathIndex: pathIndex)
            case .row(let row): try add(row, document.version, at: place, pathIndex: pathIndex)
            }
        }
    }

    private mutating func add(
        _ article: DatasetRecord.Article, _ version: String?, at place: RecordPlace, pathIndex: Int
    ) throws {
        file.lastRowContext = nil
        articleCount += 1
        for (index, paragraph) in article.paragraphs.enumerated() {
            let record = article.isParagraph ? place.record : "\(place.record).paragraphs[\(index)]"
            let place = RecordPlace(path: place.path, record: record)
            // A paragraph without questions, as KorQuAD has one, may be anything; it still counts as a context.
            if let first = paragraph.qas.first {
                try requireText(paragraph.context, at: place, of: first)
            }
            contexts.append(paragraph.context)
            for (index, entry) in paragraph.qas.enumerated() {
                try add(
                    entry, DatasetKind(entry, version: version, hasCategory: article.hasCategory),
                    at: RecordPlace(path: place.path, record: "\(place.record).qas[\(index)]"),
                    pathIndex: pathIndex, article: articleCount - 1)
            }
        }
    }

    private mutating func add(
        _ row: DatasetRecord.Row, _ version: String?, at place: RecordPlace, pathIndex: Int
    ) throws {
        try requireText(row.context, at: place, of: row.entry)
        let isShared = file.lastRowContext.map { isSameText($0, row.context) } ?? false
        if !isShared { contexts.append(row.context) }
        file.lastRowContext = row.context
        // A title and a context that read the same are not the same thing.
        let name = ExactText(row.title.map { "title \($0)" } ?? "context \(row.context)")
        let article = file.articles[name] ?? articleCount
        if file.articles.updateValue(article, forKey: name) == nil { articleCount += 1 }
        try add(
            row.entry, DatasetKind(row.entry, version: version, hasCategory: row.hasCategory), at: place,
            pathIndex: pathIndex, article: article)
    }

    private func requireText(_ context: String, at place: RecordPlace, of entry: QuestionEntry) throws {
        guard context.unicodeScalars.allSatisfy(PythonText.isSpace) else { return }
        let contextPlace = RecordPlace(path: place.path, record: place.record + ".context")
        throw DatasetError.emptyContext(contextPlace, questionID: entry.id)
    }

    private mutating func add(
        _ entry: QuestionEntry, _ kind: DatasetKind, at place: RecordPlace, pathIndex: Int, article: Int
    ) throws {
        if let earlier = places.updateValue(place, forKey: ExactText(entry.id)) {
            throw DatasetError.duplicateID(entry.id, first: earlier, second: place)
        }
        let answers = entry.goldAnswers
        // Without `is_impossible`, as SQuAD 1.1 has it, an empty list says that there is no answer.
        let isKnown =
            !answers.isEmpty || entry.isImpossible == true
            || (entry.isImpossible == nil && entry.answers != nil)
        file.hasAnswers = file.hasAnswers || !answers.isEmpty || entry.isImpossible == true
        file.mayBeUnanswerable =
            file.mayBeUnanswerable || (answers.isEmpty && isKnown) || entry.isImpossible != nil
        count(kind)
        questions.append(
            Question(
                id: entry.id, text: entry.question, contextIndex: contexts.count - 1, answers: answers,
                pathIndex: pathIndex, articleIndex: article, hasKnownAnswers: isKnown))
    }

    private mutating func count(_ kind: DatasetKind) {
        if let index = kinds.firstIndex(where: { $0.kind == kind }) {
            kinds[index].count += 1
        } else {
            kinds.append((kind, 1))
        }
    }

    /// In a file without a single answer, that there is none means nothing.
    mutating func endFile() {
        if file.hasAnswers {
            mayBeUnanswerable = mayBeUnanswerable || file.mayBeUnanswerable
        } else {
            for index in file.firstQuestion..<questions.count {
                questions[index] = questions[index].withoutKnownAnswers
            }
        }
        file = FileState(firstQuestion: questions.count)
    }

    func finish() throws -> Dataset {
        if questions.isEmpty { throw DatasetError.noQuestions(paths: paths) }
        return Dataset(
            contexts: contexts, questions: questions, paths: paths,
            squadVersion: mayBeUnanswerable ? .version2 : .version1, kinds: kinds)
    }
}

extension Question {
    fileprivate var withoutKnownAnswers: Question {
        Question(
            id: id, text: text, contextIndex: contextIndex, answers: [], pathIndex: pathIndex,
            articleIndex: articleIndex, hasKnownAnswers: false)
    }
}
