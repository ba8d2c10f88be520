import Checkpoints
import QuestionAnswering

/// Features as flat columns: the form in which ranks send them to each other and in which they are kept in files.
///
/// Offsets stand once for each context, and the windows of all its questions refer to them.
package struct FeatureColumns: Sendable, Equatable {
    // One element a feature: the question's index, the window's number, the index among the ids of the first token of
    // type 1 and of the first context token, how many context tokens follow, which context it is, the context's token
    // that comes first, and the answer (both -1 without label).
    package var question: [Int32] = []
    package var window: [Int32] = []
    package var segmentBoundary: [Int32] = []
    package var contextStart: [Int32] = []
    package var contextCount: [Int32] = []
    package var context: [Int32] = []
    package var firstToken: [Int32] = []
    package var startPosition: [Int32] = []
    package var endPosition: [Int32] = []
    /// All ids of all features, end to end; `inputIndex[i]..<inputIndex[i + 1]` are those of feature i.
    package var inputIDs: [Int32] = []
    package var inputIndex: [Int64] = [0]
    /// First and last code point of every token of every context, by turns; `contextIndex` counts tokens.
    package var offsets: [Int32] = []
    package var contextIndex: [Int64] = [0]

    package init() {}

    package var count: Int { question.count }
    package var contexts: Int { contextIndex.count - 1 }
}

extension FeatureColumns {
    /// Begins a context, of which features are windows, and returns its place among them.
    @discardableResult
    mutating func beginContext(_ tokens: [Token]) -> Int {
        for token in tokens {
            offsets.append(token.start)
            offsets.append(token.end)
        }
        contextIndex.append(Int64(offsets.count / 2))
        return contexts - 1
    }

    /// Adds a window of a context that was begun, of which `feature.contextTokens` must be a slice; nil stands for the
    /// last.
    mutating func append(_ feature: Feature, context place: Int? = nil) {
        question.append(Int32(feature.questionIndex))
        window.append(Int32(feature.window))
        segmentBoundary.append(Int32(feature.segmentBoundary))
        contextStart.append(Int32(feature.contextStart))
        contextCount.append(Int32(feature.contextTokens.count))
        context.append(Int32(place ?? contexts - 1))
        firstToken.append(Int32(feature.contextTokens.startIndex))
        startPosition.append(Int32(feature.label?.start ?? -1))
        endPosition.append(Int32(feature.label?.end ?? -1))
        inputIDs += feature.inputIDs
        inputIndex.append(Int64(inputIDs.count))
    }

    /// Adds the features of `other` and their contexts after the own ones.
    mutating func append(_ other: FeatureColumns) {
        let (contexts, ids, tokens) = (Int32(contexts), Int64(inputIDs.count), Int64(offsets.count / 2))
        question += other.question
        window += other.window
        segmentBoundary += other.segmentBoundary
        contextStart += other.contextStart
        contextCount += other.contextCount
        context += other.context.map { $0 + contexts }
        firstToken += other.firstToken
        startPosition += other.startPosition
        endPosition += other.endPosition
        inputIDs += other.inputIDs
        inputIndex += other.inputIndex.dropFirst().map { $0 + ids }
        offsets += other.offsets
        contextIndex += other.contextIndex.dropFirst().map { $0 + tokens }
    }

    /// Every column under its name in files, in the order of the bytes.
    static var columns: [(name: String, path: WritableKeyPath<FeatureColumns, [Int32]>)] {
        [
            ("question", \.question), ("window", \.window), ("segment_boundary", \.segmentBoundary),
            ("context_start", \.contextStart), ("context_count", \.contextCount), ("context", \.context),
            ("context_first_token", \.firstToken),
            ("start_position", \.startPosition), ("end_position", \.endPosition), ("input_ids", \.inputIDs),
            ("offsets", \.offsets),
        ]
    }

    static var indexes: [(name: String, path: WritableKeyPath<FeatureColumns, [Int64]>)] {
        [("input_ids_index", \.inputIndex), ("offsets_index", \.contextIndex)]
    }

    /// Those that stand in a file under these names.
    init(_ file: ColumnFile) {
        for (name, path) in Self.columns { self[keyPath: path] = file.columns[name] ?? [] }
        for (name, path) in Self.indexes { self[keyPath: path] = file.indexes[name] ?? [] }
    }

    func add(to file: inout ColumnFile) {
        for (name, path) in Self.columns { file.columns[name] = self[keyPath: path] }
        for (name, path) in Self.indexes { file.indexes[name] = self[keyPath: path] }
    }

