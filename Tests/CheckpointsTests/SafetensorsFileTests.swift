import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct SafetensorsFileTests {
    @Test(arguments: ["half", "bfloat", "double"])
    func everyPrecisionReadsAsTorchConvertsIt(_ name: String) throws {
        try expectValues(of: fixture("\(name).safetensors"), expectedValues("\(name).json"))
    }

    @Test func singlePrecisionReadsAsTorchConvertsIt() throws {
        try expectValues(of: fixture("bert/model.safetensors"), expectedValues("bert.json"))
    }

    @Test func everyHalfPrecisionNumberConvertsToItsValue() {
        for bits in UInt16.min...UInt16.max {
            let exponent = Int(bits >> 10 & 0x1F)
            let fraction = Double(bits & 0x3FF) / 1024
            let sign: Double = bits & 0x8000 == 0 ? 1 : -1
            let value = ElementType.single(half: bits)
            if exponent == 31 {
                #expect(fraction == 0 ? Double(value) == sign * .infinity : value.isNaN)
            } else {
                let magnitude = exponent == 0 ? scalbn(fraction, -14) : scalbn(1 + fraction, exponent - 15)
                #expect(Double(value) == sign * magnitude)
                #expect(value.sign == (sign < 0 ? .minus : .plus))
            }
        }
    }

    @Test func unalignedDataReads() throws {
        let folder = try TemporaryFolder()
        let header =
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}}"#
        let data: [UInt8] = [1, 2, 3] + [Float(1.5), -2].withUnsafeBytes { Array($0) }
        let file = try SafetensorsFile(path: folder.write(safetensors(header, data), to: "x"))
        #expect(try values(of: file.header.tensors[1], in: file) == [1.5, -2])
    }

    @Test func aTypeThatIsNoWeightIsListedAndAnErrorOnlyWhenRead() throws {
        let file = try SafetensorsFile(path: fixture("old-names.safetensors"))
        let tensor = try #require(file.header.tensors.first { $0.name == "embeddings.position_ids" })
        #expect(tensor.type == .int64)
        let error = checkpointError { _ = try values(of: tensor, in: file) }
        #expect(error?.category == .badData)
        #expect(error?.item == "embeddings.position_ids")
    }

    @Test func aMissingFileAFolderAndAPipeAreMissingInputs() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        for path in [folder.file("absent"), folder.path, folder.file("pipe")] {
            let error = checkpointError { _ = try SafetensorsFile(path: path) }
            #expect(error?.category == .missingInput)
        }
    }

    private func values(of tensor: SafetensorsTensor, in file: SafetensorsFile) throws -> [Float] {
        var values = [Float](repeating: .nan, count: tensor.count)
        try values.withUnsafeMutableBufferPointer { try file.read(tensor, into: $0) }
        return values
    }

    private func expectValues(of path: String, _ expected: [String: [Float]]) throws {
        let file = try SafetensorsFile(path: path)
        #expect(Set(file.header.tensors.map(\.name)) == Set(expected.keys))
        for tensor in file.header.tensors {
            let expected = try #require(expected[tensor.name])
            #expect(sameBits(try values(of: tensor, in: file), expected), "\(tensor.name)")
        }
    }
}

/// The bytes of a file with this header and data.
func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
}
