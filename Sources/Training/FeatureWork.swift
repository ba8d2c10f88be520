import Kernels
import QuestionAnswering
import Synchronization

/// What features are for.
package enum FeatureKind: Sendable, Equatable {
    /// Misplaced answers are repaired or their questions left out; under `strict` they are an error.
    case training(strict: Bool)
    /// Every question, whatever its answers; needs the texts as well.
    case evaluation
}

/// Questions to cut into features: all that a rank needs in order to do its share.
package struct FeatureWork: Sendable {
    /// Answers are where they should be, where that could be repaired.
    package let dataset: Dataset
    /// Indexes of questions, in the order of their features.
    package let order: [Int]
    /// The first this many are labelled.
    package let labelledCount: Int
    /// What the user should know about the data, for the log.
    package let notices: [String]
    /// What cleaning does to the contexts, where it is asked for.
    package var cleaning: CleaningStatistics?

    /// Neighbours in `order` that share a context, which is encoded once for all of them.
    struct Group: Sendable {
        let range: Range<Int>
        let isLabelled: Bool
    }

    func groups() -> [Group] {
        var groups: [Group] = []
        var start = 0
        for index in order.indices {
            let next = index + 1
            guard
                next == order.count || next == labelledCount
                    || dataset.questions.contextIndex(order[next])
                        != dataset.questions.contextIndex(order[index])
            else { continue }
            groups.append(Group(range: start..<next, isLabelled: index < labelledCount))
            start = next
        }
        return groups
    }

    /// In bytes of text, to which the time of encoding is proportional.
    func cost(_ group: Group) -> Int {
        guard let first = group.range.first else { return 0 }
        let context = dataset.contexts.byteCount(dataset.questions.contextIndex(order[first]))
        return group.range.reduce(context) { $0 + dataset.questions.textBytes(order[$1]) }
    }

    /// Cuts `costs` into `parts` runs of neighbours of about equal cost; some may be empty.
    static func cut(_ costs: some RandomAccessCollection<Int>, parts: Int) -> [Range<Int>] {
        let total = max(costs.reduce(0, +), 1)
        var ends = [Int](repeating: 0, count: parts)
        var before = 0
        for (index, cost) in costs.enumerated() {
            // The middle of an element decides whose it is.
            let part = min((before + cost / 2) * parts / total, parts - 1)
            ends[part] = index + 1
            before += cost
        }
        var start = 0
        return ends.map { end in
            defer { start = max(start, end) }
            return start..<max(start, end)
        }
    }
}

extension FeatureWork {
    /// For another rank: only what features depend on.
    func write(to writer: inout ByteWriter) {
        writer.add(Array(dataset.contexts))
        writer.add(dataset.questions.count)
        for question in dataset.questions {
            writer.add(question.id)
            writer.add(question.text)
            writer.add(question.contextIndex)
            writer.add(question.answers.count)
            for answer in question.answers {
                writer.add(answer.text)
                writer.add(answer.start)
            }
        }
        writer.add(order)
        writer.add(labelledCount)
    }

    init(from reader: inout ByteReader) {
        let contexts = reader.texts()
        let questions = (0..<reader.integer()).map { _ in
            let (id, text) = (reader.text(), reader.text())
            let context = reader.integer()
            let answers = (0..<reader.integer()).map { _ in
                Answer(text: reader.text(), start: reader.integer())
            }
            return Question(id: id, text: text, contextIndex: context, answers: answers)
        }
        dataset = Dataset(contexts: contexts, questions: questions)
        order = reader.values()
        labelledCount = reader.integer()
        notices = []
    }

    /// The same with a count, in its notices too, of what `builder` cleans.
    func countingCleaning(by builder: FeatureBuilder) -> FeatureWork {
        guard !builder.settings.cleaning.isEmpty else { return self }
        let statistics = CleaningStatistics(
            dataset, questions: order, labelledCount: labelledCount, builder: builder)
        return FeatureWork(
            dataset: dataset, order: order, labelledCount: labelledCount,
            notices: notices + statistics.notices, cleaning: statistics)
    }
}

extension FeatureBuilder {
    /// The features of some groups on the threads of `pool`, in order.
    ///
    /// - onProgress: told on some thread what share of the questions is done.
    /// - Throws: `FeatureError` for the first question that does not fit, whichever thread met it.
    func columns(
        of work: FeatureWork, groups: ArraySlice<FeatureWork.Group>, pool: WorkerPool,
        onProgress: ShareObserver? = nil
    ) throws(FeatureError) -> FeatureColumns {
        // A few runs a thread, so that none waits long for another.
        let runs = FeatureWork.cut(
            groups.map(work.cost), parts: pool.threadCount == 1 ? 1 : 4 * pool.threadCount)
        let done = Atomic<Int>(0)
        let count = groups.reduce(0) { $0 + $1.range.count }
        @Sendable func tell(_ group: FeatureWork.Group) {
            let sum = done.add(group.range.count, ordering: .relaxed).newValue
            onProgress?(Double(sum) / Double(count))
        }
        var results = [Result<FeatureColumns, FeatureError>](
            repeating: .success(FeatureColumns()), count: runs.count)
        results.withUnsafeMutableBufferPointer { results in
            // Every task writes its own element.
            nonisolated(unsafe) let results = results
            pool.run(runs.count) { run, _ in
                let part = groups.dropFirst(runs[run].lowerBound).prefix(runs[run].count)
                results[run] = Result { () throws(FeatureError) in
                    try self.columns(of: work, part, then: tell)
                }
            }
        }
        var all = FeatureColumns()
        for result in results { all.append(try result.get()) }
        return all
    }

    private func columns(
        of work: FeatureWork, _ groups: ArraySlice<FeatureWork.Group>, then: (FeatureWork.Group) -> Void
    ) throws(FeatureError) -> FeatureColumns {
        var columns = FeatureColumns()
        for group in groups {
            guard let first = group.range.first else { continue }
            var forms = forms(of: work.dataset.context(of: work.dataset.questions[work.order[first]]))
            var places: [ContextForms.Form: Int] = [:]
            for place in group.range {
                let index = work.order[place]
                let question = work.dataset.questions[index]
                let form = forms.form(for: question, labelled: group.isLabelled)
                let context = forms.encoded(form)
                let contextPlace = places[form] ?? columns.beginContext(context.tokens)
                places[form] = contextPlace
                let features = try features(
                    of: question, index: index, context: context, labelled: group.isLabelled)
                for feature in features { columns.append(feature, context: contextPlace) }
            }
            then(group)
        }
        return columns
    }
}