    func write(to writer: inout ByteWriter) {
        for (_, path) in Self.columns { writer.add(self[keyPath: path]) }
        for (_, path) in Self.indexes { writer.add(self[keyPath: path]) }
    }

    init(from reader: inout ByteReader) {
        for (_, path) in Self.columns { self[keyPath: path] = reader.values() }
        for (_, path) in Self.indexes { self[keyPath: path] = reader.values() }
    }
}

// MARK: Back to features

extension FeatureColumns {
    /// The features, for which the columns must be sound: made by `append`, or without a `problem`.
    func features() -> [Feature] {
        let contexts = tokens()
        return (0..<count).map { index in
            let first = Int(firstToken[index])
            let tokens = contexts[Int(context[index])][first..<first + Int(contextCount[index])]
            let label = Feature.Label(start: Int(startPosition[index]), end: Int(endPosition[index]))
            return Feature(
                questionIndex: Int(question[index]), window: Int(window[index]),
                inputIDs: Array(inputIDs[inputRange(index)]), segmentBoundary: Int(segmentBoundary[index]),
                contextStart: Int(contextStart[index]), contextTokens: tokens,
                label: label.start < 0 ? nil : label)
        }
    }

    /// The tokens of every context, their ids gathered from the windows; one that is in no window keeps id 0.
    private func tokens() -> [[Token]] {
        var ids = [Int32](repeating: 0, count: offsets.count / 2)
        for index in 0..<count {
            let source = inputRange(index).lowerBound + Int(contextStart[index])
            let target = Int(contextIndex[Int(context[index])]) + Int(firstToken[index])
            for token in 0..<Int(contextCount[index]) { ids[target + token] = inputIDs[source + token] }
        }
        return (0..<contexts).map { context in
            (Int(contextIndex[context])..<Int(contextIndex[context + 1])).map {
                Token(id: ids[$0], start: offsets[2 * $0], end: offsets[2 * $0 + 1])
            }
        }
    }

    /// Where in `inputIDs` those of a feature are.
    func inputRange(_ feature: Int) -> Range<Int> {
        Int(inputIndex[feature])..<Int(inputIndex[feature + 1])
    }

    /// What is wrong with columns from a file; nil when `features()` can be made of them.
    ///
    /// - Parameters:
    ///   - questions: how many there are.
    ///   - vocabularySize: ids must be below.
    func problem(questions: Int, vocabularySize: Int) -> String? {
        let perFeature = [
            window, segmentBoundary, contextStart, contextCount, context, firstToken, startPosition,
            endPosition,
        ]
        guard perFeature.allSatisfy({ $0.count == count }), inputIndex.count == count + 1,
            contextIndex.count > 0, offsets.count % 2 == 0
        else { return "its columns differ in length" }
        guard Self.isIndex(inputIndex, of: inputIDs.count), Self.isIndex(contextIndex, of: offsets.count / 2)
        else { return "an index does not fit what it counts" }
        guard inputIDs.allSatisfy({ $0 >= 0 && $0 < vocabularySize }) else {
            return "a token id is out of range"
        }
        guard
            (0..<offsets.count / 2).allSatisfy({
                0 <= offsets[2 * $0] && offsets[2 * $0] <= offsets[2 * $0 + 1]
            })
        else { return "an offset is out of range" }
        for index in 0..<count where !isSound(index, questions: questions) {
            return "feature \(index) is out of range"
        }
        return nil
    }

    private static func isIndex(_ index: [Int64], of count: Int) -> Bool {
        index.first == 0 && index.last == Int64(count)
            && zip(index, index.dropFirst()).allSatisfy { $0 <= $1 }
    }

    private func isSound(_ index: Int, questions: Int) -> Bool {
        guard (0..<questions).contains(Int(question[index])), window[index] >= 0,
            contextStart[index] >= 0, firstToken[index] >= 0, contextCount[index] >= 0,
            (0..<contexts).contains(Int(context[index])),
            (0...inputRange(index).count).contains(Int(segmentBoundary[index])),
            Int(contextStart[index]) + Int(contextCount[index]) <= inputRange(index).count
        else { return false }
        let context = Int(context[index])
        let available = Int(contextIndex[context + 1] - contextIndex[context])
        let (start, end) = (startPosition[index], endPosition[index])
        return Int(firstToken[index]) + Int(contextCount[index]) <= available
            && (start == -1 && end == -1 || 0 <= start && start <= end && end < inputRange(index).count)
    }
}
