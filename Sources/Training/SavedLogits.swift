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
        windows = group.data.features.columns
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
        windows.addWithInputIDs(to: &file)
        file.floats = [Names.start: logits.flatMap(\.start), Names.end: logits.flatMap(\.end)]
        try file.write(to: path)
    }

    /// Reads the file and checks all of it. Throws `CheckpointError`.
    package init(path: String) throws {
        let file = try ColumnFile(path: path, names: Self.names)
        guard file.attributes[Names.formatVersion] == Self.formatVersion else {
            throw Self.unusable("are of another format", path)
        }
        guard let windows = FeatureColumns(withInputIDsOf: file) else {
            throw Self.unusable("do not fit their windows", path)
        }
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
        guard start.count == windows.tokenCount, end.count == start.count, !models.isEmpty else {
            throw Self.unusable("do not fit their windows", path)
        }
        self.windows = windows
        let index = windows.inputIndex
        logits = (0..<windows.count).map { window in
            let range = Int(index[window])..<Int(index[window + 1])
            return SpanLogits(start: Array(start[range]), end: Array(end[range]))
        }
    }

    /// What `dure inspect` tells of the file at `path`.
    package func json(path: String) -> JSONValue {
        [
            "path": .string(path), "format": "logits", "models": .array(models.map(JSONValue.string)),
            "questions": .integer(questionIDs.count), "features": .integer(windows.count),
            "tokens": .integer(windows.tokenCount),
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
            texts: [Names.questionIDs, Names.models],
            columns: FeatureColumns.perFeature.map(\.name) + [FeatureNames.inputIDs, FeatureNames.offsets],
            indexes: FeatureColumns.namesWithInputIDs, floats: [Names.start, Names.end])
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
    fileprivate static let namesWithInputIDs = ["input_ids_index", "offsets_index"]

    /// Adds the columns with all ids of all features end to end.
    fileprivate func addWithInputIDs(to file: inout ColumnFile) {
        for (name, path) in Self.perFeature { file.columns[name] = self[keyPath: path] }
        file.columns[FeatureNames.inputIDs] = allInputIDs
        file.columns[FeatureNames.offsets] = offsets
        file.indexes[Self.namesWithInputIDs[0]] = inputIndex
        file.indexes[Self.namesWithInputIDs[1]] = contextIndex
    }

    /// Nil where the columns do not fit each other.
    fileprivate init?(withInputIDsOf file: ColumnFile) {
        for (name, path) in Self.perFeature { self[keyPath: path] = file.columns[name] ?? [] }
        let ids = file.columns[FeatureNames.inputIDs] ?? []
        let index = file.indexes[Self.namesWithInputIDs[0]] ?? []
        offsets = file.columns[FeatureNames.offsets] ?? []
        contextIndex = file.indexes[Self.namesWithInputIDs[1]] ?? []
        contextIDs = Array(repeating: 0, count: offsets.count / 2)
        guard Self.perFeature.allSatisfy({ self[keyPath: $0.path].count == count }), index.count == count + 1,
            Self.isIndex(index, of: ids.count), Self.isIndex(contextIndex, of: contextIDs.count)
        else { return nil }
        for feature in 0..<count {
            let range = Int(index[feature])..<Int(index[feature + 1])
            let (start, tokens) = (Int(contextStart[feature]), Int(contextCount[feature]))
            guard start >= 0, tokens >= 0, start + tokens <= range.count, firstToken[feature] >= 0,
                (0..<contexts).contains(Int(context[feature])),
                contextTokens(feature).upperBound <= Int(contextIndex[Int(context[feature]) + 1])
            else { return nil }
            let first = range.lowerBound + start
            contextIDs.replaceSubrange(contextTokens(feature), with: ids[first..<first + tokens])
            frameIDs += ids[range.lowerBound..<first]
            frameIDs += ids[first + tokens..<range.upperBound]
            frameIndex.append(Int64(frameIDs.count))
        }
    }

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
                // What the model reads is what stands among the ids.
                let ids = feature.inputIDs[feature.contextRange].dropFirst(tokens.count - slice.startIndex)
                tokens += zip(ids, slice.dropFirst(tokens.count - slice.startIndex)).map {
                    Token(id: $0, start: $1.start, end: $1.end)
                }
            }
            beginContext(tokens)
            for feature in features[start..<end] { append(feature) }
            start = end
        }
    }
}
