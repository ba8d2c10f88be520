import Checkpoints
import Foundation
import QuestionAnswering

/// The logits of some models, averaged, over the windows of a dataset, as they are kept in a file: answers can be
/// chosen from them again without a model.
package struct SavedLogits: Sendable {
    /// In the dataset's order of questions.
    package var questionIDs: [String]
    package var windows: FeatureColumns
    /// One for each window.
    package var logits: [SpanLogits]
    /// Whose logits were averaged, by the names they were given.
    package var models: [String]
    /// Hash of the tokenizer that cut the windows.
    package var tokenizer: String
    /// `Dataset.textHash` of what was asked.
    package var dataset: String

    /// The layout of the file.
    static let formatVersion = "1"
    /// What a file of logits calls itself.
    private static let kind = "logits"

    /// Whether the file at `path` calls itself one of these. Throws `CheckpointError`.
    package static func isOne(_ path: String) throws -> Bool {
        try ColumnFile.attribute(FeatureNames.kind, of: path) == kind
    }

    package init(_ group: WindowLogits, dataset: Dataset) {
        questionIDs = group.data.questionIDs
        windows = FeatureColumns(group.data.features)
        logits = group.logits
        models = group.models
        tokenizer = group.tokenizer
        self.dataset = dataset.textHash
    }

    /// Writes the file, whole or not at all. Throws `CheckpointError`.
    package func write(to path: String) throws {
        var file = ColumnFile(attributes: [
            FeatureNames.kind: Self.kind, Names.formatVersion: Self.formatVersion, Names.tokenizer: tokenizer,
            Names.dataset: dataset,
            "dure_version": dureVersion,
        ])
        file.texts = [Names.questionIDs: questionIDs.jsonArray, Names.models: models.jsonArray]
        windows.add(to: &file)
        file.floats = [Names.start: logits.flatMap(\.start), Names.end: logits.flatMap(\.end)]
        try file.write(to: path)
    }

    /// Reads the file and checks all of it. Throws `CheckpointError`.
    package init(path: String) throws {
        let file = try ColumnFile(path: path, names: Self.names)
        guard file.attributes[Names.formatVersion] == Self.formatVersion else {
            throw Self.unusable("are of another format", path)
        }
        let windows = FeatureColumns(file)
        func list(_ name: String) throws -> [String] {
            do {
                return try JSONDecoder().decode([String].self, fromText: (file.texts[name] ?? "").utf8)
            } catch {
                throw Self.unusable("have damaged texts", path)
            }
        }
        questionIDs = try list(Names.questionIDs)
        models = try list(Names.models)
        tokenizer = file.attributes[Names.tokenizer] ?? ""
        dataset = file.attributes[Names.dataset] ?? ""
        // Which vocabulary the ids are of matters no more.
        if let problem = windows.problem(questions: questionIDs.count, vocabularySize: Int(Int32.max)) {
            throw Self.unusable("cannot be used, \(problem)", path)
        }
        let (start, end) = (file.floats[Names.start] ?? [], file.floats[Names.end] ?? [])
        guard start.count == windows.inputIDs.count, end.count == start.count, !models.isEmpty else {
            throw Self.unusable("do not fit their windows", path)
        }
        self.windows = windows
        logits = (0..<windows.count).map { window in
            let range = Int(windows.inputIndex[window])..<Int(windows.inputIndex[window + 1])
            return SpanLogits(start: Array(start[range]), end: Array(end[range]))
        }
    }

    /// What `dure inspect` tells of the file at `path`.
    package func json(path: String) -> JSONValue {
        [
            "path": .string(path), "format": "logits", "models": .array(models.map(JSONValue.string)),
            "questions": .integer(questionIDs.count), "features": .integer(windows.count),
            "tokens": .integer(windows.inputIDs.count),
        ]
    }

    private static func unusable(_ what: String, _ path: String) -> CheckpointError {
        CheckpointError(
            .badData, "the saved logits \(what)", path: path,
            remedy: "write them again with dure evaluate --save-logits")
    }

    /// The logits with the texts that were asked about.
    ///
    /// - Throws: `TrainingError` when they belong to another dataset.
    package func group(with dataset: Dataset, path: String) throws -> WindowLogits {
        guard dataset.textHash == self.dataset, questionIDs.count == dataset.questions.count else {
            throw TrainingError.data(
                location: path,
                problem: "the logits belong to other questions or contexts than the dataset's",
                remedy: "give the dataset with which they were saved")
        }
        return WindowLogits(
            data: FeatureSet(dataset: dataset, questionIDs: questionIDs, features: windows.features()),
            logits: logits, models: models, tokenizer: tokenizer)
    }

    private enum Names {
        static let formatVersion = "logits_format_version"
        static let tokenizer = "tokenizer"
        static let dataset = "dataset"
        static let questionIDs = "example_ids"
        static let models = "models"
        static let start = "start_logits"
        static let end = "end_logits"
    }

    private static var names: ColumnFile.Names {
        ColumnFile.Names(
            attributes: [
                FeatureNames.kind, Names.formatVersion, Names.tokenizer, Names.dataset, "dure_version",
            ],
            texts: [Names.questionIDs, Names.models], columns: FeatureColumns.columns.map(\.name),
            indexes: FeatureColumns.indexes.map(\.name), floats: [Names.start, Names.end])
    }
}

extension Dataset {
    /// Differs, as good as surely, where an id, a question or a context differs.
    package var textHash: String {
        var hash = ContentHash()
        for question in questions {
            hash.add(question.id)
            hash.add(question.text)
            hash.add("\(question.contextIndex)")
        }
        for context in contexts { hash.add(context) }
        return hash.text
    }
}

extension FeatureColumns {
    /// Of features in order of questions and windows, each question with a context of its own.
    package init(_ features: [Feature]) {
        self.init()
        var start = 0
        while start < features.count {
            let question = features[start].questionIndex
            let end = features[start...].firstIndex { $0.questionIndex != question } ?? features.count
            var tokens: [Token] = []
            for feature in features[start..<end] {
                // Windows overlap; those that were left out leave a gap, to which no window refers.
                let slice = feature.contextTokens
                while tokens.count < slice.startIndex { tokens.append(Token(id: 0, start: 0, end: 0)) }
                tokens += slice.dropFirst(tokens.count - slice.startIndex)
            }
            beginContext(tokens)
            for feature in features[start..<end] { append(feature) }
            start = end
        }
    }
}
