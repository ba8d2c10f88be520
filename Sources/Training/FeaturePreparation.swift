import QuestionAnswering

/// Features of datasets for `dure prepare`, to be written to a file.
package struct FeatureExport {
    /// What the user should know about the data, for the log.
    package let notices: [String]
    private let writer: FeatureFileWriter
    private let statistics: FeatureStatistics
    private let cleaning: CleaningStatistics?

    /// Writes the file, whole or not at all. Throws `CheckpointError`.
    package func write(to path: String, as format: FeatureFileFormat) throws {
        try writer.write(to: path, as: format)
    }

    /// Members in the order of the result.
    package var members: [(String, JSONValue)] {
        statistics.members + (cleaning.map { [("cleaning", .object($0.members))] } ?? [])
    }

    fileprivate init(
        _ features: KeptFeatures, _ dataset: Dataset, _ loader: FeatureLoader, cleaning: CleaningStatistics?
    ) throws {
        self.cleaning = cleaning
        notices = features.notices
        writer = FeatureFileWriter(
            questionIDs: features.questionIDs, columns: features.columns, tokenizer: loader.tokenizer)
        statistics = try FeatureStatistics(
            features.columns, dataset: dataset, settings: loader.preparation.settings,
            tokenCount: loader.preparation.questionTokenCount)
    }
}

extension FeatureLoader {
    /// Prepares `files` as for training when they have answers, else as for evaluation; nil but on rank 0. Every rank
    /// must call this.
    package func export(_ files: [String], strict: Bool) throws -> FeatureExport? {
        try communicator.together {
            guard let path = files.first(where: { FeatureFileFormat.of($0) != nil }) else { return }
            throw TrainingError.data(
                location: path, problem: "the file holds features already", remedy: "name datasets")
        }
        var hasAnswers = false
        try communicator.onRoot {
            hasAnswers = try read(FeatureRequest(files: files, kind: .evaluation)).hasKnownAnswers
        }
        let flags = try communicator.allGather([hasAnswers ? 1 : 0])
        let kind = flags[0] == [1] ? FeatureKind.training(strict: strict) : .evaluation
        let (features, dataset, cleaning) = try gather(FeatureRequest(files: files, kind: kind))
        try communicator.together { try preparation.check(features.columns, files: files) }
        return try communicator.together {
            guard communicator.isRoot, let dataset else { return nil }
            return try FeatureExport(features, dataset, self, cleaning: cleaning)
        }
    }
}
