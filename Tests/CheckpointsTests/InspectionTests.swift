import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct InspectionTests {
    @Test func theSameWeightsHaveTheSameChecksumsInEveryFormat() throws {
        let folder = try Inspection(path: fixture("bert"))
        let checkpoint = try Inspection(path: fixture("by-h5py.h5"))
        #expect(folder.format == .safetensors && checkpoint.format == .checkpoint)
        #expect(folder.parameterCount == checkpoint.parameterCount)
        let checksums = Dictionary(
            uniqueKeysWithValues: folder.tensors.map { ("model/\($0.name)", $0.checksum) })
        #expect(
            checksums == Dictionary(uniqueKeysWithValues: checkpoint.tensors.map { ($0.name, $0.checksum) }))
    }

    @Test func aTrainingCheckpointShowsItsState() throws {
        let folder = try TemporaryFolder()
        let sample = try CheckpointSample()
        try sample.write(.training, to: folder.file("a.h5"))
        let inspection = try Inspection.verify(path: folder.file("a.h5"))
        #expect(inspection.kind == .training)
        #expect(inspection.step == 500)
        #expect(inspection.created == "2023-11-14T22:13:20Z")
        #expect(inspection.parameterCount == sample.layout.count)
        #expect(inspection.tensors.count == 3 * sample.layout.parameters.count)
        #expect(inspection.tensors.allSatisfy { $0.isProtected })
        #expect(inspection.metadata["seed"] == "\(UInt64.max - 5)")
        for text in ["training", "step: 500", "optimizer/exp_avg_sq/qa_outputs.bias", "[2×8]"] {
            #expect(inspection.lines.joined(separator: "\n").contains(text), "\(text)")
        }
        let json = try JSONEncoder().encode(inspection)
        #expect(try JSONDecoder().decode(Inspection.self, from: json) == inspection)
    }

    @Test func verifyFindsDamage() throws {
        let folder = try TemporaryFolder()
        let sample = try CheckpointSample()
        try sample.write(.training, to: folder.file("a.h5"))
        var damaged = try bytes(of: folder.file("a.h5"))
        let pattern = sample.squaredAverage.suffix(18).prefix(10).withUnsafeBytes { Data($0) }
        let place = try #require(Data(damaged).range(of: pattern)).lowerBound
        damaged[place] ^= 1
        _ = try folder.write(damaged, to: "a.h5")
        let error = checkpointError { try Inspection.verify(path: folder.file("a.h5")) }
        #expect(error?.category == .badData)
        #expect(error?.item == "/optimizer/exp_avg_sq/qa_outputs.weight")
    }

    @Test func aFolderWhoseWeightsDoNotFitIsBadData() throws {
        let folder = try TemporaryFolder()
        for name in ["config.json", "vocab.txt"] {
            _ = try folder.write(bytes(of: fixture("bert/\(name)")), to: name)
        }
        let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        _ = try folder.write(safetensors(header, [0, 0, 0, 0]), to: "model.safetensors")
        #expect(checkpointError { _ = try Inspection(path: folder.path) }?.category == .badData)
        #expect(
            try Inspection(path: folder.file("model.safetensors")).tensors.map(\.checksum) == ["2144df1c"])
    }

    @Test func whatIsMissingIsAMissingInput() {
        #expect(checkpointError { _ = try Inspection(path: "/nowhere") }?.category == .missingInput)
    }
}
