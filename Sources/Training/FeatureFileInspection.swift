import Checkpoints
import QuestionAnswering

/// What a file of `dure prepare`, or one like it, holds, for `dure inspect`.
package struct FeatureFileInspection: Sendable, Equatable {
    package let path: String
    package let format: FeatureFileFormat
    /// Nil where records do not say which question they are of.
    package let questionCount: Int?
    package let featureCount: Int
    package let tokenCount: Int
    package let longest: Int
    /// Features with an answer's positions.
    package let labelledCount: Int

    /// Reads and checks all of the file; nil for one of another kind, also for features that a run has kept.
    ///
    /// - Throws: as `FeatureFileReader.read`, when it is damaged.
    package init?(path: String) throws {
        guard let format = FeatureFileFormat.of(path) else { return nil }
        if format == .hdf5 {
            guard try ColumnFile.attribute(FeatureNames.kind, of: path) == FeatureNames.kindOfFeatures else {
                return nil
            }
        }
        // Which model they are for the file does not say.
        let most = Int(Int32.max)
        var limits = FeatureLimits(
            vocabularySize: most, positions: most, maxSequenceLength: most, tokenTypes: 2, separatorID: -1)
        limits.requiresLabels = false
        var reader = FeatureFileReader(limits: limits, tokenizer: nil)
        try reader.read(path, format)
        self.path = path
        self.format = format
        questionCount = reader.filesWithoutIDs.isEmpty ? reader.questionIDs.count : nil
        featureCount = reader.features.count
        tokenCount = reader.features.reduce(0) { $0 + $1.count }
        longest = reader.features.map(\.count).max() ?? 0
        labelledCount = reader.features.count { $0.label != nil }
    }

    package var json: JSONValue {
        [
            "path": .string(path), "format": .string("features, \(format.rawValue)"),
            "questions": questionCount.map(JSONValue.integer) ?? .null, "features": .integer(featureCount),
            "labelled": .integer(labelledCount), "tokens": .integer(tokenCount), "longest": .integer(longest),
        ]
    }
}
