import QuestionAnswering

/// What a model and the settings allow features to be.
package struct FeatureLimits: Sendable, Equatable {
    /// Ids must be below.
    package var vocabularySize: Int
    /// Of the model.
    package var positions: Int
    package var maxSequenceLength: Int
    /// Token types must be below.
    package var tokenTypes: Int
    /// `[SEP]`, after which type 1 begins where a record does not say.
    package var separatorID: Int32
    /// Whether a window without answer positions is an error.
    package var requiresLabels = true

    package init(
        vocabularySize: Int, positions: Int, maxSequenceLength: Int, tokenTypes: Int, separatorID: Int32
    ) {
        self.vocabularySize = vocabularySize
        self.positions = positions
        self.maxSequenceLength = maxSequenceLength
        self.tokenTypes = tokenTypes
        self.separatorID = separatorID
    }
}

/// A window as a feature file has it, before anything is checked.
struct FeatureRecord {
    var exampleID: String?
    var window: Int?
    var inputIDs: [Int64] = []
    var tokenTypeIDs: [Int64]?
    /// 1 for tokens, then 0 for padding.
    var attentionMask: [Int64]?
    var start: Int64?
    var end: Int64?
}

/// Turns records into features, checking each.
struct FeatureRecordCheck {
    let limits: FeatureLimits
    let path: String
    /// Of the record, from 0.
    let number: Int

    /// The feature, without padding and without its context's tokens, which training does not need.
    ///
    /// - Throws: `TrainingError.data`, naming the file, the record and what is wrong.
    func feature(_ record: FeatureRecord, questionIndex: Int) throws -> Feature {
        let count = try tokenCount(record)
        let ids = try inputIDs(record.inputIDs.prefix(count))
        let boundary = try segmentBoundary(record.tokenTypeIDs, ids, recordCount: record.inputIDs.count)
        let window = max(record.window ?? 0, 0)
        guard window <= Int(Int32.max) else { throw bad("its window has the number \(window)") }
        return Feature(
            questionIndex: questionIndex, window: window, inputIDs: ids,
            segmentBoundary: boundary, contextStart: ids.count, contextTokens: [],
            label: try label(record, count: count))
    }

    /// Tokens before the padding.
    private func tokenCount(_ record: FeatureRecord) throws -> Int {
        var count = record.inputIDs.count
        if let mask = record.attentionMask {
            guard mask.count == count else {
                throw bad("attention_mask has \(mask.count) elements, input_ids \(count)")
            }
            count = mask.firstIndex { $0 != 1 } ?? mask.count
            guard mask[count...].allSatisfy({ $0 == 0 }) else {
                throw bad("attention_mask is not ones followed by zeros")
            }
        }
        guard count > 0 else { throw bad("it has no tokens") }
        guard count <= limits.positions else {
            throw bad("it has \(count) tokens, the model only room for \(limits.positions)")
        }
        guard count <= limits.maxSequenceLength else {
            throw bad(
                "it has \(count) tokens, more than --max-seq-length \(limits.maxSequenceLength)",
                remedy: "give --max-seq-length \(count) or more")
        }
        return count
    }

    private func inputIDs(_ ids: ArraySlice<Int64>) throws -> [Int32] {
        try ids.map { id in
            guard id >= 0, id < limits.vocabularySize, let id = Int32(exactly: id) else {
                throw bad(
                    "token id \(id) is outside the model's embedding of \(limits.vocabularySize) rows",
                    remedy: "make the file with the vocabulary of this model")
            }
            return id
        }
    }

    /// - recordCount: tokens and padding.
    private func segmentBoundary(_ types: [Int64]?, _ ids: [Int32], recordCount: Int) throws -> Int {
        guard let types else {
            guard limits.tokenTypes > 1 else { return ids.count }
            return ids.firstIndex(of: limits.separatorID).map { $0 + 1 } ?? ids.count
        }
        guard types.count == recordCount else {
            throw bad("token_type_ids has \(types.count) elements, input_ids \(recordCount)")
        }
        let own = types.prefix(ids.count)
        if let type = own.first(where: { $0 < 0 || $0 >= limits.tokenTypes }) {
            throw bad("token type \(type) is outside the model's table of \(limits.tokenTypes) rows")
        }
        let boundary = own.firstIndex { $0 != 0 } ?? own.count
        guard own[boundary...].allSatisfy({ $0 == 1 }) else {
            throw bad("token_type_ids are not zeros followed by ones")
        }
        return boundary
    }

    private func label(_ record: FeatureRecord, count: Int) throws -> Feature.Label? {
        if !limits.requiresLabels, record.start == nil, record.end == nil { return nil }
        guard let start = record.start, let end = record.end else {
            throw bad("it has no answer positions", remedy: "make the file of a dataset with answers")
        }
        guard (0..<Int64(count)).contains(start), (start..<Int64(count)).contains(end) else {
            throw bad("the answer from token \(start) to \(end) is not within its \(count) tokens")
        }
        return Feature.Label(start: Int(start), end: Int(end))
    }

    func bad(_ problem: String, remedy: String = "correct the record, or make the file again")
        -> TrainingError
    {
        .data(
            location: "\(path), record \(number)", problem: "not a feature to train on: \(problem)",
            remedy: remedy)
    }
}
