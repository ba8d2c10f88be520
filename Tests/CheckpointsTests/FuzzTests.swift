import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

/// Damaged and hostile files: each is refused with a `CheckpointError` or read, whatever it holds.
@Suite(.serialized) struct FuzzTests {
    /// Runs `read` on mutations of `inputs` and expects that most are refused, none in another way.
    private func fuzz(
        _ name: String, fileName: String, _ inputs: [[UInt8]], style: Mutator.Style = .binary,
        _ read: (String) throws -> Void
    ) throws {
        let fuzzing = Fuzzing(name, fileName: fileName, inputs: inputs, style: style)
        let report = try fuzzing.run(isExpected: { $0 is CheckpointError }, read)
        #expect(report.findings == [])
        #expect(report.refused > report.cases / 4, "\(report.refused) of \(report.cases) refused")
    }

    @Test func safetensorsFiles() throws {
        let names = ["bert/model", "bfloat", "double", "half", "old-names"]
        let inputs =
            try names.map { try bytes(of: fixture("\($0).safetensors")) } + [
                safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]),
                safetensors(
                    #"{"__metadata__":{"가":"\u00e9\ud83d\ude00"},"b":{"dtype":"I64","shape":[0,7],"data_offsets":[0,0]}}"#,
                    []),
            ]
        let layout = ParameterLayout(try fixtureConfiguration())
        try fuzz("safetensors", fileName: "case.safetensors", inputs, style: .text) { path in
            _ = try Inspection(path: path)
            _ = try load(path, layout)
        }
    }

    @Test func checkpoints() throws {
        let folder = try TemporaryFolder()
        let sample = try CheckpointSample()
        let inputs = try [CheckpointKind.training, .weights].map { kind in
            try sample.write(kind, to: folder.file("\(kind).h5"))
            return try bytes(of: folder.file("\(kind).h5"))
        }
        try fuzz("checkpoint", fileName: "case.h5", inputs) { path in
            // Each for itself, so that an error of the first does not hide the other's.
            let verified = Result { try Inspection.verify(path: path) }
            _ = try sample.readAll(path)
            _ = try verified.get()
        }
    }

    @Test func columnFiles() throws {
        let folder = try TemporaryFolder()
        let names = ColumnFile.Names(
            attributes: ["key"], texts: ["ids"], columns: ["a", "b"], indexes: ["i"])
        let inputs = try [0, 40, 5000].map { count in
            var file = ColumnFile(attributes: ["key": "가나"])
            file.texts = ["ids": #"["q\u0000","두레"]"#]
            file.columns = ["a": Array(0..<Int32(count)), "b": Array(repeating: 0, count: count)]
            file.indexes = ["i": [0, .max, .min, -1]]
            try file.write(to: folder.file("f.h5"))
            return try bytes(of: folder.file("f.h5"))
        }
        try fuzz("columns", fileName: "case.h5", inputs) { _ = try ColumnFile(path: $0, names: names) }
    }

    @Test func configurations() throws {
        let inputs = try [
            bytes(of: fixture("bert/config.json")),
            bytes(of: Paths.sample.appending(path: "config.json").path()),
            Array(#"{"architectures":["BertModel"],"hidden_act":"gelu_new","layer_norm_eps":1e-5}"#.utf8),
        ]
        try fuzz("config", fileName: "config.json", inputs, style: .text) { path in
            // What is accepted has to be a model that can be laid out.
            let configuration = try ModelFolder.configuration(at: path).configuration
            if configuration.layerCount < 1000 { #expect(ParameterLayout(configuration).count > 0) }
        }
    }

    @Test(.enabled(if: Fuzzing.seconds == nil)) func anErrorOfAnotherKindIsAFinding() throws {
        struct OtherError: Error {}
        let fuzzing = Fuzzing("itself", fileName: "case", inputs: [[1, 2, 3]], style: .binary)
        var seen: [[UInt8]] = []
        let report = try fuzzing.run(isExpected: { $0 is CheckpointError }) { path in
            seen.append(try bytes(of: path))
            if seen.count.isMultiple(of: 2) { throw OtherError() }
        }
        defer { try? FileManager.default.removeItem(atPath: report.folder) }
        #expect(report.cases == 20 && report.findings.count == 10 && report.refused == 0)
        #expect(try bytes(of: "\(report.folder)/finding-2") == seen[1])
        #expect(Set(seen).count > 10, "hardly a case is like another")
    }
}
