import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct WeightDifferencesTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A safetensors file of one F32 tensor each.
    private func write(_ tensors: [(name: String, shape: [Int], values: [Float])], to name: String) throws
        -> String
    {
        var position = 0
        var members: [String] = []
        for tensor in tensors {
            let end = position + 4 * tensor.values.count
            members.append(
                "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(position),\(end)]}"
            )
            position = end
        }
        let data = tensors.flatMap { $0.values.withUnsafeBytes { Array($0) } }
        return try folder.write(safetensors("{\(members.joined(separator: ","))}", data), to: name)
    }

    private func differences(_ first: [Float], _ second: [Float]) throws -> WeightDifferences {
        try WeightDifferences(
            write([("a", [first.count], first)], to: "a.safetensors"),
            write([("a", [second.count], second)], to: "b.safetensors"))
    }

    @Test func theLargestDifferenceIsNamedWithItsPlace() throws {
        let first = try write(
            [("small", [2], [1, 2]), ("large", [2, 3], [0, 1, 2, 3, 4, -8]), ("same", [], [7])],
            to: "a.safetensors")
        let second = try write(
            [("small", [2], [1, 2.5]), ("large", [2, 3], [0, 1, 2, 1, 4, -7.5]), ("same", [], [7])],
            to: "b.safetensors")
        let found = try WeightDifferences(first, second)
        #expect(found.identicalCount == 1)
        #expect(
            found.differing == [
                TensorDifference(
                    name: "large", otherName: nil, shape: [2, 3], types: ["F32"], differing: 2, largest: 2,
                    relative: 0.25, index: [1, 0], values: [3, 1]),
                TensorDifference(
                    name: "small", otherName: nil, shape: [2], types: ["F32"], differing: 1, largest: 0.5,
                    relative: 0.2, index: [1], values: [2, 2.5]),
            ])
        #expect(
            found.lines.joined(separator: "\n").contains(
                "large  F32 [2×3]  largest 2.0 at [1, 0] (3.0 and 1.0), relative 0.25, 2 differ"))
        #expect(
            found.lines.joined(separator: "\n").hasSuffix(
                "tensors: 2 differ, the largest difference is 2.0 in large"))
    }

    @Test func theSameWeightsInOtherFormatsAreIdentical() throws {
        let found = try WeightDifferences(fixture("bert"), fixture("by-h5py.h5"))
        #expect(found.tensorsAreIdentical && found.identicalCount == 39)
        #expect(found.formats == [.safetensors, .checkpoint])
        #expect(found.lines.joined(separator: "\n").hasSuffix("identical tensors"))
    }

    @Test func namesThatMeanTheSameArePaired() throws {
        let first = try write(
            [("bert.encoder.layer.0.output.LayerNorm.weight", [1], [1]), ("cls.bias", [1], [1])],
            to: "a.safetensors")
        let second = try write(
            [("encoder.layer.0.output.LayerNorm.gamma", [1], [2]), ("pooler.bias", [1], [1])],
            to: "b.safetensors")
        let found = try WeightDifferences(first, second)
        #expect(found.differing.map(\.name) == ["bert.encoder.layer.0.output.LayerNorm.weight"])
        #expect(found.differing.first?.otherName == "encoder.layer.0.output.LayerNorm.gamma")
        #expect(found.onlyInFirst == ["cls.bias"] && found.onlyInSecond == ["pooler.bias"])
        #expect(found.summary.hasSuffix("1 only in A, 1 only in B"))
    }

    @Test func theSameNameCountsBeforeOneThatMeansTheSame() throws {
        let tensors: [(String, [Int], [Float])] = [("bert.a", [1], [1]), ("a", [1], [2])]
        let found = try WeightDifferences(
            write(tensors, to: "a.safetensors"), write(tensors.reversed(), to: "b.safetensors"))
        #expect(found.tensorsAreIdentical && found.identicalCount == 2)
    }

    @Test func whatIsNoNumberDiffersInfinitelyFromWhatIs() throws {
        #expect(try differences([.nan, .infinity, 1], [.nan, .infinity, 1]).tensorsAreIdentical)
        for (left, right) in [(Float.nan, Float(1)), (1, .nan), (.infinity, 1), (.infinity, -.infinity)] {
            let found = try differences([5, left], [4, right]).differing.first
            #expect(found?.largest == .infinity && found?.index == [1] && found?.relative == .infinity)
        }
        let otherNaN = Float(bitPattern: 0x7FC0_0001)
        #expect(try differences([.nan], [otherNaN]).differing.first?.largest == .infinity)
    }

    @Test func zerosOfOtherSignDifferByNothing() throws {
        let found = try differences([0, 0], [-0.0, 0]).differing.first
        #expect(found?.differing == 1 && found?.largest == 0 && found?.relative == 0)
    }

    @Test func shapesThatDifferCannotBeCompared() throws {
        let found = try WeightDifferences(
            write([("a", [2, 1], [1, 2])], to: "a.safetensors"),
            write([("a", [2], [1, 2])], to: "b.safetensors"))
        #expect(found.mismatches.first?.shapes == [[2, 1], [2]])
        #expect(!found.tensorsAreIdentical && found.identicalCount == 0 && found.differing.isEmpty)
        #expect(
            found.lines.joined(separator: "\n").contains("a  cannot be compared: F32 [2×1] against F32 [2]"))
    }

    @Test func otherTypesAreComparedByValue() throws {
        let half = try folder.write(
            safetensors(
                #"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, [0x00, 0x3C, 0x00, 0x40]),
            to: "half.safetensors")
        let same = try WeightDifferences(half, write([("a", [2], [1, 2])], to: "a.safetensors"))
        #expect(same.tensorsAreIdentical && same.identicalCount == 1)
        let other = try WeightDifferences(half, write([("a", [2], [1, 2.25])], to: "a.safetensors"))
        #expect(other.differing.first?.types == ["F16", "F32"] && other.differing.first?.largest == 0.25)
    }

    @Test func typesThatAreNoPlainNumbersDifferByTheirBytes() throws {
        func write(_ last: UInt8, to name: String) throws -> String {
            try folder.write(
                safetensors(#"{"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}}"#, [1, 2, last]),
                to: name)
        }
        let found = try WeightDifferences(write(3, to: "a.safetensors"), write(4, to: "b.safetensors"))
        #expect(found.differing.first?.index == [2] && found.differing.first?.largest == .infinity)
        let same = try WeightDifferences(write(3, to: "a.safetensors"), write(3, to: "b.safetensors"))
        #expect(same.tensorsAreIdentical)
    }

    @Test func trainingCheckpointsDifferInStateAndProgressToo() throws {
        let sample = try CheckpointSample()
        try sample.write(.training, to: folder.file("a.h5"))
        var contents = try sample.contents(.training)
        contents.step = 501
        contents.progress?.epochPosition = 4100
        var average = sample.average
        average[sample.layout.count - 1] += 1
        try sample.parameters.withUnsafeBufferPointer { parameters in
            try average.withUnsafeBufferPointer { average in
                try sample.squaredAverage.withUnsafeBufferPointer { squared in
                    try contents.write(
                        to: folder.file("b.h5"), layout: sample.layout, parameters: parameters,
                        optimizer: OptimizerState(average: average, squaredAverage: squared))
                }
            }
        }
        let found = try WeightDifferences(folder.file("a.h5"), folder.file("b.h5"))
        #expect(found.differing.map(\.name) == ["optimizer/exp_avg/qa_outputs.bias"])
        #expect(found.identicalCount == 3 * sample.layout.parameters.count - 1)
        #expect(
            found.attributes == [
                .init(name: "epoch position", first: "4096", second: "4100"),
                .init(name: "step", first: "500", second: "501"),
            ])
        try sample.write(.weights, to: folder.file("c.h5"))
        let weights = try WeightDifferences(folder.file("a.h5"), folder.file("c.h5"))
        #expect(weights.differing.isEmpty && weights.identicalCount == sample.layout.parameters.count)
        #expect(weights.onlyInFirst.count == 2 * sample.layout.parameters.count)
    }
}
