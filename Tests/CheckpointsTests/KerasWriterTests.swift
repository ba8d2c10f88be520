import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct KerasWriterTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("tf_model.h5")
    }

    private func write(_ values: [Float], _ layout: ParameterLayout) throws {
        try values.withUnsafeBufferPointer {
            try KerasWriter.write($0, layout: layout, model: .bert, to: path)
        }
    }

    @Test func whatIsWrittenReadsBack() throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        let values = randomValues(layout.count)
        try write(values, layout)
        let loaded = try load(path, layout)
        #expect(sameBits(loaded.values, values))
        #expect(loaded.report.missing.isEmpty && loaded.report.unexpected.isEmpty)
        #expect(try folder.names == ["tf_model.h5"])
        let tensors = try Inspection.verify(path: path).tensors
        #expect(tensors.allSatisfy { $0.isProtected })
    }

    @Test func theLayoutIsThatOfTransformers() throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        try write(try load(kerasFixture("qa.h5"), layout).values, layout)
        let written = try HDF5Object.openFile(path)
        let reference = try HDF5Object.openFile(kerasFixture("qa.h5"))
        try expectSame(written, reference) { try $0.memberNames() }
        try expectSame(written, reference) { try $0.attributeNames() }
        for name in ["layer_names", "backend", "keras_version"] {
            try expectSame(written, reference) { try $0.readTexts(name) }
        }
        for layer in try reference.memberNames() {
            let group = try written.openGroup(layer)
            let other = try reference.openGroup(layer)
            try expectSame(group, other) { try $0.memberNames() }
            try expectSame(group, other) { try $0.attributeNames() }
            try expectSame(group, other) { try $0.readTexts("weight_names") }
            for name in try other.readTexts("weight_names") {
                try expectSame(group, other) { try $0.describeNumbers(name).shape }
                try expectSame(group, other) { group in
                    let (shape, type) = try group.describeNumbers(name)
                    return try group.withNumbers(name, shape: shape, type: type) { Array($0) }
                }
            }
        }
    }

    private func expectSame<Value: Equatable>(
        _ written: borrowing HDF5Object, _ reference: borrowing HDF5Object,
        _ value: (borrowing HDF5Object) throws -> Value, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (found, expected) = (try value(written), try value(reference))
        #expect(found == expected, sourceLocation: sourceLocation)
    }

    @Test func namesBeyondAnObjectHeaderAreSplit() throws {
        var configuration = try fixtureConfiguration()
        configuration.layerCount = 60
        let layout = ParameterLayout(configuration)
        let values = randomValues(layout.count)
        try write(values, layout)
        // Named: a group is closed with its file.
        let file = try HDF5Object.openFile(path)
        let layer = try file.openGroup("bert")
        let attributes = try layer.attributeNames()
        #expect(attributes == ["weight_names0", "weight_names1"])
        #expect(sameBits(try load(path, layout).values, values))
    }

    @Test func whatFailsBeforeItAppearsLeavesNothing() throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        let values = randomValues(layout.count)
        #expect(throws: CancellationError.self) {
            try values.withUnsafeBufferPointer {
                try KerasWriter.write($0, layout: layout, model: .bert, to: path) {
                    throw CancellationError()
                }
            }
        }
        #expect(try folder.names.isEmpty)
    }
}
