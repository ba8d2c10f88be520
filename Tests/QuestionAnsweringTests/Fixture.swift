import Foundation
import TestSupport

/// Reads a file made by a reference implementation.
func fixture<Value: Decodable>(_ path: String, as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: Paths.fixtures.appending(path: path)))
}

/// A row of a fixture whose elements differ in type.
protocol FixtureRow: Decodable {
    init(row: inout any UnkeyedDecodingContainer) throws
}

extension FixtureRow {
    init(from decoder: any Decoder) throws {
        var row: any UnkeyedDecodingContainer = try decoder.unkeyedContainer()
        try self.init(row: &row)
    }
}

/// Writes a file into a folder of its own, which is removed at the end.
func withFile<Result>(_ bytes: some Sequence<UInt8>, perform: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "dure-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "file.json")
    try Data(bytes).write(to: file)
    return try perform(file.path(percentEncoded: false))
}
