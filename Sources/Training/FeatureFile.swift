import Checkpoints
import Foundation

/// The forms in which features are kept for other programs and for training.
package enum FeatureFileFormat: String, Sendable, CaseIterable {
    case hdf5, tfrecord, jsonl

    /// By the ending of a file's name.
    package init?(naming path: String) {
        switch path.split(separator: ".").last?.lowercased() {
        case "h5", "hdf5": self = .hdf5
        case "tfrecord", "tfrecords": self = .tfrecord
        case "jsonl": self = .jsonl
        default: return nil
        }
    }

    /// What the file at `path` is by its content; nil for one of another kind, and for one that cannot be opened, of
    /// which whoever reads it says best what is wrong.
    package static func of(_ path: String) -> FeatureFileFormat? {
        guard let file = try? MappedFile(path: path) else { return nil }
        return file.withBytes { bytes in
            if TFRecordFile.isRecordFile(Array(bytes.prefix(12))) { return .tfrecord }
            if bytes.starts(with: hdf5Signature) { return .hdf5 }
            return isJSONLines(bytes) ? .jsonl : damagedFormat(path, bytes)
        }
    }

    private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Whether the first line is an object with ids of tokens. Quotes within texts are escaped.
    private static func isJSONLines(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        let space: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        guard let start = text.firstIndex(where: { !space.contains($0) }), text[start] == UInt8(ascii: "{")
        else { return false }
        let line = text[start...].prefix { $0 != UInt8(ascii: "\n") }
        return UnsafeRawBufferPointer(rebasing: line).firstRange(of: Array("\"input_ids\"".utf8)) != nil
    }

    /// A file of records whose very first bytes are damaged is recognised by its name alone.
    private static func damagedFormat(_ path: String, _ bytes: UnsafeRawBufferPointer) -> FeatureFileFormat? {
        guard FeatureFileFormat(naming: path) == .tfrecord, bytes.first != UInt8(ascii: "{") else {
            return nil
        }
        return .tfrecord
    }
}

/// Names in feature files, the same in all forms where they have the same meaning.
enum FeatureNames {
    static let exampleID = "example_id"
    static let window = "window"
    static let inputIDs = "input_ids"
    static let tokenTypeIDs = "token_type_ids"
    static let attentionMask = "attention_mask"
    static let offsets = "offsets"
    static let startPosition = "start_position"
    static let endPosition = "end_position"
    // As TensorFlow's models call them.
    static let startPositions = "start_positions"
    static let endPositions = "end_positions"

    // HDF5 alone.
    static let kind = "kind"
    static let kindOfFeatures = "features"
    static let formatVersion = "feature_format_version"
    static let version = "dure_version"
    static let tokenizer = "tokenizer"
    static let exampleIDs = "example_ids"
    static let example = "example"
    static let index = "index"

    static let formatVersionOfFiles = "1"
}
