import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct HDF5DatasetsTests {
    @Test(
        arguments: [
            ([], nil), ([0], nil), ([3, 0], nil), ([5], [5]), ([30522, 768], [1328, 768]),
            ([1 << 20], [1 << 20]),
            ([1, 5_000_000], [1, 1_000_000]), ([3, 2_097_152], [1, 1 << 20]),
            ([2, 1024, 1024], [1, 1024, 1024]),
        ] as [([Int], [Int]?)])
    func chunksHoldWholeTensorsOrAboutAMillionElements(_ shape: [Int], _ chunk: [Int]?) {
        #expect(HDF5Object.chunkShape(shape) == chunk)
    }

    @Test(arguments: [
        [], [0], [3, 0], [1], [7], [3, 5], [1100, 1000], [2, 3, 4], [3, 2_097_155], [2, 1025, 1031],
    ])
    func everyShapeRoundTrips(_ shape: [Int]) throws {
        let folder = try TemporaryFolder()
        let values = randomValues(shape.reduce(1, *))
        let file = try HDF5Object.createFile(at: folder.file("a.h5"), reportedAs: "a")
        try file.writeFloats("x", shape: shape, values)
        try file.close()
        let reader = try HDF5Object.openFile(folder.file("a.h5"))
        let description = try reader.describeFloats("x")
        #expect(description.shape == shape)
        #expect(description.isChecksummed == (!shape.isEmpty && !shape.contains(0)))
        var read = [Float](repeating: .nan, count: values.count)
        try read.withUnsafeMutableBufferPointer { try reader.readFloats("x", shape: shape, into: $0) }
        #expect(sameBits(read, values))
    }

    @Test(arguments: [("", 1), ("a", 1), ("한글\n\u{0}中\n", 1), ("긴 글 ", 20_000)])
    func textRoundTrips(_ part: String, _ count: Int) throws {
        let text = String(repeating: part, count: count)
        let folder = try TemporaryFolder()
        let file = try HDF5Object.createFile(at: folder.file("a.h5"), reportedAs: "a")
        _ = try file.writeText("x", Array(text.utf8))
        try file.close()
        let reader = try HDF5Object.openFile(folder.file("a.h5"))
        let read = try reader.openDataset("x").readText()
        #expect(read == Array(text.utf8))
    }

    @Test func anErrorNamesTheDatasetAndTheReason() throws {
        let folder = try TemporaryFolder()
        let file = try HDF5Object.createFile(at: folder.file("a.h5"), reportedAs: "shown.h5")
        _ = try file.writeText("x", [65])
        let error = checkpointError { _ = try file.writeText("x", [66]) }
        #expect(error?.path == "shown.h5")
        #expect(error?.item == "/x")
        #expect(error?.what.contains("name already exists") == true)
    }
}
