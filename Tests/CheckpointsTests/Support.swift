import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

func fixture(_ name: String) -> String { Paths.fixtures.appending(path: "checkpoints/\(name)").path() }

func bytes(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

/// The values of a fixture's tensors as the reference implementation converts them to float32.
func expectedValues(_ name: String) throws -> [String: [Float]] {
    let bits = try JSONDecoder().decode([String: [Int32]].self, from: Data(bytes(of: fixture(name))))
    return bits.mapValues { $0.map { Float(bitPattern: UInt32(bitPattern: $0)) } }
}

/// The configuration of the fixtures.
func fixtureConfiguration() throws -> ModelConfiguration {
    try ModelConfiguration(json: bytes(of: fixture("bert/config.json")))
}

func randomValues(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
}

/// Equality of bits, so that NaN and the sign of zero count.
func sameBits(_ left: some Sequence<Float>, _ right: some Sequence<Float>) -> Bool {
    left.map(\.bitPattern) == right.map(\.bitPattern)
}

/// The `CheckpointError` that `body` throws.
func checkpointError(
    _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) -> CheckpointError? {
    #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { try body() }
}

/// Loads what `path` holds into a buffer of NaN.
func load(_ path: String, _ layout: ParameterLayout) throws -> (values: [Float], report: WeightLoadReport) {
    var values = [Float](repeating: .nan, count: layout.count)
    let report = try values.withUnsafeMutableBufferPointer {
        try loadWeights(from: path, layout: layout, into: $0)
    }
    return (values, report)
}

extension HDF5Object {
    func writeFloats(_ name: String, shape: [Int], _ values: [Float]) throws {
        try values.withUnsafeBufferPointer {
            try HDF5FloatWriter().write(name, shape: shape, $0, to: self)
        }
    }
}
