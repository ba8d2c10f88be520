import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct InspectedFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func jsonIsKnownByItsStart() throws {
        for text in ["{}", "[", " \n{\"data\":[]}", "\u{FEFF}{}", "{\"weight_map\":{}}"] {
            #expect(try InspectedFile.of(folder.write(text.utf8, to: "file")) == .json, "\(text)")
        }
        #expect(try InspectedFile.of(folder.write("hello".utf8, to: "a.json")) == .json)
        for text in ["", "hello", " ", "\u{FEFF}"] {
            #expect(try InspectedFile.of(folder.write(text.utf8, to: "file")) == .weights, "\(text)")
        }
    }

    @Test func aHeaderWhoseLengthLooksLikeABraceIsNoJSON() throws {
        let header = #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        let padding = String(repeating: " ", count: Int(UInt8(ascii: "{")) - header.utf8.count)
        let file = safetensors(header + padding, [])
        #expect(file.first == UInt8(ascii: "{"))
        #expect(try InspectedFile.of(folder.write(file, to: "file")) == .weights)
    }

    @Test func filesOfHDF5AreToldApart() throws {
        try CheckpointSample().write(.weights, to: folder.file("a.h5"))
        try ColumnFile(attributes: ["key": "k"]).write(to: folder.file("b.h5"))
        #expect(try InspectedFile.of(folder.file("a.h5")) == .weights)
        #expect(try InspectedFile.of(folder.file("b.h5")) == .columns)
        #expect(try InspectedFile.of(fixture("by-h5py.h5")) == .weights)
    }

    @Test func aFolderIsAModelAndNothingIsMissingInput() throws {
        #expect(try InspectedFile.of(folder.path) == .weights)
        #expect(checkpointError { _ = try InspectedFile.of(folder.file("none")) }?.category == .missingInput)
    }
}
