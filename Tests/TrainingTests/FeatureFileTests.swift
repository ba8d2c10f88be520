import Checkpoints
import Distributed
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

/// Features written to files by `FeatureExport` and read back to train from.
@Suite struct FeatureFileTests {
    /// A dataset, its features, and a file of them.
    private struct Case {
        let data: PreparationCase
        let features: [Feature]

        init(contexts: Int = 25) throws {
            data = try PreparationCase(contexts: contexts)
            features = contexts == 0 ? [] : Array(try data.load(.training(strict: false)).set.features)
        }

        func write(_ format: FeatureFileFormat, to name: String? = nil, ranks: Int = 1) throws -> String {
            let path = data.folder.path(name ?? "features.\(format.rawValue)")
            _ = try valuesOnRanks(ranks) { communicator in
                let export = try loader(communicator).export([data.file], strict: false)
                try communicator.onRoot { try export?.write(to: path, as: format) }
            }
            return path
        }

        func loader(_ communicator: any Communicator = SingleProcess()) throws -> FeatureLoader {
            try FeatureLoader(
                preparation: data.preparation(), identity: ContentHash(), communicator: communicator,
                pool: .init(threadCount: 1), cache: nil, logger: data.recorder.logger)
        }

        func load(
            _ files: [String], part: DatasetPart = .whole, kind: FeatureKind = .training(strict: false),
            limit: Int? = nil, _ communicator: any Communicator = SingleProcess()
        ) throws -> PreparedData {
            try loader(communicator).load(
                FeatureRequest(files: files, part: part, kind: kind, limit: limit))
        }
    }

    private static func expectSame(_ set: FeatureSet, _ features: [Feature], isNamed: Bool = true) {
        #expect(set.features.map(\.inputIDs) == features.map(\.inputIDs))
        #expect(set.features.map(\.tokenTypeIDs) == features.map(\.tokenTypeIDs))
        #expect(set.features.map(\.label) == features.map(\.label))
        if isNamed { #expect(set.features.map(\.window) == features.map(\.window)) }
    }

    @Test(arguments: FeatureFileFormat.allCases)
    func whatIsWrittenIsReadBackOnAnyNumberOfRanks(_ format: FeatureFileFormat) throws {
        let test = try Case()
        let path = try test.write(format)
        #expect(FeatureFileFormat.of(path) == format)
        let expected = try test.data.load(.training(strict: false)).set
        for ranks in [1, 3] {
            for part in try valuesOnRanks(ranks, { try test.load([path], $0) }) {
                Self.expectSame(part.set, test.features, isNamed: format != .tfrecord)
                #expect(part.set.checksum == expected.checksum)
                if format == .tfrecord { continue }
                #expect(
                    part.set.features.indices.map(part.set.name)
                        == expected.features.indices.map(expected.name))
            }
        }
    }

