import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

func kerasFixture(_ name: String) -> String { Paths.fixtures.appending(path: "keras/\(name)").path() }

struct KerasWeightsTests {
    /// The files, and what transformers converts them to in PyTorch. The bare model has no prefix there.
    @Test(
        arguments: [
            ("qa", "qa", ""), ("bare", "bare", "bert."), ("pretraining", "pretraining", ""),
            ("electra", "electra", ""), ("roberta", "roberta", ""), ("half", "half", ""), ("split", "qa", ""),
            ("big-endian", "qa", ""),
        ])
    func everyTensorIsWhatTransformersReads(_ name: String, _ converted: String, _ prefix: String) throws {
        let file = try KerasWeights(path: kerasFixture("\(name).h5"))
        let expected = try SafetensorsFile(path: kerasFixture("\(converted).safetensors"))
        var remaining = Dictionary(
            uniqueKeysWithValues: expected.weights.enumerated().map { (prefix + $1.name, $0) })
        for (index, weight) in file.weights.enumerated() {
            let found = remaining.removeValue(forKey: weight.name)
            let other = try #require(found, "\(weight.name)")
            #expect(weight.shape == expected.weights[other].shape, "\(weight.name)")
            #expect(weight.type == expected.weights[other].type, "\(weight.name)")
            let bytes = try file.withElements(of: index) { Array($0) }
            let others = try expected.withElements(of: other) { Array($0) }
            #expect(bytes == others, "\(weight.name)")
        }
        // PyTorch has the word embeddings once more where a head is tied to them.
        #expect(remaining.keys.allSatisfy { $0.hasPrefix("cls.predictions.decoder.") })
        #expect(file.metadata["backend"] == "tensorflow")
    }

    @Test(arguments: ["qa", "bare", "pretraining", "half", "split", "big-endian"])
    func aModelLoads(_ name: String) throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        let loaded = try load(kerasFixture("\(name).h5"), layout)
        let hasHead = !["bare", "pretraining"].contains(name)
        #expect(loaded.report.missing == (hasHead ? [] : ["qa_outputs.weight", "qa_outputs.bias"]))
        #expect(hasHead == loaded.report.unexpected.isEmpty)
        #expect(hasHead || loaded.report.unexpected.contains("bert.pooler.dense.weight"))
        let reference = try load(
            kerasFixture("\(["split", "big-endian"].contains(name) ? "qa" : name).safetensors"), layout)
        for parameter in layout.parameters where !loaded.report.missing.contains(parameter.name) {
            #expect(
                sameBits(loaded.values[parameter.range], reference.values[parameter.range]),
                "\(parameter.name)")
        }
    }

    @Test func aWeightThatLayersShareIsThereOnce() throws {
        let names = try KerasWeights(path: kerasFixture("pretraining.h5")).weights.map(\.name)
        #expect(names.count { $0 == "bert.embeddings.word_embeddings.weight" } == 1)
        let head = try HDF5Object.openFile(kerasFixture("pretraining.h5"))
        let shared = try head.readTextsOfHead()
        #expect(shared.contains { $0.hasSuffix("/word_embeddings/weight:0") })
    }

    @Test func aFolderWithNothingElseGivesTheseWeights() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(bytes(of: kerasFixture("qa.h5")), to: "tf_model.h5")
        let layout = ParameterLayout(try fixtureConfiguration())
        let loaded = try load(folder.path, layout)
        #expect(loaded.report.path == folder.file("tf_model.h5"))
        #expect(sameBits(loaded.values, try load(kerasFixture("qa.h5"), layout).values))
    }

    @Test func anotherModelLacksTheEncoder() throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        let error = checkpointError { _ = try load(kerasFixture("roberta.h5"), layout) }
        #expect(error?.category == .badData)
    }

    @Test func whatIsNoKerasFileSaysSo() throws {
        let folder = try TemporaryFolder()
        let text = try folder.write("hello".utf8, to: "tf_model.h5")
        let layout = ParameterLayout(try fixtureConfiguration())
        #expect(checkpointError { _ = try load(folder.path, layout) }?.what == "is not an HDF5 file")
        #expect(checkpointError { _ = try KerasWeights(path: text) }?.category == .badData)
        #expect(
            checkpointError { _ = try KerasWeights(path: fixture("other.h5")) }?.what.contains("Keras")
                == true)
        #expect(
            checkpointError { _ = try KerasWeights(path: folder.file("none")) }?.category == .missingInput)
    }

    @Test func aDatasetThatIsMissingOrNoNumbersIsNamed() throws {
        let folder = try TemporaryFolder()
        for isText in [false, true] {
            let path = folder.file("\(isText).h5")
            let file = try HDF5Object.createFile(at: path, reportedAs: path)
            try file.writeSplitTexts("layer_names", ["bert"])
            let layer = try file.createGroup("bert")
            try layer.writeSplitTexts("weight_names", ["kernel:0"])
            if isText { _ = try layer.writeText("kernel:0", [65]) }
            try file.close()
            let error = checkpointError { _ = try KerasWeights(path: path) }
            #expect(error?.category == .badData)
            #expect(error?.item == "/bert/kernel:0")
        }
    }

    @Test func inspectionReadsEveryTensor() throws {
        let keras = try Inspection.verify(path: kerasFixture("qa.h5"))
        let converted = try Inspection.verify(path: kerasFixture("qa.safetensors"))
        let sums = { (inspection: Inspection) in
            Dictionary(uniqueKeysWithValues: inspection.tensors.map { ($0.name, $0.checksum) })
        }
        #expect(sums(keras) == sums(converted))
        #expect(keras.parameterCount == converted.parameterCount)
        #expect(keras.format == .keras)
    }
}

extension HDF5Object {
    fileprivate func readTextsOfHead() throws -> [String] {
        try openGroup("mlm___cls").readSplitTexts("weight_names")
    }
}
