import Checkpoints
import Foundation
import QuestionAnswering

/// The features of feature files, one after the other.
struct FeatureFileReader {
    private let limits: FeatureLimits
    /// Hash of the model's tokenizer; nil takes any.
    private let tokenizer: String?
    /// Of the questions; a record without one is a question of its own, called by its place.
    private(set) var questionIDs: [String] = []
    private var columns = FeatureColumns()
    var features: FeatureList { FeatureList(columns) }
    /// Files whose records do not say which question they are of.
    private(set) var filesWithoutIDs: [String] = []
    private var questionIndexes: [[UInt8]: Int] = [:]

    init(limits: FeatureLimits, tokenizer: String?) {
        self.limits = limits
        self.tokenizer = tokenizer
        // Of all features: files say nothing of theirs.
        columns.beginContext([])
    }

    /// Adds the features of the file at `path`.
    ///
    /// - Throws: `CheckpointError` or `DatasetError` for a damaged file, `TrainingError.data` for a record that is not
    ///   a feature for the model.
    mutating func read(_ path: String, _ format: FeatureFileFormat) throws {
        let before = columns.count
        switch format {
        case .hdf5: try readHDF5(path)
        case .tfrecord: try readRecords(path)
        case .jsonl: try readLines(path)
        }
        guard columns.count > before else {
            throw TrainingError.data(
                location: path, problem: "the file holds no features",
                remedy: "name another file, or make it again")
        }
    }

    private mutating func add(_ record: FeatureRecord, _ path: String, _ number: Int) throws {
        if record.exampleID == nil, filesWithoutIDs.last != path { filesWithoutIDs.append(path) }
        let index = questionIndex(record.exampleID ?? "\(path) record \(number)")
        let check = FeatureRecordCheck(limits: limits, path: path, number: number)
        columns.append(try check.feature(record, questionIndex: index), context: 0)
    }

    private mutating func questionIndex(_ id: String) -> Int {
        let key = Array(id.utf8)
        if let index = questionIndexes[key] { return index }
        questionIDs.append(id)
        questionIndexes[key] = questionIDs.count - 1
        return questionIDs.count - 1
    }
}

// MARK: TFRecord

extension FeatureFileReader {
    private mutating func readRecords(_ path: String) throws {
        try TFRecordFile.forEachRecord(of: MappedFile(path: path)) { number, bytes in
            let example = try TensorExample(bytes, path: path, item: "record \(number)")
            let check = FeatureRecordCheck(limits: limits, path: path, number: number)
            guard let ids = example[FeatureNames.inputIDs] else {
                throw check.bad(
                    "it has no whole numbers input_ids, only \(example.names.joined(separator: ", "))")
            }
            func position(_ names: String...) throws -> Int64? {
                guard let values = names.lazy.compactMap({ example[$0] }).first else { return nil }
                guard values.count == 1 else {
                    throw check.bad("\(names[0]) has \(values.count) elements, not one")
                }
                return values[0]
            }
            let record = FeatureRecord(
                inputIDs: ids, tokenTypeIDs: example[FeatureNames.tokenTypeIDs],
                attentionMask: example[FeatureNames.attentionMask],
                start: try position(FeatureNames.startPositions, FeatureNames.startPosition),
                end: try position(FeatureNames.endPositions, FeatureNames.endPosition))
            try add(record, path, number)
        }
    }
}

// MARK: JSON lines

extension FeatureFileReader {
    private mutating func readLines(_ path: String) throws {
        let file = try MappedFile(path: path)
        try file.withBytes { bytes in
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            var start = bytes.starts(with: mark) ? mark.count : 0
            var number = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                start = end + 1
                guard line.contains(where: { $0 > 0x20 }) else { continue }
                try add(Self.record(line, path, number), path, number)
                number += 1
            }
        }
    }

    private static func record(
        _ line: UnsafeRawBufferPointer, _ path: String, _ number: Int
    ) throws -> FeatureRecord {
        do {
            let line = try JSONDecoder().decode(FeatureLine.self, fromText: line)
            return FeatureRecord(
                exampleID: line.exampleID?.text, window: line.window, inputIDs: line.inputIDs,
                tokenTypeIDs: line.tokenTypeIDs, attentionMask: line.attentionMask, start: line.start,
                end: line.end)
        } catch {
            throw TrainingError.data(
                location: "\(path), record \(number)", problem: "the line is not JSON of a feature",
                remedy: "correct the record, or make the file again")
        }
    }
}

private struct FeatureLine: Decodable {
    let exampleID: FlexibleText?
    let window: Int?
    let inputIDs: [Int64]
    let tokenTypeIDs: [Int64]?
    let attentionMask: [Int64]?
    let start: Int64?
    let end: Int64?

