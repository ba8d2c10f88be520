import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

/// A small model, its random state, and checkpoints of it.
struct CheckpointSample {
    let layout: ParameterLayout
    let parameters: [Float]
    let average: [Float]
    let squaredAverage: [Float]

    init() throws {
        layout = ParameterLayout(try fixtureConfiguration())
        parameters = randomValues(layout.count, seed: 1)
        average = randomValues(layout.count, seed: 2)
        squaredAverage = randomValues(layout.count, seed: 3)
    }

    var progress: TrainingProgress {
        TrainingProgress(
            seed: .max - 5, optimizerStep: 498, epochIndex: 2, epochPosition: 4096, bestMetric: 71.25,
            bestStep: 400,
            evaluationsWithoutImprovement: 1, settings: #"{"learning_rate": 5e-05, "이름": "값"}"#,
            additional: ["loss_sum": .real(0.1), "note": .text("")])
    }

    func contents(_ kind: CheckpointKind) throws -> TrainingCheckpoint {
        TrainingCheckpoint(
            programVersion: "0.1.0", step: 500, epoch: 2.5,
            created: Date(timeIntervalSince1970: 1_700_000_000),
            configuration: String(decoding: try bytes(of: fixture("bert/config.json")), as: UTF8.self),
            vocabulary: try bytes(of: fixture("bert/vocab.txt")),
            tokenizerSettings: [
                "do_lower_case": .flag(false), "strip_accents": .flag(true), "unk_token": .text("[UNK]"),
                "model_max_length": .integer(300),
            ],
            progress: kind == .training ? progress : nil)
    }

    func write(
        _ kind: CheckpointKind, to path: String, compression: CheckpointCompression = .none
    ) throws {
        try parameters.withUnsafeBufferPointer { parameters in
            try average.withUnsafeBufferPointer { average in
                try squaredAverage.withUnsafeBufferPointer { squared in
                    try contents(kind).write(
                        to: path, layout: layout, parameters: parameters,
                        optimizer: kind == .training
                            ? OptimizerState(average: average, squaredAverage: squared) : nil,
                        compression: compression)
                }
            }
        }
    }

    /// Everything that a reader gets out of `path`.
    func readAll(_ path: String) throws -> Read {
        let file = try CheckpointFile(path: path)
        var read = Read(contents: file.contents)
        read.parameters = [Float](repeating: .nan, count: layout.count)
        _ = try read.parameters.withUnsafeMutableBufferPointer {
            try file.loadWeights(layout: layout, into: $0)
        }
        guard file.kind == .training else { return read }
        var average = [Float](repeating: .nan, count: layout.count)
        var squared = average
        try average.withUnsafeMutableBufferPointer { average in
            try squared.withUnsafeMutableBufferPointer { squared in
                try file.readOptimizer(layout: layout, average: average, squaredAverage: squared)
            }
        }
        (read.average, read.squaredAverage) = (average, squared)
        return read
    }

    struct Read: Equatable {
        var contents: TrainingCheckpoint
        var parameters: [Float] = []
        var average: [Float] = []
        var squaredAverage: [Float] = []
    }
}

struct TrainingCheckpointTests {
    let sample: CheckpointSample
    let folder: TemporaryFolder

    init() throws {
        sample = try CheckpointSample()
        folder = try TemporaryFolder()
    }

    @Test func aTrainingCheckpointReadsBackBitForBit() throws {
        try sample.write(.training, to: folder.file("a.h5"))
        let read = try sample.readAll(folder.file("a.h5"))
        #expect(read.contents == (try sample.contents(.training)))
        #expect(read.contents.kind == .training)
        #expect(sameBits(read.parameters, sample.parameters))
        #expect(sameBits(read.average, sample.average))
        #expect(sameBits(read.squaredAverage, sample.squaredAverage))
        #expect(try folder.names == ["a.h5"])
    }

    @Test func weightsAloneReadBackBitForBit() throws {
        try sample.write(.weights, to: folder.file("a.h5"))
        let read = try sample.readAll(folder.file("a.h5"))
        #expect(read.contents == (try sample.contents(.weights)))
        #expect(sameBits(read.parameters, sample.parameters))
        #expect(sameBits(try load(folder.file("a.h5"), sample.layout).values, sample.parameters))
    }

    @Test func nonFiniteNumbersAndAbsentMetricsSurvive() throws {
        var values = sample.parameters
        values.replaceSubrange(0..<4, with: [.nan, .infinity, -0.0, .leastNonzeroMagnitude])
        var contents = try sample.contents(.training)
        contents.progress?.bestMetric = nil
        contents.progress?.bestStep = nil
        try values.withUnsafeBufferPointer { values in
            try contents.write(
                to: folder.file("a.h5"), layout: sample.layout, parameters: values,
                optimizer: OptimizerState(average: values, squaredAverage: values))
        }
        let read = try sample.readAll(folder.file("a.h5"))
        #expect(sameBits(read.parameters, values) && sameBits(read.average, values))
        #expect(read.contents.progress == contents.progress)
    }

    @Test func equalContentGivesEqualBytes() throws {
        for name in ["a.h5", "b.h5"] { try sample.write(.training, to: folder.file(name)) }
        #expect(try bytes(of: folder.file("a.h5")) == bytes(of: folder.file("b.h5")))
    }

    @Test func aMissingFolderIsAnOutputThatCannotBeCreated() throws {
        let error = checkpointError { try sample.write(.weights, to: folder.file("missing/a.h5")) }
        #expect(error?.category == .cannotCreate)
        #expect(try folder.names.isEmpty)
    }

    @Test func settingsTooLongForAnAttributeAreRefusedAndNothingIsLeft() throws {
        var contents = try sample.contents(.training)
        contents.progress?.settings = String(repeating: "x", count: 60_001)
        #expect(throws: CheckpointError.self) {
            try sample.parameters.withUnsafeBufferPointer { values in
                try contents.write(
                    to: folder.file("a.h5"), layout: sample.layout, parameters: values,
                    optimizer: OptimizerState(average: values, squaredAverage: values))
            }
        }
        #expect(try folder.names.isEmpty)
        contents.progress?.settings = String(repeating: "x", count: 60_000)
        try sample.parameters.withUnsafeBufferPointer { values in
            try contents.write(
                to: folder.file("a.h5"), layout: sample.layout, parameters: values,
                optimizer: OptimizerState(average: values, squaredAverage: values))
        }
        #expect(try CheckpointFile(path: folder.file("a.h5")).contents.progress == contents.progress)
    }

    @Test func manyThreadsWriteAndReadAtOnce() async throws {
        let sample = sample
        let path = folder.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<6 {
                group.addTask {
                    try sample.write(.training, to: "\(path)/\(index).h5")
                    #expect(try sample.readAll("\(path)/\(index).h5").parameters == sample.parameters)
                }
            }
            try await group.waitForAll()
        }
    }
}