    @Test(arguments: FeatureFileFormat.allCases)
    func bytesAreTheSameOnAnyNumberOfRanks(_ format: FeatureFileFormat) throws {
        let test = try Case()
        let alone = try Data(contentsOf: URL(filePath: test.write(format)))
        for ranks in [2, 3, 5] {
            #expect(
                try Data(contentsOf: URL(filePath: test.write(format, to: "other", ranks: ranks))) == alone)
        }
    }

    @Test func withoutAnswersAllWindowsAreWrittenWithoutLabels() throws {
        let test = try Case(contexts: 0)
        try test.data.write([
            ["context": "abcdefghijklmnopqrstuvwxyz", "qas": [["id": "q", "question": "why"]]]
        ])
        let line = try String(contentsOfFile: test.write(.jsonl), encoding: .utf8).split(separator: "\n")
        #expect(line.count == 3 && !line[0].contains("position"))
        #expect(
            line[0].hasPrefix(#"{"example_id":"q","window":0,"input_ids":[2,32,17,34,3,10,11"#)
                && line[0].hasSuffix(#",[13,14],null]}"#), "\(line[0])")
        let error = TrainingError.thrown { _ = try test.load([test.data.folder.path("features.jsonl")]) }
        #expect(error?.description.contains("record 0") == true)
        #expect(error?.description.contains("no answer positions") == true)
        let found = try #require(try FeatureFileInspection(path: test.data.folder.path("features.jsonl")))
        #expect(found.featureCount == 3 && found.labelledCount == 0 && found.questionCount == 1)
    }

    @Test func aSplitByQuestionIsThatOfTheDataset() throws {
        let test = try Case()
        let path = try test.write(.hdf5)
        for (part, kind) in [
            (DatasetPart.trainingShare(validationShare: 0.3, seed: 9), FeatureKind.training(strict: false)),
            (.validationShare(0.3, seed: 9), .evaluation),
        ] {
            let set = try test.load([path], part: part, kind: kind).set
            let asked = try test.data.load(kind, part: part).set
            let wanted = asked.features.filter { $0.label != nil }
            Self.expectSame(set, wanted)
            #expect(set.dataset == nil && !set.features.isEmpty)
        }
        let records = try test.write(.tfrecord)
        let split = try test.load([records], part: .trainingShare(validationShare: 0.3, seed: 9))
        #expect(split.notices.contains { $0.contains("split by record") && $0.contains(records) })
        let other = try test.load([records], part: .validationShare(0.3, seed: 9), kind: .evaluation)
        #expect(split.set.count + other.set.count == test.features.count)
    }

    @Test(arguments: [1, 5, 1000]) func aLimitTakesTheFirstQuestions(limit: Int) throws {
        let test = try Case()
        func questions(_ features: some Sequence<Feature>) -> [Int] {
            features.map(\.questionIndex).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        }
        let first = Set(questions(test.features).prefix(limit))
        let expected = test.features.filter { first.contains($0.questionIndex) }
        let path = try test.write(.hdf5)
        Self.expectSame(try test.load([path], limit: limit).set, expected)
        // Between datasets the first ones may all be in one file.
        let mixed = try test.load([path, test.data.file], limit: limit).set
        Self.expectSame(FeatureSet(prefix: expected.count, of: mixed), expected)
        #expect(questions(mixed.features).count == min(limit, 2 * questions(test.features).count))
        let share = DatasetPart.trainingShare(validationShare: 0.3, seed: 9)
        let left = try test.load([path], part: share).set.features
        let some = try test.load([path], part: share, limit: limit).set.features
        #expect(some.elementsEqual(left.prefix(some.count)))
        #expect(questions(some).count == min(limit, questions(left).count))
    }

    @Test func datasetsAndFeatureFilesAreConcatenatedInOrder() throws {
        let test = try Case()
        let (lines, records) = (try test.write(.jsonl), try test.write(.tfrecord))
        for files in [[lines, test.data.file, records], [records, lines, test.data.file]] {
            for part in try valuesOnRanks(2, { try test.load(files, $0) }) {
                Self.expectSame(
                    part.set, test.features + test.features + test.features, isNamed: false)
                #expect(
                    part.set.features.allSatisfy { part.set.questionIDs.indices.contains($0.questionIndex) })
            }
        }
    }

    @Test func whatNeedsTextsOrArticlesIsRefused() throws {
        let test = try Case()
        let path = try test.write(.jsonl)
        func message(_ files: [String], _ part: DatasetPart, _ kind: FeatureKind) -> TrainingError? {
            TrainingError.thrown { _ = try test.load(files, part: part, kind: kind) }
        }
        let validation = try #require(message([path], .whole, .evaluation))
        #expect(validation.exitCode == 65 && validation.description.contains("texts"))
        let article = DatasetPart.trainingShare(validationShare: 0.5, seed: 1, by: .article)
        let byArticle = try #require(message([path], article, .training(strict: false)))
        #expect(byArticle.exitCode == 64 && byArticle.description.contains("--split-by article"))
        let mixed = DatasetPart.trainingShare(validationShare: 0.5, seed: 1)
        #expect(message([path, test.data.file], mixed, .training(strict: false))?.exitCode == 64)
        let again = TrainingError.thrown { _ = try test.loader().export([path], strict: false) }
        #expect(again?.description.contains("features already") == true)
    }

    @Test func anotherTokenizerIsRefusedWhereTheFileSaysSo() throws {
        let test = try Case()
        let path = try test.write(.hdf5)
        var other = ContentHash()
        other.add("another vocabulary")
        let loader = try FeatureLoader(
            preparation: test.data.preparation(), identity: other, communicator: SingleProcess(),
            pool: .init(threadCount: 1), cache: nil, logger: test.data.recorder.logger)
        let error = TrainingError.thrown {
            _ = try loader.load(FeatureRequest(files: [path], kind: .training(strict: false)))
        }
        #expect(error?.exitCode == 65 && error?.description.contains("another vocabulary") == true)
    }

    @Test func keptFeaturesAreNoFeatureFile() throws {
        let test = try Case()
        _ = try test.data.load(.training(strict: false), cache: test.data.cache)
        let error = #expect(throws: CheckpointError.self) { try test.load([test.data.keptFile()]) }
        #expect(error?.category == .badData && error?.what == "is not a file of features")
    }

    // MARK: Files of others

    private func lines(_ text: String) throws -> FeatureSet {
        let test = try Case(contexts: 0)
        try test.data.folder.write(text, to: "f.jsonl")
        return try test.load([test.data.folder.path("f.jsonl")]).set
    }

    @Test func paddedRecordsOfTensorFlowLoseTheirPadding() throws {
        let test = try Case(contexts: 0)
        let set = try test.load([Paths.fixtures.appending(path: "features/padded.tfrecord").path()]).set
        #expect(set.features.map(\.count) == [8, 5, 12])
        #expect(set.features[0].inputIDs == [2, 11, 12, 3, 20, 21, 22, 3])
        #expect(set.features[0].tokenTypeIDs == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(
            set.features.map(\.label) == [.init(start: 4, end: 5), .unanswerable, .init(start: 7, end: 11)])
    }

    @Test func whatIsLeftOutIsMadeUp() throws {
        let set = try lines(#"{"input_ids":[2,10,3,11,12,3],"start_position":3,"end_position":4}"# + "\r\n\n")
        #expect(set.features[0].tokenTypeIDs == [0, 0, 0, 1, 1, 1])
        #expect(set.name(0).contains("f.jsonl record 0/0"))
    }

    @Test func idsMayBeNumbers() throws {
        let set = try lines(
            #"{"example_id":17,"input_ids":[2,10,3,11,12,3],"start_position":3,"end_position":4}"# + "\n")
        #expect(set.questionIDs == ["17"])
    }

    @Test(arguments: [
        (#""input_ids":[2,9999,3],"start_position":0,"end_position":0"#, "token id 9999"),
        (#""input_ids":[2,-1,3],"start_position":0,"end_position":0"#, "token id -1"),
        (#""input_ids":[2,4294967298],"start_position":0,"end_position":0"#, "token id 4294967298"),
        (#""input_ids":[],"start_position":0,"end_position":0"#, "no tokens"),
        (#""input_ids":[2,3],"start_position":1,"end_position":2"#, "from token 1 to 2"),
        (#""input_ids":[2,3],"start_position":1,"end_position":0"#, "from token 1 to 0"),
        (#""input_ids":[2,3],"start_position":-1,"end_position":0"#, "from token -1"),
        (#""input_ids":[2,3],"start_position":0"#, "no answer positions"),
        (
            #""input_ids":[2,3,0],"attention_mask":[1,1,0],"start_position":0,"end_position":2"#,
            "its 2 tokens"
        ),
        (#""input_ids":[2,3],"attention_mask":[0,1],"start_position":0,"end_position":0"#, "attention_mask"),
        (
            #""input_ids":[2,3],"attention_mask":[1],"start_position":0,"end_position":0"#,
            "attention_mask has 1"
        ),
        (
            #""input_ids":[2,3],"token_type_ids":[1],"start_position":0,"end_position":0"#,
            "token_type_ids has 1"
        ),
        (#""input_ids":[2,3],"token_type_ids":[0,2],"start_position":0,"end_position":0"#, "token type 2"),
        (#""input_ids":[2,3],"token_type_ids":[1,0],"start_position":0,"end_position":0"#, "zeros followed"),
        (#""input_ids":"2""#, "not JSON of a feature"),
        (
            #""input_ids":[2,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],"start_position":0,"end_position":0"#,
            "21 tokens, more than --max-seq-length 20"
        ),
    ])
    func aRecordThatCannotBeIsNamed(members: String, words: String) throws {
        let good = #"{"input_ids":[2,3],"start_position":0,"end_position":0}"#
        let error = TrainingError.thrown { _ = try lines("\(good)\n{\(members)}\n") }
        #expect(error?.exitCode == 65)
        let text = error?.description ?? ""
        #expect(text.contains("f.jsonl, record 1") && text.contains(words), "\(text)")
    }

    @Test func moreTokensThanPositionsAreRefused() throws {
        var test = try PreparationCase(contexts: 0)
        test.settings.maxSequenceLength = 128
        let ids = Array(repeating: "7", count: 129).joined(separator: ",")
        try test.folder.write(
            #"{"input_ids":[\#(ids)],"start_position":0,"end_position":0}"#, to: "data.jsonl")
        test.file = test.folder.path("data.jsonl")
        let error = TrainingError.thrown { _ = try test.load(.training(strict: false)) }
        #expect(error?.description.contains("129 tokens, the model only room for 128") == true)
    }

    @Test func damagedFilesAreRefusedWithTheirRecord() throws {
        let test = try Case()
        let path = try test.write(.tfrecord)
        let whole = try Data(contentsOf: URL(filePath: path))
        for (place, record) in [(3, 0), (whole.count / 2, nil), (whole.count - 1, test.features.count - 1)] {
            var bytes = whole
            bytes[place] ^= 0x40
            try bytes.write(to: URL(filePath: path))
            let error = #expect(throws: CheckpointError.self) { try test.load([path]) }
            #expect(error?.category == .badData && error?.item?.hasPrefix("record ") == true)
            if let record { #expect(error?.item == "record \(record)") }
        }
        try whole.dropLast().write(to: URL(filePath: path))
        #expect(throws: CheckpointError.self) { try test.load([path]) }
    }

    @Test func emptyFilesHaveNothingToTrainOn() throws {
        let test = try Case(contexts: 0)
        try test.data.folder.write("", to: "f.tfrecord")
        let error = TrainingError.thrown { _ = try test.load([test.data.folder.path("f.tfrecord")]) }
        #expect(error?.description.contains("no features") == true)
    }
}

extension FeatureSet {
    fileprivate init(prefix count: Int, of set: FeatureSet) {
        self.init(dataset: nil, questionIDs: set.questionIDs, features: Array(set.features.prefix(count)))
    }
}