    enum CodingKeys: String, CodingKey {
        case exampleID = "example_id"
        case window
        case inputIDs = "input_ids"
        case tokenTypeIDs = "token_type_ids"
        case attentionMask = "attention_mask"
        case start = "start_position"
        case end = "end_position"
    }
}

// MARK: HDF5

extension FeatureFileReader {
    static let columnNames = ColumnFile.Names(
        attributes: [
            FeatureNames.kind, FeatureNames.formatVersion, FeatureNames.version, FeatureNames.tokenizer,
        ],
        texts: [FeatureNames.exampleIDs],
        columns: [
            FeatureNames.example, FeatureNames.window, FeatureNames.inputIDs, FeatureNames.tokenTypeIDs,
            FeatureNames.offsets, FeatureNames.startPosition, FeatureNames.endPosition,
        ], indexes: [FeatureNames.index])

    private mutating func readHDF5(_ path: String) throws {
        let file = try PreparedColumns(path: path)
        guard tokenizer == nil || file.tokenizer == tokenizer else {
            throw TrainingError.data(
                location: path,
                problem: "the features were made with another vocabulary or tokenizer settings",
                remedy: "make the file again with this model")
        }
        // Also those without a feature, so that a split by question draws from the same as one of the dataset does.
        let indexes = file.exampleIDs.map { questionIndex($0) }
        for number in 0..<file.count {
            let check = FeatureRecordCheck(limits: limits, path: path, number: number)
            let example = Int(file.example[number])
            guard indexes.indices.contains(example) else {
                throw check.bad("it is of question \(example), of which there are \(indexes.count)")
            }
            columns.append(
                try check.feature(file.record(number), questionIndex: indexes[example]), context: 0)
        }
    }
}

/// The columns of an HDF5 feature file that training needs.
struct PreparedColumns {
    let exampleIDs: [String]
    let tokenizer: String
    let example: [Int32]
    private let window: [Int32]
    private let inputIDs: [Int32]
    private let tokenTypeIDs: [Int32]
    private let startPosition: [Int32]
    private let endPosition: [Int32]
    private let index: [Int64]

    var count: Int { example.count }
    var tokenCount: Int { inputIDs.count }
    var isLabelled: Bool { startPosition.contains { $0 >= 0 } }

    /// Reads and checks all of the file but what is in its records. Throws `CheckpointError`.
    init(path: String) throws {
        guard try ColumnFile.attribute(FeatureNames.kind, of: path) == FeatureNames.kindOfFeatures else {
            throw Self.bad(
                "is not a file of features", path, "name a dataset, or a file that dure prepare wrote")
        }
        let file = try ColumnFile(path: path, names: FeatureFileReader.columnNames)
        guard file.attributes[FeatureNames.formatVersion] == FeatureNames.formatVersionOfFiles else {
            throw Self.bad(
                "has another format of features", path, "make the file again with this version of dure")
        }
        do {
            let text = file.texts[FeatureNames.exampleIDs] ?? ""
            exampleIDs = try JSONDecoder().decode([FlexibleText].self, fromText: text.utf8).map(\.text)
        } catch {
            throw Self.bad("its example_ids are not a list of texts", path, "make the file again")
        }
        func column(_ name: String) -> [Int32] { file.columns[name] ?? [] }
        tokenizer = file.attributes[FeatureNames.tokenizer] ?? ""
        example = column(FeatureNames.example)
        window = column(FeatureNames.window)
        inputIDs = column(FeatureNames.inputIDs)
        tokenTypeIDs = column(FeatureNames.tokenTypeIDs)
        startPosition = column(FeatureNames.startPosition)
        endPosition = column(FeatureNames.endPosition)
        index = file.indexes[FeatureNames.index] ?? []
        let perWindow = [window, startPosition, endPosition].allSatisfy { $0.count == example.count }
        let offsets = column(FeatureNames.offsets).count
        guard perWindow, index.count == example.count + 1, tokenTypeIDs.count == inputIDs.count,
            offsets % 2 == 0, offsets / 2 == inputIDs.count, index.first == 0,
            index.last == Int64(inputIDs.count), zip(index, index.dropFirst()).allSatisfy({ $0 <= $1 })
        else { throw Self.bad("its columns do not fit each other", path, "make the file again") }
    }

    func record(_ number: Int) -> FeatureRecord {
        let range = Int(index[number])..<Int(index[number + 1])
        let (start, end) = (Int64(startPosition[number]), Int64(endPosition[number]))
        return FeatureRecord(
            window: Int(window[number]), inputIDs: inputIDs[range].map(Int64.init),
            tokenTypeIDs: tokenTypeIDs[range].map(Int64.init), start: start < 0 ? nil : start,
            end: end < 0 ? nil : end)
    }

    private static func bad(_ what: String, _ path: String, _ remedy: String) -> CheckpointError {
        CheckpointError(.badData, what, path: path, remedy: remedy)
    }
}
