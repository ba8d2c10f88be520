import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct ZipArchiveTests {
    private func open(_ bytes: [UInt8]) throws -> ZipArchive {
        var budget = MemoryBudget(fileSize: bytes.count, path: "x.zip")
        let archive = try bytes.withUnsafeBytes { try ZipArchive($0, path: "x.zip", budget: &budget) }
        #expect(budget.used <= budget.limit)
        return archive
    }

    private func expectBadData(
        _ bytes: [UInt8], _ word: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = checkpointError { _ = try open(bytes) }
        #expect(error?.category == .badData, sourceLocation: sourceLocation)
        #expect(
            word.isEmpty || error?.description.contains(word) == true, "\(error?.description ?? "")",
            sourceLocation: sourceLocation)
    }

    private let two: [(name: String, bytes: [UInt8])] = [("a", [1, 2, 3]), ("가", [])]

    @Test func entriesAreFoundByName() throws {
        let file = TorchWriter.zip(two)
        let archive = try open(file)
        #expect(archive.entries.map(\.name) == ["a", "가"])
        #expect(try Array(file[#require(archive["a"]).range]) == [1, 2, 3])
        #expect(archive["b"] == nil)
        #expect(archive["가"]?.checksum == 0)
        #expect(try open(TorchWriter.zip([])).entries.isEmpty)
    }

    @Test func aCommentIsNoHindrance() throws {
        var file = TorchWriter.zip(two)
        let comment = Array("PK\u{5}\u{6} and more".utf8)
        file[file.count - 2] = UInt8(comment.count)
        #expect(try open(file + comment).entries.count == 2)
    }

    @Test func checksumsAreVerifiedOnDemand() throws {
        var file = TorchWriter.zip(two)
        let archive = try open(file)
        let entry = try #require(archive["a"])
        try file.withUnsafeBytes { try archive.verify(entry, $0) }
        file[entry.range.lowerBound] ^= 1
        #expect(
            checkpointError { try file.withUnsafeBytes { try archive.verify(entry, $0) } }?.item == "a")
    }

    @Test func aChecksumThatWasLeftOutIsNotVerified() throws {
        var file = TorchWriter.zip([("a", [1, 2, 3])])
        for place in [14, 34 + 16] { file.replaceSubrange(place..<place + 4, with: [0, 0, 0, 0]) }
        let archive = try open(file)
        #expect(archive.entries.map(\.isChecksummed) == [false])
        try file.withUnsafeBytes { try archive.verify(archive.entries[0], $0) }
    }

    /// The same archive with a directory of 64 bits: all that the short records hold is "see there".
    private func wide(_ change: (inout [UInt8], inout [UInt8]) -> Void = { _, _ in }) -> [UInt8] {
        let short = TorchWriter.zip([("a", [1, 2, 3])])
        let data = Array(short[..<34])
        var directory = Array(short[34..<34 + 47])
        for place in [20, 24, 42] {
            directory.replaceSubrange(place..<place + 4, with: [255, 255, 255, 255])
        }
        directory[30] = 28
        directory += [1, 0, 24, 0] + [3, 3, 0].flatMap { TorchWriter.littleEndian(UInt64($0)) }
        var end: [UInt8] =
            TorchWriter.littleEndian(UInt32(0x0606_4B50)) + TorchWriter.littleEndian(UInt64(44))
        end += [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
        end += [1, 1, UInt64(directory.count), 34].flatMap(TorchWriter.littleEndian)
        end += TorchWriter.littleEndian(UInt32(0x0706_4B50)) + [0, 0, 0, 0]
        end += TorchWriter.littleEndian(UInt64(34 + directory.count)) + [1, 0, 0, 0]
        end += TorchWriter.littleEndian(UInt32(0x0605_4B50)) + [0, 0, 0, 0]
        end += [UInt8](repeating: 255, count: 12) + [0, 0]
        change(&directory, &end)
        return data + directory + end
    }

    @Test func numbersOf64BitsAreRead() throws {
        let entry = try #require(try open(wide())["a"])
        #expect(entry.range == 31..<34)
        expectBadData(wide { directory, _ in directory[51 + 7] = 0x80 })
        expectBadData(wide { directory, _ in directory[51 + 4] = 1 })
        expectBadData(wide { directory, _ in directory[51 + 16 + 6] = 255 })
        expectBadData(wide { directory, _ in directory[47] = 2 })
        for place in 24..<64 { expectBadData(wide { _, end in end[place] ^= 0x80 }) }
        expectBadData(wide { _, end in end[56 + 8 + 7] = 0x7F })
        // The short record's number of entries, where it says something else.
        expectBadData(wide { _, end in end[56 + 20 + 8] = 2 })
    }

    @Test func whatIsNotThereIsBadData() {
        let file = TorchWriter.zip(two)
        for count in 0..<file.count { expectBadData(Array(file.prefix(count))) }
        expectBadData([0] + file)
        expectBadData(Array(file.dropFirst()))
        expectBadData(file + [0])
    }

    @Test func oneNameTwiceAndOnePlaceTwiceAreBadData() {
        expectBadData(TorchWriter.zip([("a", [1]), ("a", [2])]), "twice")
        expectBadData(TorchWriter.zip([("a", [1]), ("a", [1])], offsets: [0, 0]), "twice")
        // The second entry is inside of the first.
        let inner = TorchWriter.zip([("b", [7])]).prefix(32)
        let outer = TorchWriter.zip([("a", Array(inner)), ("b", [7])], offsets: [0, 31])
        expectBadData(outer, "in one place")
    }

    @Test func entriesElsewhereAreBadData() {
        for offset in [1, 5, 1000, 0x7FFF_FFFF, 0xFFFF_FFFE] {
            expectBadData(TorchWriter.zip(two, offsets: [offset, 34]))
        }
    }

    @Test func compressedAndEncryptedEntriesAreBadData() {
        expectBadData(TorchWriter.zip(two, method: 8), "compressed")
        expectBadData(TorchWriter.zip(two, method: 99), "compressed")
        expectBadData(TorchWriter.zip(two, flags: 1), "encrypted")
        expectBadData(TorchWriter.zip(two, flags: 8), "description")
    }

    @Test func aDirectoryOfNothingButEntriesTakesNoMoreMemoryThanTheFile() {
        let entries = (0..<30_000).map { (name: "\($0)", bytes: [UInt8]()) }
        expectBadData(TorchWriter.zip(entries), "memory")
    }
}
