/// Questions in columns, in about the bytes of their texts: a `Question` is made when it is asked for.
package struct QuestionList: Sendable {
    private var ids = TextList()
    private var texts = TextList()
    private var contexts: [Int32] = []
    private var articles: [Int32] = []
    private var paths: [Int32] = []
    private var known: [Bool] = []
    private var answerTexts = TextList()
    private var answerStarts: [Int] = []
    /// The answers of question i end before the one with number `answerEnds[i]`.
    private var answerEnds: [Int32] = []
    /// Which of the columns' questions the list has, in this order; nil for all.
    private var selection: [Int32]?
    /// Questions that were changed, by their place in the columns.
    private var changed: [Int: Question] = [:]

    package init() {}

    package init(_ questions: some Sequence<Question>) {
        for question in questions { append(question) }
    }

    package mutating func append(_ question: Question) {
        precondition(selection == nil, "columns grow only at their end")
        ids.append(question.id)
        texts.append(question.text)
        contexts.append(Int32(question.contextIndex))
        articles.append(Int32(question.articleIndex))
        paths.append(Int32(question.pathIndex))
        known.append(question.hasKnownAnswers)
        for answer in question.answers {
            answerTexts.append(answer.text)
            answerStarts.append(answer.start)
        }
        answerEnds.append(Int32(answerStarts.count))
    }

    private func place(_ index: Int) -> Int { selection.map { Int($0[index]) } ?? index }

    private func answers(_ place: Int) -> Range<Int> {
        (place == 0 ? 0 : Int(answerEnds[place - 1]))..<Int(answerEnds[place])
    }

    private func stored(_ place: Int) -> Question {
        Question(
            id: ids[place], text: texts[place], contextIndex: Int(contexts[place]),
            answers: known[place]
                ? answers(place).map { Answer(text: answerTexts[$0], start: answerStarts[$0]) } : [],
            pathIndex: Int(paths[place]), articleIndex: Int(articles[place]), hasKnownAnswers: known[place])
    }

    /// The same columns with only the questions at `indexes`, in that order.
    package func selecting(_ indexes: some Sequence<Int>) -> QuestionList {
        var list = self
        list.selection = indexes.map { Int32(place($0)) }
        return list
    }

    /// Takes the answers of the questions at `range` for unknown.
    mutating func forgetAnswers(_ range: Range<Int>) {
        for index in range { known[place(index)] = false }
    }
}

// MARK: Pieces of a question, without making the whole

extension QuestionList {
    package func id(_ index: Int) -> String { ids[place(index)] }
    package func contextIndex(_ index: Int) -> Int { Int(contexts[place(index)]) }
    package func articleIndex(_ index: Int) -> Int { Int(articles[place(index)]) }
    /// Bytes of the question's text.
    package func textBytes(_ index: Int) -> Int { texts.byteCount(place(index)) }

    /// Whether a question's text is `text`.
    func hasText(_ text: String, at index: Int) -> Bool { texts.isSame(place(index), as: text) }

    func withID<Result>(
        _ index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try ids.withBytes(place(index), body)
    }

    /// Bytes of memory, also of questions that are not selected.
    package var memoryBytes: Int {
        [ids, texts, answerTexts].reduce(0) { $0 + $1.memoryBytes }
            + 4 * (contexts.capacity + articles.capacity + paths.capacity + answerEnds.capacity)
            + 8 * answerStarts.capacity + known.capacity + 4 * (selection?.capacity ?? 0)
    }
}

extension QuestionList: RandomAccessCollection, MutableCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { selection?.count ?? contexts.count }

    package subscript(index: Int) -> Question {
        get {
            let place = place(index)
            return changed.isEmpty ? stored(place) : changed[place] ?? stored(place)
        }
        set { changed[place(index)] = newValue }
    }
}

extension QuestionList: Equatable, ExpressibleByArrayLiteral {
    package static func == (left: QuestionList, right: QuestionList) -> Bool { left.elementsEqual(right) }
    package init(arrayLiteral elements: Question...) { self.init(elements) }
}
