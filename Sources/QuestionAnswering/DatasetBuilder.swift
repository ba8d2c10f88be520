/// Gathers the records of several files and checks what only shows across records.
struct DatasetBuilder {
    let paths: [String]
    private var contexts = TextList()
    private var questions = QuestionList()
    /// Index of each question, by its id.
    private var idIndex = TextIndex()
    private var places: [QuestionPlace] = []
    private var kinds: [(kind: DatasetKind, count: Int)] = []
    private var mayBeUnanswerable = false
    private var articleCount = 0
    private var file = FileState()

    /// What is known of the file that is being read.
    private struct FileState {
        var firstQuestion = 0
        /// Articles of rows by their title, else context.
        var articles = RowArticles()
        /// Rows share the context of their neighbour.
        var lastRowContext: String?
        var hasAnswers = false
        var mayBeUnanswerable = false
    }

    init(paths: [String]) { self.paths = paths }

    /// Adds a record of `document`, which itself need not hold it.
    ///
    /// - Parameters:
    ///   - number: of the record in the document.
    ///   - line: where the document is a line of a file.
    mutating func add(
        _ record: DatasetRecord, number: Int, of document: DatasetDocument, pathIndex: Int, line: Int? = nil
    ) throws {
        let place = QuestionPlace(
            path: pathIndex, line: line, record: number, isNested: document.isNested)
        switch record {
        case .article(let article):
            try add(article, document.version, at: place, pathIndex: pathIndex)
        case .row(let row): try add(row, document.version, at: place, pathIndex: pathIndex)
        }
    }

    private mutating func add(
        _ article: DatasetRecord.Article, _ version: String?, at place: QuestionPlace, pathIndex: Int
    ) throws {
        file.lastRowContext = nil
        articleCount += 1
        for (index, paragraph) in article.paragraphs.enumerated() {
            var place = place
            if !article.isParagraph { place.paragraph = Int32(index) }
            // A paragraph without questions, as KorQuAD has one, may be anything; it still counts as a context.
            if let first = paragraph.qas.first {
                try requireText(paragraph.context, at: place, of: first)
            }
            contexts.append(paragraph.context)
            for (index, entry) in paragraph.qas.enumerated() {
                place.entry = Int32(index)
                try add(
                    entry, DatasetKind(entry, version: version, hasCategory: article.hasCategory), at: place,
                    pathIndex: pathIndex, article: articleCount - 1)
            }
        }
    }

    private mutating func add(
        _ row: DatasetRecord.Row, _ version: String?, at place: QuestionPlace, pathIndex: Int
    ) throws {
        try requireText(row.context, at: place, of: row.entry)
        let isShared = file.lastRowContext.map { isSameText($0, row.context) } ?? false
        if !isShared { contexts.append(row.context) }
        file.lastRowContext = row.context
        let article = file.articles.article(of: row, next: articleCount, context: contexts.count - 1) {
            contexts.isSame($0, as: row.context)
        }
        articleCount = max(articleCount, article + 1)
        try add(
            row.entry, DatasetKind(row.entry, version: version, hasCategory: row.hasCategory), at: place,
            pathIndex: pathIndex, article: article)
    }

    private func requireText(_ context: String, at place: QuestionPlace, of entry: QuestionEntry) throws {
        guard context.unicodeScalars.allSatisfy(PythonText.isSpace) else { return }
        let record = place.recordPlace(paths)
        let contextPlace = RecordPlace(path: record.path, record: record.record + ".context")
        throw DatasetError.emptyContext(contextPlace, questionID: entry.id)
    }

    private mutating func add(
        _ entry: QuestionEntry, _ kind: DatasetKind, at place: QuestionPlace, pathIndex: Int, article: Int
    ) throws {
        let earlier = idIndex.enter(TextIndex.hash(of: entry.id), as: questions.count) { other in
            questions.withID(other) { $0.isSame(as: entry.id) }
        }
        if let earlier {
            throw DatasetError.duplicateID(
                entry.id, first: places[earlier].recordPlace(paths), second: place.recordPlace(paths))
        }
        places.append(place)
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
            questions.forgetAnswers(file.firstQuestion..<questions.count)
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

/// Which record of which file a question is, in few bytes.
private struct QuestionPlace {
    let path: Int32
    let line: Int32?
    let record: Int32
    let isNested: Bool
    var paragraph: Int32?
    var entry: Int32?

    init(path: Int, line: Int?, record: Int, isNested: Bool) {
        self.path = Int32(path)
        self.line = line.map { Int32($0) }
        self.record = Int32(record)
        self.isNested = isNested
    }

    func recordPlace(_ paths: [String]) -> RecordPlace {
        let name = line.map { "line \($0)" } ?? "\(isNested ? "data" : "")[\(record)]"
        return RecordPlace(
            path: paths[Int(path)],
            record: name + (paragraph.map { ".paragraphs[\($0)]" } ?? "")
                + (entry.map { ".qas[\($0)]" } ?? ""))
    }
}

/// The articles of a file's rows: rows of a title are of one, and without titles those of a context.
private struct RowArticles {
    private var titles = TextList()
    private var titleIndex = TextIndex()
    private var contextIndex = TextIndex()
    /// By the number of the title.
    private var ofTitle: [Int] = []
    /// By the number of the context.
    private var ofContext: [Int: Int] = [:]

    /// - Parameters:
    ///   - next: the article of a row of none so far.
    ///   - context: the number of the row's.
    ///   - isContext: whether the context with a number has the row's text.
    mutating func article(
        of row: DatasetRecord.Row, next: Int, context: Int, isContext: (Int) -> Bool
    ) -> Int {
        guard let title = row.title else {
            let known = contextIndex.enter(
                TextIndex.hash(of: row.context), as: context, isSame: isContext)
            if let known, let article = ofContext[known] { return article }
            ofContext[context] = next
            return next
        }
        let known = titleIndex.enter(TextIndex.hash(of: title), as: titles.count) { [titles] in
            titles.isSame($0, as: title)
        }
        if let known { return ofTitle[known] }
        titles.append(title)
        ofTitle.append(next)
        return next
    }
}
