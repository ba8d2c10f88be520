import Checkpoints
import Foundation
import QuestionAnswering

/// Features as they are kept from one run to the next.
package struct KeptFeatures: Sendable, Equatable {
    /// Of all questions of the dataset, to which the features refer by index.
    package var questionIDs: [String]
    package var columns: FeatureColumns
    /// What the user should know about the data, each time anew.
    package var notices: [String]
    /// The dataset's files, which the notices name.
    package var files: [String]

    package init(questionIDs: [String], columns: FeatureColumns, notices: [String], files: [String]) {
        self.questionIDs = questionIDs
        self.columns = columns
        self.notices = notices
        self.files = files
    }
}

/// A folder of features in HDF5, `KEY.h5`, where the key is a hash of all that the features depend on.
///
/// Files appear by rename, so that runs which use the folder at once see a whole file or none, and one that has a
/// file open keeps what it opened.
package struct FeatureCache: Sendable {
    /// The layout of the files; part of every key.
    package static let formatVersion = 3
    /// The folder for a run's own features in its output folder.
    static let besideOutputName = "features"

    package let directory: String

    package init(directory: String) { self.directory = directory }

    package enum Finding: Sendable, Equatable {
        case found(KeptFeatures)
        case absent
        /// There is a file, but none to rely on: what is wrong with it.
        case unusable(String)
    }

    package func path(_ key: String) -> String {
        directory.hasSuffix("/") ? "\(directory)\(key).h5" : "\(directory)/\(key).h5"
    }

    /// Looks for the features with this key; ids must be below `vocabularySize`.
    package func find(_ key: String, vocabularySize: Int) -> Finding {
        let path = path(key)
        guard access(path, F_OK) == 0 else { return .absent }
        do {
            let file = try ColumnFile(path: path, names: Self.names)
            guard file.attributes[Names.formatVersion] == "\(Self.formatVersion)" else {
                return .unusable("it has another format")
            }
            guard file.attributes[Names.key] == key else { return .unusable("it belongs to other data") }
            let kept = try KeptFeatures(file)
            if let problem = kept.columns.problem(
                questions: kept.questionIDs.count, vocabularySize: vocabularySize)
            {
                return .unusable(problem)
            }
            return .found(kept)
        } catch let error as CheckpointError {
            return .unusable(error.what)
        } catch {
            return .unusable("its texts are damaged")
        }
    }

    /// Keeps the features under this key, in place of those that are there. Throws `CheckpointError`.
    package func keep(_ features: KeptFeatures, as key: String) throws {
        let folder = try OutputDirectory(creating: directory)
        var file = ColumnFile(attributes: [
            Names.key: key, Names.formatVersion: "\(Self.formatVersion)", "dure_version": dureVersion,
        ])
        file.texts = [
            Names.questionIDs: features.questionIDs.jsonArray, Names.notices: features.notices.jsonArray,
            Names.files: features.files.jsonArray,
        ]
        features.columns.add(to: &file)
        do {
            try file.write(to: folder.path(of: "\(key).h5"))
        } catch {
            folder.removeIfEmpty()
            throw error
        }
    }

    fileprivate enum Names {
        static let key = "feature_key"
        static let formatVersion = "feature_format_version"
        static let questionIDs = "example_ids"
        static let notices = "notices"
        static let files = "files"
    }

    private static var names: ColumnFile.Names {
        ColumnFile.Names(
            attributes: [Names.key, Names.formatVersion, "dure_version"],
            texts: [Names.questionIDs, Names.notices, Names.files],
            columns: FeatureColumns.columns.map(\.name), indexes: FeatureColumns.indexes.map(\.name))
    }
}

extension KeptFeatures {
    fileprivate init(_ file: ColumnFile) throws {
        func list(_ name: String) throws -> [String] {
            try JSONDecoder().decode([String].self, from: Data((file.texts[name] ?? "").utf8))
        }
        self.init(
            questionIDs: try list(FeatureCache.Names.questionIDs), columns: FeatureColumns(file),
            notices: try list(FeatureCache.Names.notices), files: try list(FeatureCache.Names.files))
    }

    /// The notices, where the same data may since have got other names.
    func notices(naming files: [String]) -> [String] {
        notices.map { notice in
            zip(self.files, files).reduce(notice) { text, names in
                names.0 == names.1
                    ? text : text.replacing("(\(names.0), question ", with: "(\(names.1), question ")
            }
        }
    }

    func write(to writer: inout ByteWriter) {
        writer.add(questionIDs)
        columns.write(to: &writer)
    }

    /// Without notices and files, which only rank 0 needs.
    init(from reader: inout ByteReader) {
        self.init(
            questionIDs: reader.texts(), columns: FeatureColumns(from: &reader), notices: [], files: [])
    }
}

extension [String] {
    var jsonArray: String { JSONValue.array(map(JSONValue.string)).compact }
}
