import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Checkpoints

/// Files of other tests pass at the same time, so probes look at their own only.
@Suite(.serialized) struct ForeignHDF5Tests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = try folder.write(bytes(of: kerasFixture("qa.h5")), to: "a.h5")
    }

    @Test func aFileWithoutChecksumsIsReadElsewhereOnce() throws {
        let count = Atomic<Int>(0)
        try withProbe({ _ in count.add(1, ordering: .relaxed) }) {
            _ = try KerasWeights(path: path)
        }
        #expect(count.load(ordering: .relaxed) > 0)
    }

    @Test func whatTheProbeFindsIsTheError() throws {
        let failure = CheckpointError(.badData, "is damaged", path: path, remedy: "none")
        try withProbe({ _ in throw failure }) {
            #expect(checkpointError { _ = try KerasWeights(path: path) } == failure)
            #expect(checkpointError { _ = try openWeights(path) } == failure)
        }
    }

    @Test func aCheckpointOfDureIsTrusted() throws {
        try CheckpointSample().write(.weights, to: path)
        let count = Atomic<Int>(0)
        try withProbe({ _ in count.add(1, ordering: .relaxed) }) {
            _ = try CheckpointFile(path: path)
        }
        #expect(count.load(ordering: .relaxed) == 0)
    }

    @Test func readingCompletelyReportsDamage() throws {
        try ForeignHDF5.readCompletely(path)
        let whole = try bytes(of: path)
        let cut = try folder.write(Array(whole.dropLast(100)), to: "cut.h5")
        #expect(checkpointError { try ForeignHDF5.readCompletely(cut) }?.what.contains("cut off") == true)
    }

    @Test(arguments: [(9, 1), (10, 7), (12, 1), (13, 4), (14, 16), (16, 0), (18, 0), (24, 1), (69, 0xFF)])
    func firstBytesThatCannotBeAreBadData(_ position: Int, _ value: UInt8) throws {
        var damaged = try bytes(of: path)
        damaged[position] = value
        let copy = try folder.write(damaged, to: "damaged.h5")
        #expect(checkpointError { _ = try KerasWeights(path: copy) }?.category == .badData)
        let superblock = try #require(HDF5Superblock(damaged))
        #expect(superblock.flaw(fileSize: damaged.count) != nil)
    }

    @Test func everyCutIsBadData() throws {
        let whole = try bytes(of: path)
        for count in [0, 1, 8, 9, 24, 47, 95, 96, 97, 2048, whole.count / 2, whole.count - 1] {
            let cut = try folder.write(Array(whole.prefix(count)), to: "cut.h5")
            #expect(
                checkpointError { _ = try KerasWeights(path: cut) }?.category == .badData, "\(count) bytes")
        }
    }

    private func withProbe(_ probe: @escaping ForeignHDF5.Probe, _ body: () throws -> Void) throws {
        let own = path
        ForeignHDF5.setProbe { path in if path == own { try probe(path) } }
        defer { ForeignHDF5.setProbe(nil) }
        try body()
    }
}
