import Checkpoints
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

@Suite struct FeatureCacheTests {
    private static func kept() throws -> (PreparationCase, KeptFeatures, FeatureList) {
        let data = try PreparationCase(contexts: 8)
        let made = try data.load(.evaluation, cache: data.cache)
        let key = String(
            try #require(try data.folder.names("features").first { $0.hasSuffix(".h5") }).dropLast(3))
        guard case .found(let features) = data.cache.find(key, vocabularySize: 2479) else {
            throw DatasetError.noQuestions(paths: [])
        }
        #expect(features.columns.features() == made.set.features)
        return (data, features, made.set.features)
    }

    @Test func whatIsKeptIsFound() throws {
        let (data, features, _) = try Self.kept()
        try data.cache.keep(features, as: "0123")
        #expect(data.cache.find("0123", vocabularySize: 2479) == .found(features))
        #expect(data.cache.find("4567", vocabularySize: 2479) == .absent)
    }

    @Test func aFileOfOtherDataOrAnotherFormatIsNotUsed() throws {
        let (data, features, _) = try Self.kept()
        try data.cache.keep(features, as: "a")
        try FileManager.default.moveItem(atPath: data.cache.path("a"), toPath: data.cache.path("b"))
        #expect(data.cache.find("b", vocabularySize: 2479) == .unusable("it belongs to other data"))
        var file = ColumnFile(attributes: [
            "feature_key": "c", "feature_format_version": "\(FeatureCache.formatVersion + 1)",
            "dure_version": dureVersion,
        ])
        file.texts = ["example_ids": "[]", "notices": "[]", "files": "[]"]
        for (name, _) in FeatureColumns.columns { file.columns[name] = [] }
        for (name, _) in FeatureColumns.indexes { file.indexes[name] = [0] }
        try file.write(to: data.cache.path("c"))
        #expect(data.cache.find("c", vocabularySize: 2479) == .unusable("it has another format"))
        file.texts["notices"] = "["
        file.attributes["feature_format_version"] = "\(FeatureCache.formatVersion)"
        try file.write(to: data.cache.path("c"))
        #expect(data.cache.find("c", vocabularySize: 2479) == .unusable("its texts are damaged"))
    }

    @Test func aTokenIdThatTheModelLacksIsNotUsed() throws {
        let (data, features, _) = try Self.kept()
        try data.cache.keep(features, as: "a")
        let largest = Int(features.columns.features().flatMap(\.inputIDs).max() ?? 0)
        #expect(data.cache.find("a", vocabularySize: largest + 1) == .found(features))
        #expect(data.cache.find("a", vocabularySize: largest) == .unusable("a token id is out of range"))
    }

    @Test func damageOfEveryKindIsRebuiltWithOneLine() throws {
        let data = try PreparationCase(contexts: 8)
        let expected = try data.load(.evaluation, cache: data.cache).set.features
        let path = try data.keptFile()
        let whole = try Data(contentsOf: URL(filePath: path))
        var generator = SeededGenerator(seed: 3)
        var damaged = [
            Data(), Data([0, 1, 2]), whole.prefix(whole.count / 2), whole.prefix(whole.count - 1),
        ]
        for _ in 0..<60 {
            var copy = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                copy[Int.random(in: 0..<copy.count, using: &generator)] ^= UInt8.random(
                    in: 1...255, using: &generator)
            }
            damaged.append(copy)
        }
        for content in damaged {
            try content.write(to: URL(filePath: path))
            let before = data.recorder.all.count
            #expect(try data.load(.evaluation, cache: data.cache).set.features == expected)
            let lines = data.recorder.all.dropFirst(before)
            #expect(lines.count == 1)
            let line = try #require(lines.first)
            if line.hasPrefix("warning: ") {
                #expect(line.contains("rebuilding it") && line.contains(path))
                #expect(try Data(contentsOf: URL(filePath: path)) == whole, "rebuilt as it was")
            }
        }
        #expect(data.recorder.all.count { $0.hasPrefix("warning: ") } > damaged.count / 2)
    }

    @Test func aFolderInThePlaceOfTheFileIsOnlyAWarning() throws {
        let data = try PreparationCase(contexts: 8)
        let expected = try data.load(.evaluation, cache: data.cache).set.features
        let path = try data.keptFile()
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try data.load(.evaluation, cache: data.cache).set.features == expected)
        #expect(data.recorder.all.count == 2, "not usable, and not replaced")
    }

    @Test func columnsThatCannotBeFeaturesAreRecognised() throws {
        let (_, features, expected) = try Self.kept()
        let questions = features.questionIDs.count
        #expect(features.columns.problem(questions: questions, vocabularySize: 2479) == nil)
        var generator = SeededGenerator(seed: 8)
        var refused = 0
        for _ in 0..<2000 {
            var columns = features.columns
            for _ in 0..<Int.random(in: 1...2, using: &generator) { Self.spoil(&columns, &generator) }
            if columns.problem(questions: questions, vocabularySize: 2479) != nil {
                refused += 1
            } else {
                // What is not seen to be wrong must at least make features.
                #expect(Array(columns.features()).count == expected.count)
            }
        }
        #expect(refused > 1000)
    }

    private static func spoil(_ columns: inout FeatureColumns, _ generator: inout SeededGenerator) {
        let value = Int64([-2, -1, 0, 1, 5, 100, 1 << 30].randomElement(using: &generator) ?? 0)
        if let (_, path) = (FeatureColumns.columns + []).randomElement(using: &generator),
            Bool.random(using: &generator)
        {
            guard let place = columns[keyPath: path].indices.randomElement(using: &generator) else { return }
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: columns[keyPath: path].removeLast()
            case 1: columns[keyPath: path].append(Int32(value))
            default: columns[keyPath: path][place] = Int32(value)
            }
        } else if let (_, path) = FeatureColumns.indexes.randomElement(using: &generator) {
            guard let place = columns[keyPath: path].indices.randomElement(using: &generator) else { return }
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: columns[keyPath: path] = []
            case 1: columns[keyPath: path].append(value)
            default: columns[keyPath: path][place] = value
            }
        }
    }
}
