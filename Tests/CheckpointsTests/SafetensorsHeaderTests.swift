import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct SafetensorsHeaderTests {
    struct Hostile: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let header: String
        var dataCount = 8
    }

    private static func one(_ members: String) -> String { #"{"a":{\#(members)}}"# }

    static let hostile = [
        Hostile(
            testDescription: "end past the file",
            header: one(#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#)),
        Hostile(
            testDescription: "far end",
            header: one(
                #""dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]"#)),
        Hostile(
            testDescription: "offset beyond 64 bits",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551624]"#)),
        Hostile(
            testDescription: "end before start",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#)),
        Hostile(
            testDescription: "size and shape differ",
            header: one(#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "negative shape",
            header: one(#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "negative offset",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[-8,8]"#)),
        Hostile(
            testDescription: "overflowing shape",
            header: one(#""dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "shape that overflows to the right size",
            header: one(#""dtype":"F32","shape":[2305843009213693954,2],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "fraction in a shape",
            header: one(#""dtype":"F32","shape":[2.0],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "text in a shape",
            header: one(#""dtype":"F32","shape":["2"],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "exponent in an offset",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[0,8e0]"#)),
        Hostile(
            testDescription: "unknown type", header: one(#""dtype":"F31","shape":[2],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "type is a number", header: one(#""dtype":32,"shape":[2],"data_offsets":[0,8]"#)),
        Hostile(testDescription: "no type", header: one(#""shape":[2],"data_offsets":[0,8]"#)),
        Hostile(testDescription: "no shape", header: one(#""dtype":"F32","data_offsets":[0,8]"#)),
        Hostile(testDescription: "no offsets", header: one(#""dtype":"F32","shape":[2]"#)),
        Hostile(
            testDescription: "three offsets",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[0,8,8]"#)),
        Hostile(
            testDescription: "repeated key",
            header: one(#""dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "unknown key",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1"#)),
        Hostile(
            testDescription: "the same name twice",
            header:
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        ),
        Hostile(
            testDescription: "the same name twice, once escaped",
            header:
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        ),
        Hostile(
            testDescription: "overlap",
            header:
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        ),
        Hostile(
            testDescription: "two tensors in one place",
            header:
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        ),
        Hostile(
            testDescription: "hole",
            header:
                #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        ),
        Hostile(
            testDescription: "hole at the start",
            header: one(#""dtype":"F32","shape":[1],"data_offsets":[4,8]"#)),
        Hostile(
            testDescription: "bytes after the last tensor",
            header: one(#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), dataCount: 9),
        Hostile(
            testDescription: "half a byte", header: one(#""dtype":"F4","shape":[15],"data_offsets":[0,8]"#)),
        Hostile(
            testDescription: "metadata that is no text", header: #"{"__metadata__":{"a":1}}"#, dataCount: 0),
        Hostile(
            testDescription: "metadata that is no object", header: #"{"__metadata__":"a"}"#, dataCount: 0),
        Hostile(
            testDescription: "metadata twice", header: #"{"__metadata__":{},"__metadata__":{}}"#, dataCount: 0
        ),
        Hostile(testDescription: "array", header: "[]", dataCount: 0),
        Hostile(testDescription: "nothing", header: "", dataCount: 0),
        Hostile(testDescription: "space before", header: " {}", dataCount: 0),
        Hostile(testDescription: "something after", header: "{} x", dataCount: 0),
        Hostile(
            testDescription: "deep nesting", header: String(repeating: #"{"a":"#, count: 100_000),
            dataCount: 0),
        Hostile(testDescription: "lone surrogate", header: #"{"__metadata__":{"\ud800":"x"}}"#, dataCount: 0),
        Hostile(testDescription: "trailing comma", header: #"{"__metadata__":{},}"#, dataCount: 0),
    ]

    @Test(arguments: hostile)
    func aHostileHeaderIsBadData(_ hostile: Hostile) throws {
        let file = safetensors(hostile.header, [UInt8](repeating: 0, count: hostile.dataCount))
        #expect(checkpointError { _ = try parse(file) }?.category == .badData)
    }

    @Test func aGoodHeaderReads() throws {
        let header =
            #"{"__metadata__":{"k\n\u00e9\ud83d\ude00":"v"},"b\"":{"shape":[],"dtype":"F32","data_offsets":[0,4]}, "#
            + #""a":{"dtype":"I64","shape":[0,3],"data_offsets":[4,4]},"f":{"dtype":"F4","shape":[2],"data_offsets":[4,5]}}  "#
        let parsed = try parse(safetensors(header, [0, 0, 0, 0, 0]))
        #expect(parsed.metadata == ["k\né😀": "v"])
        #expect(parsed.tensors.map(\.name) == ["b\"", "a", "f"])
        #expect(parsed.tensors.map(\.shape) == [[], [0, 3], [2]])
        #expect(parsed.tensors.map(\.range.count) == [4, 0, 1])
        #expect(try parse(safetensors("{}", [])).tensors.isEmpty)
        #expect(try parse(safetensors(#"{"__metadata__": null }"#, [])).metadata.isEmpty)
    }

    @Test(arguments: [100_000_001, 1 << 40, UInt64.max, UInt64.max - 7, 1 << 63])
    func aHugeHeaderLengthIsBadData(_ length: UInt64) {
        let file = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
        #expect(checkpointError { _ = try parse(file) }?.category == .badData)
    }

    @Test func aHeaderThatIsNotUTF8IsBadData() {
        var file = safetensors(#"{"__metadata__":{"a":"bb"}}"#, [])
        file[file.count - 4] = 0xFF
        #expect(checkpointError { _ = try parse(file) }?.category == .badData)
    }

    @Test func aFileCutOffAnywhereIsBadData() throws {
        let whole = try bytes(of: fixture("half.safetensors"))
        for count in 0..<whole.count {
            let error = checkpointError { _ = try parse(Array(whole[..<count])) }
            #expect(error?.category == .badData, "\(count) bytes")
        }
    }

    @Test func randomDamageToTheHeaderNeverCrashes() throws {
        let whole = try bytes(of: fixture("half.safetensors"))
        let headerCount = Int(whole[0]) + Int(whole[1]) << 8 + 8
        var generator = SeededGenerator(seed: 3)
        var refused = 0
        for _ in 0..<3000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = Int.random(in: 0..<headerCount, using: &generator)
                damaged[position] = UInt8.random(in: 0...255, using: &generator)
            }
            do {
                for tensor in try parse(damaged).tensors { #expect(tensor.range.upperBound <= damaged.count) }
            } catch is CheckpointError {
                refused += 1
            }
        }
        #expect(refused > 1500)
    }

    private func parse(_ bytes: [UInt8]) throws -> SafetensorsHeader {
        try bytes.withUnsafeBytes { try SafetensorsHeader($0, path: "x") }
    }
}
