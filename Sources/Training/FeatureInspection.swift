import Checkpoints
import QuestionAnswering

/// What a file of kept features holds, for `dure inspect`.
package struct FeatureInspection: Sendable, Equatable {
    package let path: String
    /// Of all questions of the dataset.
    package let questionCount: Int
    package let featureCount: Int
    package let tokenCount: Int
    /// The dataset's files when the features were made.
    package let files: [String]

    /// Reads and checks all of the file. Throws `CheckpointError`, `.badData` when it is damaged or not named by its
    /// key, as the program names them.
    package init(path: String) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let name = parts.last ?? ""
        guard name.hasSuffix(".h5") else {
            throw Self.unusable("kept features have a name that ends in .h5", path: path)
        }
        let key = String(name.dropLast(3))
        let cache = FeatureCache(
            directory: parts.count == 1 ? "." : parts.dropLast().joined(separator: "/") + "/")
        // Which model they belong to, and so the bound of their ids, the file does not say.
        switch cache.find(key, vocabularySize: Int(Int32.max)) {
        case .found(let kept):
            self.path = path
            questionCount = kept.questionIDs.count
            featureCount = kept.columns.count
            tokenCount = kept.columns.tokenCount
            files = kept.files
        case .unusable(let reason): throw Self.unusable("kept features cannot be used, \(reason)", path: path)
        case .absent:
            throw CheckpointError(
                .missingInput, "the file does not exist", path: path, remedy: "check the path")
        }
    }

    private static func unusable(_ what: String, path: String) -> CheckpointError {
        CheckpointError(
            .badData, what, path: path, remedy: "remove the file: the next run makes these features again")
    }

    package var json: JSONValue {
        [
            "path": .string(path), "format": "kept features", "questions": .integer(questionCount),
            "features": .integer(featureCount), "tokens": .integer(tokenCount),
            "files": .array(files.map(JSONValue.string)),
        ]
    }
}
