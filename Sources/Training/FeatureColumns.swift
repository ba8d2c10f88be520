import Checkpoints
import QuestionAnswering

/// Features as flat columns: the form in which ranks send them to each other and in which they are kept in files.
///
/// Tokens stand once for each context, and the windows of all its questions refer to them.
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
    /// The ids around the context tokens of all features, end to end; `frameIndex[i]..<frameIndex[i + 1]` are those of
    /// feature i.
    package var frameIDs: [Int32] = []
    package var frameIndex: [Int64] = [0]
    /// The ids of every token of every context, end to end.
    package var contextIDs: [Int32] = []
    /// First and last code point of each of them, by turns; `contextIndex` counts tokens.
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
            contextIDs.append(token.id)
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
        frameIDs += feature.inputIDs[..<feature.contextRange.lowerBound]
        frameIDs += feature.inputIDs[feature.contextRange.upperBound...]
        frameIndex.append(Int64(frameIDs.count))
    }

    /// The features at `indexes`, in that order.
    func selecting(_ indexes: some Sequence<Int>) -> FeatureColumns {
        var selection = FeatureColumns()
        (selection.contextIDs, selection.offsets, selection.contextIndex) = (
            contextIDs, offsets, contextIndex
        )
        for index in indexes {
            for (_, path) in Self.perFeature { selection[keyPath: path].append(self[keyPath: path][index]) }
            selection.frameIDs += frameIDs[frame(index)]
            selection.frameIndex.append(Int64(selection.frameIDs.count))
        }
        return selection
    }

    /// The same with every token of type 0.
    var withoutTokenTypes: FeatureColumns {
        var columns = self
        for index in 0..<count { columns.segmentBoundary[index] = Int32(tokenCount(index)) }
        return columns
    }

    /// Adds the features of `other` and their contexts after the own ones.
    mutating func append(_ other: FeatureColumns) {
        let (contexts, ids, tokens) = (Int32(contexts), Int64(frameIDs.count), Int64(contextIDs.count))
        question += other.question
        window += other.window
        segmentBoundary += other.segmentBoundary
        contextStart += other.contextStart
        contextCount += other.contextCount
        context += other.context.map { $0 + contexts }
        firstToken += other.firstToken
        startPosition += other.startPosition
        endPosition += other.endPosition
        frameIDs += other.frameIDs
        frameIndex += other.frameIndex.dropFirst().map { $0 + ids }
        contextIDs += other.contextIDs
        offsets += other.offsets
        contextIndex += other.contextIndex.dropFirst().map { $0 + tokens }
    }

    /// Those of one element a feature, by name.
    static var perFeature: [(name: String, path: WritableKeyPath<FeatureColumns, [Int32]>)] {
        [
            ("question", \.question), ("window", \.window), ("segment_boundary", \.segmentBoundary),
            ("context_start", \.contextStart), ("context_count", \.contextCount), ("context", \.context),
            ("context_first_token", \.firstToken),
            ("start_position", \.startPosition), ("end_position", \.endPosition),
        ]
    }

    /// Every column under its name in files, in the order of the bytes.
    static var columns: [(name: String, path: WritableKeyPath<FeatureColumns, [Int32]>)] {
        perFeature + [("frame_ids", \.frameIDs), ("context_ids", \.contextIDs), ("offsets", \.offsets)]
    }

    static var indexes: [(name: String, path: WritableKeyPath<FeatureColumns, [Int64]>)] {
        [("frame_ids_index", \.frameIndex), ("offsets_index", \.contextIndex)]
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
    /// Tokens of a feature.
    func tokenCount(_ feature: Int) -> Int { frame(feature).count + Int(contextCount[feature]) }

    /// Tokens of all features.
    var tokenCount: Int { frameIDs.count + contextCount.reduce(0) { $0 + Int($1) } }

    /// Range in `frameIDs` of those of a feature.
    private func frame(_ feature: Int) -> Range<Int> {
        Int(frameIndex[feature])..<Int(frameIndex[feature + 1])
    }

    /// Range in `contextIDs` of those of a feature.
    func contextTokens(_ feature: Int) -> Range<Int> {
        let first = Int(contextIndex[Int(context[feature])]) + Int(firstToken[feature])
        return first..<first + Int(contextCount[feature])
    }

    /// Every token of a feature.
    func inputIDs(_ feature: Int) -> [Int32] {
        let frame = frame(feature)
        let before = frame.lowerBound + Int(contextStart[feature])
        var ids: [Int32] = []
        ids.reserveCapacity(tokenCount(feature))
        ids += frameIDs[frame.lowerBound..<before]
        if contextCount[feature] > 0 { ids += contextIDs[contextTokens(feature)] }
        ids += frameIDs[before..<frame.upperBound]
        return ids
    }

    func label(_ feature: Int) -> Feature.Label? {
        let (start, end) = (Int(startPosition[feature]), Int(endPosition[feature]))
        return start < 0 ? nil : Feature.Label(start: start, end: end)
    }

    /// Bytes of memory.
    var memoryBytes: Int {
        Self.columns.reduce(0) { $0 + 4 * self[keyPath: $1.path].capacity }
            + Self.indexes.reduce(0) { $0 + 8 * self[keyPath: $1.path].capacity }
    }

    /// The features, for which the columns must be sound: made by `append`, or without a `problem`.
    func features() -> FeatureList { FeatureList(self) }

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
        guard perFeature.allSatisfy({ $0.count == count }), frameIndex.count == count + 1,
            contextIndex.count > 0, offsets.count == 2 * contextIDs.count
        else { return "its columns differ in length" }
        guard Self.isIndex(frameIndex, of: frameIDs.count), Self.isIndex(contextIndex, of: contextIDs.count)
        else { return "an index does not fit what it counts" }
        guard [frameIDs, contextIDs].allSatisfy({ $0.allSatisfy { $0 >= 0 && $0 < vocabularySize } }) else {
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

    static func isIndex(_ index: [Int64], of count: Int) -> Bool {
        index.first == 0 && index.last == Int64(count)
            && zip(index, index.dropFirst()).allSatisfy { $0 <= $1 }
    }

    private func isSound(_ index: Int, questions: Int) -> Bool {
        guard (0..<questions).contains(Int(question[index])), window[index] >= 0,
            contextStart[index] >= 0, firstToken[index] >= 0, contextCount[index] >= 0,
            (0..<contexts).contains(Int(context[index])),
            (0...tokenCount(index)).contains(Int(segmentBoundary[index])),
            Int(contextStart[index]) <= frame(index).count
        else { return false }
        let context = Int(context[index])
        let available = Int(contextIndex[context + 1] - contextIndex[context])
        let (start, end) = (startPosition[index], endPosition[index])
        return Int(firstToken[index]) + Int(contextCount[index]) <= available
            && (start == -1 && end == -1 || 0 <= start && start <= end && end < tokenCount(index))
    }
}
