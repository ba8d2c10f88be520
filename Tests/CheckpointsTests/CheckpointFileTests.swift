import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct CheckpointFileTests {
    let sample: CheckpointSample
    let folder: TemporaryFolder
    let path: String

    init() throws {
        sample = try CheckpointSample()
        folder = try TemporaryFolder()
        path = folder.file("a.h5")
    }

    @Test func aFileMadeByH5pyReads() throws {
        let file = try CheckpointFile(path: fixture("by-h5py.h5"))
        #expect(file.kind == .weights)
        #expect(file.contents.step == 12)
        #expect(file.contents.epoch == 0.25)
        #expect(file.contents.configuration.contains("hidden_act"))
        #expect(file.contents.vocabulary == (try bytes(of: fixture("bert/vocab.txt"))))
    }

    @Test func weightsAloneCannotBeResumed() throws {
        try sample.write(.weights, to: path)
        let file = try CheckpointFile(path: path)
        var values = sample.parameters
        var others = values
        let error = checkpointError {
            try values.withUnsafeMutableBufferPointer { values in
                try others.withUnsafeMutableBufferPointer { others in
                    try file.readOptimizer(layout: sample.layout, average: values, squaredAverage: others)
                }
            }
        }
        #expect(error?.category == .badData)
    }

    @Test func whatIsNoCheckpointSaysWhatItIs() throws {
        #expect(
            checkpointError { _ = try CheckpointFile(path: fixture("bert/vocab.txt")) }?.what
                == "is not an HDF5 file")
        let other = checkpointError { _ = try CheckpointFile(path: fixture("other.h5")) }
        #expect(other?.what.contains("not a Dure checkpoint") == true)
        #expect(checkpointError { _ = try CheckpointFile(path: path) }?.category == .missingInput)
    }

    @Test func aModelOfAnotherShapeIsAnErrorThatNamesTheTensor() throws {
        try sample.write(.weights, to: path)
        var configuration = try fixtureConfiguration()
        configuration.vocabularySize += 1
        let error = checkpointError { _ = try load(path, ParameterLayout(configuration)) }
        #expect(error?.item == "bert.embeddings.word_embeddings.weight")
    }

    @Test func aNewerFormatIsRefused() throws {
        try build { file in
            try file.writeAttribute("dure_format_version", .integer(2))
        }
        let error = checkpointError { _ = try CheckpointFile(path: path) }
        #expect(error?.what.contains("format version 2") == true)
        #expect(error?.remedy.contains("newer") == true)
    }

    @Test(arguments: ["dure_format_version", "step", "epoch", "config", "vocabulary", "model"])
    func whatIsMissingIsNamed(_ name: String) throws {
        try build { try Self.writeParts(to: $0, but: name) }
        let error = checkpointError { _ = try CheckpointFile(path: path) }
        #expect(error?.category == .badData)
        #expect(error.map { "\($0)" }?.contains(name) == true)
    }

    @Test func wrongTypesAreRefused() throws {
        let wrong: [(String, (borrowing HDF5Object) throws -> Void)] = [
            ("step", { try $0.writeAttribute("step", .text("five")) }),
            ("step", { try $0.writeAttribute("step", .integer(-1)) }),
            ("epoch", { try $0.writeAttribute("epoch", .flag(true)) }),
            ("dure_format_version", { try $0.writeAttribute("dure_format_version", forPeople: "1") }),
            ("config", { try $0.writeFloats("config", shape: [1], [1]) }),
            ("vocabulary", { _ = try $0.createGroup("vocabulary") }),
            ("model", { _ = try $0.writeText("model", [65]) }),
            ("training", { _ = try $0.createGroup("training") }),
            ("dure_description", { try $0.writeAttribute("dure_description", .text("{}")) }),
            (
                "dure_description",
                {
                    let text = #"{"created":"","dure_version":"","kind":"training"}"#
                    try $0.writeAttribute("dure_description", .text(text))
                }
            ),
            (
                "model",
                {
                    let model = try $0.createGroup("model")
                    _ = try model.writeText("qa_outputs.bias", [65])
                }
            ),
        ]
        for (name, write) in wrong {
            try build {
                try Self.writeParts(to: $0, but: name)
                try write($0)
            }
            #expect(checkpointError { _ = try CheckpointFile(path: path) }?.category == .badData, "\(name)")
        }
    }

    @Test func aFileCutOffIsBadData() throws {
        try sample.write(.training, to: path)
        let whole = try bytes(of: path)
        var generator = SeededGenerator(seed: 8)
        let cuts = [0, 1, 7, 8, 9, 47, 48, 96, whole.count - 1]
        for count in cuts + (0..<40).map({ _ in Int.random(in: 0..<whole.count, using: &generator) }) {
            let cut = try folder.write(Array(whole[..<count]), to: "cut.h5")
            #expect(checkpointError { _ = try sample.readAll(cut) }?.category == .badData, "\(count) bytes")
        }
    }

    @Test func damageToATensorIsFoundAndTheTensorNamed() throws {
        try sample.write(.training, to: path)
        var damaged = try bytes(of: path)
        let name = "bert.encoder.layer.1.output.dense.weight"
        let parameter = try #require(sample.layout[name])
        for (values, item) in [
            (sample.parameters, "/model/\(name)"), (sample.average, "/optimizer/exp_avg/\(name)"),
        ] {
            let pattern = values[parameter.range].withUnsafeBytes { Data($0) }
            let place = try #require(Data(damaged).range(of: pattern)).lowerBound
            damaged[place + 5] ^= 0x10
            let copy = try folder.write(damaged, to: "damaged.h5")
            let error = checkpointError { _ = try sample.readAll(copy) }
            #expect(error?.item == item)
            #expect(error?.what.contains("hecksum") == true)
            damaged[place + 5] ^= 0x10
        }
    }

    @Test func everyFlippedByteOfTheSealIsFound() throws {
        try sample.write(.weights, to: path)
        let whole = try bytes(of: path)
        for position in whole.count - 24..<whole.count {
            var damaged = whole
            damaged[position] ^= 0x40
            let copy = try folder.write(damaged, to: "damaged.h5")
            #expect(checkpointError { _ = try CheckpointFile(path: copy) } != nil, "\(position)")
        }
    }

    @Test func bytesAddedAtTheEndAreFound() throws {
        try sample.write(.weights, to: path)
        let copy = try folder.write(try bytes(of: path) + [0], to: "longer.h5")
        #expect(checkpointError { _ = try CheckpointFile(path: copy) }?.what.contains("end") == true)
    }

    @Test func compressedTensorsReadBackTheSame() throws {
        try sample.write(.training, to: path)
        try sample.write(.training, to: folder.file("gzip.h5"), compression: .gzip)
        let right = try sample.readAll(path)
        #expect(try sample.readAll(folder.file("gzip.h5")) == right)
    }

    private func build(_ body: (borrowing HDF5Object) throws -> Void) throws {
        let file = try HDF5Object.createFile(at: path, reportedAs: path)
        try body(file)
        try file.close()
    }

    /// A minimal checkpoint without the part called `omitted`.
    private static func writeParts(to file: borrowing HDF5Object, but omitted: String) throws {
        if omitted != "dure_format_version" { try file.writeAttribute("dure_format_version", .integer(1)) }
        if omitted != "step" { try file.writeAttribute("step", .integer(1)) }
        if omitted != "epoch" { try file.writeAttribute("epoch", .real(1)) }
        if omitted != "config" { _ = try file.writeText("config", Array("{}".utf8)) }
        if omitted != "vocabulary" { _ = try file.writeText("vocabulary", Array("a\n".utf8)) }
        if omitted != "model" { _ = try file.createGroup("model") }
    }
}
