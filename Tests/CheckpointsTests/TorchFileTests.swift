import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

func torchFixture(_ name: String) -> String { Paths.fixtures.appending(path: "torch/\(name)").path() }

/// Fails unless `source` holds the tensors of the safetensors file `expected`, bit for bit.
func expectTensors(
    of source: any WeightSource, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let expected = try SafetensorsFile(path: torchFixture(expected))
    #expect(
        Set(source.weights.map(\.name)) == Set(expected.weights.map(\.name)), sourceLocation: sourceLocation)
    for (index, tensor) in source.weights.enumerated() {
        let place = try #require(expected.weights.firstIndex { $0.name == tensor.name })
        #expect(expected.weights[place] == tensor, sourceLocation: sourceLocation)
        let elements = try source.withElements(of: index) { Array($0) }
        let expectedElements = try expected.withElements(of: place) { Array($0) }
        #expect(elements == expectedElements, "\(tensor.name)", sourceLocation: sourceLocation)
    }
}

struct TorchFileTests {
    @Test(arguments: [
        "zip", "stream", "zip-protocol4", "stream-protocol4", "parameters", "parameters-stream", "nested",
        "repacked", "bert/pytorch_model",
    ])
    func everyKindOfFileHoldsTheSameWeights(_ name: String) throws {
        try expectTensors(of: TorchFile(path: torchFixture("\(name).bin")), "expected.safetensors")
    }

    @Test(arguments: [
        "half", "half-stream", "bfloat", "bfloat-stream", "double", "double-stream", "types", "types-stream",
        "views", "views-stream", "old-names", "python2", "tiny", "tiny-stream",
    ])
    func everyTypeAndViewReadsAsTorchLoadsIt(_ name: String) throws {
        try expectTensors(of: TorchFile(path: torchFixture("\(name).bin")), "\(name).expected.safetensors")
    }

    @Test func precisionsConvertToSingle() throws {
        for name in ["half", "bfloat", "double"] {
            let file = try TorchFile(path: torchFixture("\(name).bin"))
            let expected = try SafetensorsFile(path: torchFixture("\(name).expected.safetensors"))
            for (index, tensor) in file.weights.enumerated() {
                let place = try #require(expected.weights.firstIndex { $0.name == tensor.name })
                #expect(sameBits(try values(index, in: file), try values(place, in: expected)))
            }
        }
    }

    private func values(_ index: Int, in source: any WeightSource) throws -> [Float] {
        var values = [Float](repeating: .nan, count: source.weights[index].shape.reduce(1, *))
        try values.withUnsafeMutableBufferPointer { try source.readWeight(index, into: $0) }
        return values
    }

    @Test func weightsLoadFromAFolderAndByTheNameOfAnyFile() throws {
        let layout = ParameterLayout(try ModelFolder(path: torchFixture("bert")).configuration)
        let folder = try load(torchFixture("bert"), layout)
        #expect(folder.report.path.hasSuffix("bert/pytorch_model.bin"))
        #expect(folder.report.missing.isEmpty && folder.report.unexpected.isEmpty)
        #expect(folder.values.allSatisfy { $0.isFinite })
        let other = try TemporaryFolder()
        let renamed = try other.write(bytes(of: torchFixture("stream.bin")), to: "weights.safetensors")
        #expect(sameBits(try load(renamed, layout).values, folder.values))
    }

    @Test func oldNamesLoad() throws {
        let layout = ParameterLayout(try ModelFolder(path: torchFixture("bert")).configuration)
        let old = try load(torchFixture("old-names.bin"), layout)
        let new = try load(torchFixture("bert"), layout)
        #expect(old.report.missing == ["qa_outputs.weight", "qa_outputs.bias"])
        #expect(
            Set(old.report.unexpected)
                == ["pooler.dense.weight", "embeddings.position_ids", "cls.predictions.bias"])
        for parameter in layout.parameters where !parameter.name.hasPrefix("qa_outputs") {
            #expect(
                sameBits(old.values[parameter.range], new.values[parameter.range]), "\(parameter.name)")
        }
    }

    @Test func whatStandsBesideTheWeightsIsMetadata() throws {
        let file = try TorchFile(path: torchFixture("nested.bin"))
        #expect(file.metadata == ["epoch": "3", "loss": "0.25", "note": "가", "done": "true"])
    }

    @Test func integersAreListedAndNoWeights() throws {
        let file = try TorchFile(path: torchFixture("types.bin"))
        let index = try #require(file.weights.firstIndex { $0.name == "i64" })
        var values = [Float](repeating: 0, count: 2)
        let error = checkpointError {
            try values.withUnsafeMutableBufferPointer { try file.readWeight(index, into: $0) }
        }
        #expect(error?.category == .badData && error?.item == "i64")
    }

    @Test func contiguousTensorsAreReadInPlace() throws {
        let file = try TorchFile(path: torchFixture("views.bin"))
        let whole = try bytes(of: torchFixture("views.bin"))
        for (index, tensor) in file.weights.enumerated() {
            guard let offset = file.offset(of: index) else {
                #expect(!["base", "rows", "tied", "cube"].contains(tensor.name))
                continue
            }
            let elements = try file.withElements(of: index) { Array($0) }
            #expect(Array(whole[offset..<offset + elements.count]) == elements)
        }
    }

    @Test(arguments: ["zip", "stream"])
    func inspectionShowsTheSameAsOfSafetensors(_ name: String) throws {
        let inspection = try Inspection.verify(path: torchFixture("\(name).bin"))
        let expected = try Inspection(path: torchFixture("expected.safetensors"))
        #expect(inspection.format == .torch)
        #expect(inspection.parameterCount == expected.parameterCount)
        #expect(
            Dictionary(uniqueKeysWithValues: inspection.tensors.map { ($0.name, $0.checksum) })
                == Dictionary(uniqueKeysWithValues: expected.tensors.map { ($0.name, $0.checksum) }))
        #expect(inspection.tensors.allSatisfy { $0.isProtected == (name == "zip") })
    }

    @Test func aCompressedArchiveSaysSo() {
        let error = checkpointError { _ = try TorchFile(path: torchFixture("deflated.bin")) }
        #expect(error?.category == .badData)
        #expect(error?.what.contains("compressed") == true)
    }

    @Test func aHeaderThatBeginsLikeAPickleIsSafetensors() throws {
        let folder = try TemporaryFolder()
        // 0x280 bytes, and the first of them are 80 02.
        let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        let padded = header + String(repeating: " ", count: 0x280 - header.utf8.count)
        let path = try folder.write(safetensors(padded, [0, 0, 0, 0]), to: "x")
        #expect(try openWeights(path).format == .safetensors)
    }
}
