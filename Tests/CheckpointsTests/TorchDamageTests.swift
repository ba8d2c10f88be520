import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files that are cut off or changed: an error each, or values, but never more and never a crash.
struct TorchDamageTests {
    /// Reads all there is; `nil` when nothing was wrong.
    private func error(reading path: String, verifying: Bool = false) throws -> CheckpointError? {
        do {
            let file = try TorchFile(path: path)
            for index in file.weights.indices {
                let size = file.weights[index].type.bitsPerElement / 8
                let count = try file.withElements(of: index) { $0.count }
                #expect(count == file.weights[index].shape.reduce(size, *))
            }
            #expect(file.memory.used <= file.memory.limit)
            if verifying { try file.verify() }
            return nil
        } catch let error as CheckpointError {
            return error
        }
    }

    @Test(arguments: ["tiny.bin", "tiny-stream.bin", "views-stream.bin", "python2.bin", "repacked.bin"])
    func aFileCutOffAnywhereIsBadData(_ name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try bytes(of: torchFixture(name))
        let path = try folder.write(whole, to: "x.bin")
        for count in whole.indices.reversed() {
            try #require(truncate(path, count) == 0)
            #expect(try error(reading: path)?.category == .badData, "\(count) bytes")
            // Of so few bytes the format cannot be told.
            if count < 20 { #expect(checkpointError { _ = try openWeights(path) }?.category == .badData) }
        }
        #expect(try error(reading: folder.write(whole, to: "x.bin")) == nil)
        #expect(try error(reading: folder.write(whole + [0], to: "x.bin"))?.category == .badData)
    }

    @Test(arguments: ["tiny.bin", "tiny-stream.bin", "python2.bin"])
    func everyChangeOfAByteIsBadDataOrReads(_ name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try bytes(of: torchFixture(name))
        let path = try folder.write(whole, to: "x.bin")
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        var found = 0
        for place in whole.indices {
            for change in [0x01, 0x80, 0xFF] as [UInt8] {
                try set(whole[place] ^ change, at: place, in: file)
                if try error(reading: path) != nil { found += 1 }
            }
            try set(whole[place], at: place, in: file)
        }
        #expect(found > whole.count)
    }

    private func set(_ byte: UInt8, at place: Int, in file: FileHandle) throws {
        try file.seek(toOffset: UInt64(place))
        try file.write(contentsOf: [byte])
    }

    @Test(arguments: ["tiny.bin", "repacked.bin"]) func aChangedEntryOfAnArchiveIsFoundByVerifying(
        _ name: String
    ) throws {
        let folder = try TemporaryFolder()
        var file = try bytes(of: torchFixture(name))
        var budget = MemoryBudget(fileSize: file.count, path: "")
        let archive = try file.withUnsafeBytes { try ZipArchive($0, path: "", budget: &budget) }
        for entry in archive.entries {
            for place in entry.range.prefix(60) {
                file[place] ^= 0x10
                let path = try folder.write(file, to: "x.bin")
                #expect(checkpointError { try Inspection.verify(path: path) }?.category == .badData)
                file[place] ^= 0x10
            }
        }
    }

    @Test func aBigEndianFileSaysSo() throws {
        let folder = try TemporaryFolder()
        let archive = TorchWriter.zip([
            ("a/data.pkl", TorchWriter.pickle(Array("}".utf8))), ("a/byteorder", Array("big".utf8)),
        ])
        var stream = try bytes(of: torchFixture("tiny-stream.bin"))
        let place = try #require(Data(stream).range(of: Data("little_endian".utf8))).upperBound + 2
        #expect(stream[place] == 0x88)
        stream[place] = 0x89
        for file in [archive, stream] {
            let error = try error(reading: folder.write(file, to: "x.bin"))
            #expect(error?.category == .badData && error?.what.contains("big-endian") == true)
        }
    }

    @Test func otherPicklesAndArchivesAreBadData() throws {
        let folder = try TemporaryFolder()
        let pickle = TorchWriter.pickle(Array("}".utf8))
        for file in [
            pickle, TorchWriter.zip([("word/document.xml", [1])]), TorchWriter.zip([]),
            TorchWriter.zip([("a/data.pkl", pickle), ("b/data.pkl", pickle)]),
            TorchWriter.zip([("a/data.pkl", pickle), ("a/constants.pkl", pickle)]),
            TorchWriter.zip([("a/data.pkl", pickle), ("a/byteorder", Array("middle".utf8))]),
            TorchWriter.zip([("a/data.pkl", pickle + [0])]), TorchWriter.zip([("a/b/data.pkl", pickle)]),
        ] {
            #expect(try error(reading: folder.write(file, to: "x.bin"))?.category == .badData)
        }
    }
}
