import Checkpoints
import Distributed
import Foundation
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

/// Damaged and hostile feature files: each is refused with an error of the reader's own or read, whatever it holds.
@Suite(.serialized) struct FeatureFuzzTests {
    private func fuzz(
        _ name: String, fileName: String, _ format: FeatureFileFormat, style: Mutator.Style
    ) throws {
        let data = try PreparationCase(contexts: 6)
        let loader = try FeatureLoader(
            preparation: data.preparation(), identity: ContentHash(), communicator: SingleProcess(),
            pool: .init(threadCount: 1), cache: nil, logger: data.recorder.logger)
        let path = data.folder.path("good")
        try loader.export([data.file], strict: false)?.write(to: path, as: format)
        var inputs = [Array(try Data(contentsOf: URL(filePath: path)))]
        if format == .tfrecord {
            let padded = Paths.fixtures.appending(path: "features/padded.tfrecord")
            inputs.append(Array(try Data(contentsOf: padded)))
        }
        let limits = try data.preparation().limits
        let fuzzing = Fuzzing(name, fileName: fileName, inputs: inputs, style: style, iterations: 200)
        let report = try fuzzing.run(isExpected: { $0 is CheckpointError || $0 is TrainingError }) { path in
            var reader = FeatureFileReader(limits: limits, tokenizer: nil)
            try reader.read(path, format)
            for feature in reader.features {
                #expect(feature.inputIDs.allSatisfy { $0 >= 0 && $0 < limits.vocabularySize })
                #expect(
                    feature.count <= limits.maxSequenceLength && feature.tokenTypeIDs.count == feature.count)
                if let label = feature.label {
                    #expect(label.start <= label.end && label.end < feature.count)
                }
            }
            _ = FeatureFileFormat.of(path)
        }
        #expect(report.findings == [])
        #expect(report.refused > report.cases / 4, "\(report.refused) of \(report.cases)")
    }

    @Test func records() throws {
        try fuzz("tfrecord", fileName: "case.tfrecord", .tfrecord, style: .binary)
    }

    /// Behind checksums that are right.
    @Test func messages() throws {
        var example = TensorExample()
        example["input_ids"] = [2, 10, 3, 11, 3]
        example["token_type_ids"] = [0, 0, 0, 1, 1]
        example["start_positions"] = [3]
        example["end_positions"] = [3]
        let limits = try PreparationCase(contexts: 0).preparation().limits
        let fuzzing = Fuzzing(
            "example", fileName: "case", inputs: [try example.bytes], style: .binary, iterations: 300)
        let report = try fuzzing.run(isExpected: { $0 is CheckpointError || $0 is TrainingError }) { path in
            let message = Array(try Data(contentsOf: URL(filePath: path)))
            let framed = path + ".tfrecord"
            try AtomicFile.stream(to: framed) { try TFRecordFile.append(message, to: $0) }
            var reader = FeatureFileReader(limits: limits, tokenizer: nil)
            try reader.read(framed, .tfrecord)
        }
        #expect(report.findings == [] && report.refused > report.cases / 4)
    }

    @Test func lines() throws { try fuzz("feature-lines", fileName: "case.jsonl", .jsonl, style: .text) }

    @Test func columns() throws { try fuzz("feature-columns", fileName: "case.h5", .hdf5, style: .binary) }
}
