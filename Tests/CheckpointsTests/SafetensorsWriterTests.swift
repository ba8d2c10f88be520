import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct SafetensorsWriterTests {
    @Test func whatIsWrittenReadsBackBitForBit() throws {
        let folder = try TemporaryFolder()
        let layout = ParameterLayout(try fixtureConfiguration())
        let values = randomValues(layout.count)
        try values.withUnsafeBufferPointer {
            try SafetensorsWriter.write($0, layout: layout, to: folder.file("model.safetensors"))
        }
        let loaded = try load(folder.path, layout)
        #expect(sameBits(loaded.values, values))
        #expect(loaded.report.missing.isEmpty && loaded.report.unexpected.isEmpty)
        #expect(try folder.names == ["model.safetensors"])
    }

    @Test func theHeaderIsWhatHuggingFaceExpects() throws {
        let folder = try TemporaryFolder()
        let layout = ParameterLayout(try fixtureConfiguration())
        let path = folder.file("x")
        try randomValues(layout.count).withUnsafeBufferPointer {
            try SafetensorsWriter.write($0, layout: layout, to: path)
        }
        let file = try SafetensorsFile(path: path)
        #expect(file.header.metadata == ["format": "pt"])
        #expect(file.header.tensors.map(\.name) == layout.parameters.map(\.name))
        #expect(file.header.tensors.allSatisfy { $0.type == .float32 })
        #expect(file.header.tensors.first.map { $0.range.lowerBound % 8 } == 0)
    }
}
