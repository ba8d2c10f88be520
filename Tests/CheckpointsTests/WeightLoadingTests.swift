import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct WeightLoadingTests {
    let layout: ParameterLayout

    init() throws { layout = ParameterLayout(try fixtureConfiguration()) }

    private func expectFixture(_ values: [Float], skipping skipped: Set<String> = []) throws {
        let expected = try expectedValues("bert.json")
        for parameter in layout.parameters where !skipped.contains(parameter.name) {
            #expect(
                sameBits(values[parameter.range], try #require(expected[parameter.name])), "\(parameter.name)"
            )
        }
    }

    @Test(arguments: ["bert", "bert/model.safetensors", "by-h5py.h5"])
    func aFolderAFileAndACheckpointGiveTheSameWeights(_ name: String) throws {
        let loaded = try load(fixture(name), layout)
        try expectFixture(loaded.values)
        #expect(loaded.report.missing.isEmpty && loaded.report.unexpected.isEmpty)
    }

    @Test func oldNamesLoadAndTheReportSaysWhatLacksAndWhatIsLeft() throws {
        let loaded = try load(fixture("old-names.safetensors"), layout)
        #expect(loaded.report.missing == ["qa_outputs.weight", "qa_outputs.bias"])
        #expect(
            Set(loaded.report.unexpected)
                == ["pooler.dense.weight", "embeddings.position_ids", "cls.predictions.bias"])
        try expectFixture(loaded.values, skipping: Set(loaded.report.missing))
        // The caller initialises the span head: it is left alone.
        #expect(layout["qa_outputs.weight"].map { loaded.values[$0.range].allSatisfy(\.isNaN) } == true)
    }

    @Test(arguments: ["tf_model.h5", "pytorch_model.bin"])
    func aDamagedFileOfAnyFormatIsNamed(_ name: String) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write([1], to: name)
        let error = checkpointError { _ = try load(folder.path, layout) }
        #expect(error?.category == .badData)
        #expect(error?.path == folder.file(name))
    }

    @Test func safetensorsComesFirst() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write([1], to: "pytorch_model.bin")
        _ = try folder.write(bytes(of: fixture("bert/model.safetensors")), to: "model.safetensors")
        try expectFixture(load(folder.path, layout).values)
    }

    @Test func anEmptyFolderAndAMissingPathAreMissingInputs() throws {
        let folder = try TemporaryFolder()
        #expect(checkpointError { _ = try load(folder.path, layout) }?.category == .missingInput)
        #expect(checkpointError { _ = try load(folder.file("x.h5"), layout) }?.category == .missingInput)
    }
}
