import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct ColumnFileTests {
    private static let names = ColumnFile.Names(
        attributes: ["key"], texts: ["ids"], columns: ["a", "b"], indexes: ["i"])

    private static func file(_ count: Int = 5) -> ColumnFile {
        var generator = SeededGenerator(seed: 7)
        var file = ColumnFile(attributes: ["key": "가나"])
        file.texts = ["ids": #"["q\u0000","두레"]"#]
        file.columns = [
            "a": (0..<count).map { _ in Int32.random(in: .min ... .max, using: &generator) }, "b": [],
        ]
        file.indexes = ["i": [0, .max, .min, -1]]
        return file
    }

    @Test(arguments: [0, 1, 5, 1 << 20, (1 << 20) + 1, 3_000_001])
    func columnsOfAnyLengthRoundTrip(_ count: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("f.h5")
        try Self.file(count).write(to: path)
        #expect(try ColumnFile(path: path, names: Self.names) == Self.file(count))
        #expect(try folder.names == ["f.h5"])
    }

    @Test func equalContentGivesEqualBytes() throws {
        let folder = try TemporaryFolder()
        try Self.file().write(to: folder.file("a.h5"))
        try Self.file().write(to: folder.file("b.h5"))
        #expect(try bytes(of: folder.file("a.h5")) == bytes(of: folder.file("b.h5")))
    }

    @Test func whatLacksOrIsOfAnotherTypeIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("f.h5")
        try Self.file().write(to: path)
        var wanted = [Self.names, Self.names, Self.names, Self.names, Self.names]
        wanted[0].attributes = ["absent"]
        wanted[1].texts = ["a"]
        wanted[2].columns = ["a", "i"]
        wanted[3].indexes = ["a"]
        wanted[4].columns = ["absent"]
        for names in wanted {
            #expect(checkpointError { _ = try ColumnFile(path: path, names: names) }?.category == .badData)
        }
        // Not all that the checksum covers.
        var fewer = Self.names
        fewer.columns = ["a"]
        let error = checkpointError { _ = try ColumnFile(path: path, names: fewer) }
        #expect(error?.what == "does not match its checksum")
    }

    @Test func aStructureWithoutChecksumsIsRefusedUnopened() {
        let error = checkpointError { _ = try ColumnFile(path: fixture("other.h5"), names: Self.names) }
        #expect(error?.what.hasPrefix("has no checksums") == true)
    }

    @Test func everyFlippedByteIsFoundOrWithoutEffect() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("f.h5")
        try Self.file(200).write(to: path)
        let whole = try bytes(of: path)
        var found = 0
        for offset in whole.indices {
            var damaged = whole
            damaged[offset] ^= UInt8(1 << (offset % 8))
            let copy = try folder.write(damaged, to: "damaged.h5")
            do {
                #expect(try ColumnFile(path: copy, names: Self.names) == Self.file(200))
            } catch let error as CheckpointError {
                #expect(error.category == .badData)
                found += 1
            }
        }
        #expect(found > 1000)
    }

    @Test func aFileCutAnywhereIsRefused() throws {
        let folder = try TemporaryFolder()
        try Self.file(200).write(to: folder.file("f.h5"))
        let whole = try bytes(of: folder.file("f.h5"))
        for count in stride(from: 0, to: whole.count, by: 37) {
            let path = try folder.write(Array(whole.prefix(count)), to: "cut.h5")
            #expect(checkpointError { _ = try ColumnFile(path: path, names: Self.names) } != nil)
        }
    }

    @Test func whatIsNotHDF5IsRefused() throws {
        let folder = try TemporaryFolder()
        for content in [[], [1], Array("{\"data\": []}".utf8)] as [[UInt8]] {
            let path = try folder.write(content, to: "f.h5")
            #expect(checkpointError { _ = try ColumnFile(path: path, names: Self.names) } != nil)
        }
        #expect(
            checkpointError { _ = try ColumnFile(path: folder.file("none.h5"), names: Self.names) }?.category
                == .missingInput)
    }
}
