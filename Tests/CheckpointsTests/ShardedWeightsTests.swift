import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct ShardedWeightsTests {
    static let indexes = [
        "sharded-safetensors/model.safetensors.index.json", "sharded-torch/pytorch_model.bin.index.json",
    ]

    @Test(arguments: indexes)
    func shardsOfBothKindsHoldTheWeights(_ index: String) throws {
        let source = try openWeights(torchFixture(index))
        #expect(source.format == .sharded)
        try expectTensors(of: source, "expected.safetensors")
        let folder = try openWeights(torchFixture(String(index.prefix { $0 != "/" })))
        #expect(folder.path == source.path)
        try expectTensors(of: folder, "expected.safetensors")
    }

    @Test(arguments: indexes)
    func theyLoadAsTheWholeFile(_ index: String) throws {
        let layout = ParameterLayout(try ModelFolder(path: torchFixture("bert")).configuration)
        let sharded = try load(torchFixture(index), layout)
        #expect(sameBits(sharded.values, try load(torchFixture("bert"), layout).values))
        #expect(sharded.report.unexpected.isEmpty)
        let inspection = try Inspection.verify(path: torchFixture(index))
        #expect(inspection.parameterCount == layout.count)
        #expect(inspection.metadata["shards"]?.contains("-00003-of-00003") == true)
    }

    /// A folder with two shards and this index.
    private func folder(_ index: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["a", "b"] {
            let header = #"{"\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
            let other = #""x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
            _ = try folder.write(safetensors(header + other, [UInt8](repeating: 0, count: 8)), to: name)
        }
        _ = try folder.write(index.utf8, to: "model.safetensors.index.json")
        return folder
    }

    @Test func onlyTensorsOfTheMapCountAndOnlyFromTheirShards() throws {
        let folder = try folder(#"{"metadata":{"total_size":8},"weight_map":{"b":"b","a":"a","x":"b"}}"#)
        let source = try openWeights(folder.path)
        #expect(source.weights.map(\.name) == ["a", "b", "x"])
    }

    @Test func aMissingShardIsAMissingInput() throws {
        let folder = try folder(#"{"weight_map":{"a":"a","b":"c.safetensors"}}"#)
        let error = checkpointError { _ = try openWeights(folder.path) }
        #expect(error?.category == .missingInput)
        #expect(error?.path == folder.file("c.safetensors"))
        #expect(error?.remedy.contains("model.safetensors.index.json") == true)
    }

    @Test func aTensorThatIsNotInItsShardIsBadData() throws {
        let folder = try folder(#"{"weight_map":{"a":"a","b":"a"}}"#)
        let error = checkpointError { _ = try openWeights(folder.path) }
        #expect(error?.category == .badData)
        #expect(error?.item == "b")
        #expect(error?.what.contains("not in a,") == true)
    }

    @Test(arguments: ["../a", "/etc/passwd", "", ".", "..", #"x\\a"#, "sub/a", #"a\u0000"#])
    func shardsElsewhereAreRefused(_ name: String) throws {
        let folder = try folder(#"{"weight_map":{"a":"\#(name)"}}"#)
        let error = checkpointError { _ = try openWeights(folder.path) }
        #expect(error?.category == .badData)
        #expect(error?.what.contains("outside") == true)
    }

    @Test(arguments: [
        "{}", "[]", "{", "", "null", #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#,
        #"{"weight_map":null}"#,
        String(repeating: #"{"a":"#, count: 100_000), "{\"weight_map\":{\"a\":\"a\"}",
    ])
    func whatIsNoIndexIsBadData(_ index: String) throws {
        let folder = try folder(index)
        let error = checkpointError { _ = try openWeights(folder.path) }
        #expect(error?.category == .badData)
        #expect(error?.path == folder.file("model.safetensors.index.json"))
    }

    /// Foundation's limit is 512.
    @Test(arguments: 510...516) func listsNestedTooDeeplyAreRefused(_ depth: Int) throws {
        let folder = try folder(String(repeating: "[", count: depth))
        #expect(checkpointError { _ = try openWeights(folder.path) }?.category == .badData)
    }

    @Test func anIndexChangedAnywhereIsBadDataOrReads() throws {
        let index = Array(#"{"metadata":{"total_size":8},"weight_map":{"b":"b","a":"a"}}"#.utf8)
        let folder = try folder("")
        for place in index.indices {
            for byte in [0, 0x22, 0x5B, 0x5C, 0x7B, 0x7D, 0x80, 0xFF] as [UInt8] {
                var changed = index
                changed[place] = byte
                _ = try folder.write(changed, to: "model.safetensors.index.json")
                do {
                    #expect(try openWeights(folder.path).weights.count <= 2)
                } catch let error as CheckpointError {
                    #expect([.badData, .missingInput].contains(error.category))
                }
            }
        }
    }

    @Test func anIndexOfAnIndexIsRefused() throws {
        let folder = try folder(#"{"weight_map":{"a":"model.safetensors.index.json"}}"#)
        #expect(checkpointError { _ = try openWeights(folder.path) }?.category == .badData)
    }
}
