import Checkpoints
import QuestionAnswering

/// Writes features to files for other programs and for training: the same bytes for the same features.
///
/// HDF5: flat datasets `input_ids`, `token_type_ids` (int32, all windows end to end), `offsets` (two a token, -1 and
/// -1 outside the context), `index` (int64: window i has the tokens `index[i]..<index[i + 1]`), and one element a window
/// of `example` (into `example_ids`, a JSON list of the ids of all questions), `window`, `start_position` and
/// `end_position` (-1 without labels). Attributes of `/`: `kind` = `features`, `tokenizer` (a hash of the vocabulary
/// and its settings), `feature_format_version`, `dure_version`, `content_crc32`.
struct FeatureFileWriter {
    /// Of all questions, to which the columns refer by index.
    let questionIDs: [String]
    let columns: FeatureColumns
    /// Hash of the tokenizer.
    let tokenizer: String

    /// Writes the file, whole or not at all. Throws `CheckpointError`.
    func write(to path: String, as format: FeatureFileFormat) throws {
        switch format {
        case .hdf5: try writeHDF5(to: path)
        case .tfrecord: try AtomicFile.stream(to: path, writeRecords)
        case .jsonl: try AtomicFile.stream(to: path, writeLines)
        }
    }

    private func writeHDF5(to path: String) throws {
        try ColumnFile.write(
            to: path,
            attributes: [
                FeatureNames.kind: FeatureNames.kindOfFeatures,
                FeatureNames.formatVersion: FeatureNames.formatVersionOfFiles,
                FeatureNames.version: dureVersion, FeatureNames.tokenizer: tokenizer,
            ],
            texts: [FeatureNames.exampleIDs: JSONValue.array(questionIDs.map(JSONValue.string)).compact],
            columns: [
                FeatureNames.example: { columns.question }, FeatureNames.window: { columns.window },
                FeatureNames.inputIDs: { columns.allInputIDs },
                FeatureNames.tokenTypeIDs: { columns.tokenTypes },
                FeatureNames.offsets: { columns.tokenOffsets },
                FeatureNames.startPosition: { columns.startPosition },
                FeatureNames.endPosition: { columns.endPosition },
            ],
            indexes: [FeatureNames.index: { columns.inputIndex }])
    }

    private func writeRecords(to sink: AtomicFile.Sink) throws {
        for index in 0..<columns.count {
            let ids = columns.inputIDs(index)
            var example = TensorExample()
            example[FeatureNames.inputIDs] = ids.map(Int64.init)
            example[FeatureNames.tokenTypeIDs] = ids.indices.map {
                $0 < columns.segmentBoundary[index] ? 0 : 1
            }
            example[FeatureNames.attentionMask] = Array(repeating: 1, count: ids.count)
            if columns.startPosition[index] >= 0 {
                example[FeatureNames.startPositions] = [Int64(columns.startPosition[index])]
                example[FeatureNames.endPositions] = [Int64(columns.endPosition[index])]
            }
            try TFRecordFile.append(example.bytes, to: sink)
        }
    }

    private func writeLines(to sink: AtomicFile.Sink) throws {
        // Texts once for each question, which has several windows.
        var id: (question: Int32, text: String) = (-1, "")
        var text = NumberText()
        for index in 0..<columns.count {
            if id.question != columns.question[index] {
                let question = columns.question[index]
                id = (question, JSONValue.string(questionIDs[Int(question)]).compact)
            }
            text.add("{\"\(FeatureNames.exampleID)\":\(id.text),\"\(FeatureNames.window)\":")
            text.add(columns.window[index])
            addTokens(of: index, to: &text)
            if columns.startPosition[index] >= 0 {
                text.add(",\"\(FeatureNames.startPosition)\":")
                text.add(columns.startPosition[index])
                text.add(",\"\(FeatureNames.endPosition)\":")
                text.add(columns.endPosition[index])
            }
            text.add("}\n")
            if text.bytes.count > 1 << 20 { try text.flush(to: sink) }
        }
        try text.flush(to: sink)
    }

    private func addTokens(of index: Int, to text: inout NumberText) {
        let ids = columns.inputIDs(index)
        text.add(",\"\(FeatureNames.inputIDs)\":")
        text.addList(ids.indices) { text, place in text.add(ids[place]) }
        text.add(",\"\(FeatureNames.tokenTypeIDs)\":")
        let boundary = Int(columns.segmentBoundary[index])
        text.addList(ids.indices) { text, place in text.add(place < boundary ? 0 : 1) }
        text.add(",\"\(FeatureNames.offsets)\":")
        let start = Int(columns.contextStart[index])
        let tokens = columns.contextTokens(index)
        text.addList(ids.indices) { text, place in
            guard (start..<start + tokens.count).contains(place) else { return text.add("null") }
            let offset = 2 * (tokens.lowerBound + place - start)
            text.add("[")
            text.add(columns.offsets[offset])
            text.add(",")
            text.add(columns.offsets[offset + 1])
            text.add("]")
        }
    }
}

extension FeatureColumns {
    /// All ids of all features, end to end.
    var allInputIDs: [Int32] {
        var all: [Int32] = []
        all.reserveCapacity(tokenCount)
        for feature in 0..<count { all += inputIDs(feature) }
        return all
    }

    /// `inputIndex[i]..<inputIndex[i + 1]` are the places of feature i in `allInputIDs`.
    var inputIndex: [Int64] {
        var index: [Int64] = [0]
        for feature in 0..<count { index.append(index[feature] + Int64(tokenCount(feature))) }
        return index
    }

    /// The type of every token of every feature.
    var tokenTypes: [Int32] {
        var types: [Int32] = []
        types.reserveCapacity(tokenCount)
        for feature in 0..<count {
            let (tokens, boundary) = (tokenCount(feature), Int(segmentBoundary[feature]))
            types += repeatElement(0, count: boundary)
            types += repeatElement(1, count: tokens - boundary)
        }
        return types
    }

    /// The first and last code point of every token of every feature, -1 outside the context.
    var tokenOffsets: [Int32] {
        var all: [Int32] = []
        all.reserveCapacity(2 * tokenCount)
        for feature in 0..<count {
            let (start, tokens) = (Int(contextStart[feature]), contextTokens(feature))
            all += repeatElement(-1, count: 2 * start)
            all += offsets[2 * tokens.lowerBound..<2 * tokens.upperBound]
            all += repeatElement(-1, count: 2 * (tokenCount(feature) - start - tokens.count))
        }
        return all
    }
}

/// JSON of many small numbers, gathered without a `String` for each.
private struct NumberText {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Of a number that is not negative.
    mutating func add(_ number: Int32) {
        let start = bytes.count
        var rest = UInt32(max(number, 0))
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        var (low, high) = (start, bytes.count - 1)
        while low < high {
            bytes.swapAt(low, high)
            (low, high) = (low + 1, high - 1)
        }
    }

    mutating func addList(_ range: Range<Int>, _ add: (inout NumberText, Int) -> Void) {
        bytes.append(UInt8(ascii: "["))
        for place in range {
            if place > range.lowerBound { bytes.append(UInt8(ascii: ",")) }
            add(&self, place)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func flush(to sink: AtomicFile.Sink) throws {
        try bytes.withUnsafeBytes(sink.write)
        bytes.removeAll(keepingCapacity: true)
    }
}
