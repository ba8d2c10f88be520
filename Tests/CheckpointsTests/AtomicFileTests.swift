import Checkpoints
import Foundation
import TestSupport
import Testing

struct AtomicFileTests {
    struct Interruption: Error {}

    @Test func writesAllBytesAndLeavesNothingElse() throws {
        let folder = try TemporaryFolder()
        let content = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        try AtomicFile.write(content, to: folder.file("a.bin"))
        #expect(try Data(contentsOf: URL(filePath: folder.file("a.bin"))) == content)
        #expect(try folder.names == ["a.bin"])
    }

    @Test func replacesWhatStoodThere() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.write("old and longer", to: folder.file("a"))
        try AtomicFile.write("new", to: folder.file("a"))
        #expect(try bytes(of: folder.file("a")) == Array("new".utf8))
    }

    @Test func aFailureLeavesTheOldContentAndNoTemporaryFile() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.write("old", to: folder.file("a"))
        #expect(throws: Interruption.self) {
            try AtomicFile.stream(to: folder.file("a")) { sink in
                try Array("half".utf8).withUnsafeBytes { try sink.write($0) }
                throw Interruption()
            }
        }
        #expect(throws: Interruption.self) {
            try AtomicFile.replace(folder.file("a")) { _ in throw Interruption() }
        }
        #expect(try folder.names == ["a"])
        #expect(try bytes(of: folder.file("a")) == Array("old".utf8))
    }

    @Test func theTemporaryFileStandsInTheSameFolderAndIsRecognisable() throws {
        let folder = try TemporaryFolder()
        let name = String(repeating: "가", count: 80)
        try AtomicFile.replace(folder.file(name)) { temporary in
            #expect(temporary.hasPrefix(folder.path + "/."))
            #expect(temporary.contains(".\(getpid())-"))
            #expect(AtomicFile.isTemporary(String(temporary.dropFirst(folder.path.count + 1))))
            let names = try folder.names
            #expect(names.count == 1)
        }
        #expect(!AtomicFile.isTemporary(name))
        #expect(try folder.names == [name])
    }

    @Test func whatAKilledProcessLeftIsRemovedAndWhatIsBeingWrittenIsNot() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write([1, 2], to: ".old.h5.123-4.dure-partial")
        _ = try folder.write([1], to: "kept.h5")
        try AtomicFile.replace(folder.file("new.h5")) { temporary in
            #expect(AtomicFile.removeAbandoned(in: folder.path) == [".old.h5.123-4.dure-partial"])
            #expect(FileManager.default.fileExists(atPath: temporary))
        }
        #expect(try folder.names == ["kept.h5", "new.h5"])
        #expect(AtomicFile.removeAbandoned(in: folder.file("none")).isEmpty)
    }

    @Test func aMissingFolderIsAnOutputThatCannotBeCreated() throws {
        let folder = try TemporaryFolder()
        let error = checkpointError { try AtomicFile.write("x", to: folder.file("missing/a")) }
        #expect(error?.category == .cannotCreate)
        #expect(error?.path == folder.file("missing/a"))
        #expect(error?.what.contains("No such file or directory") == true)
    }

    @Test(arguments: ["", "folder", "folder/", "file/inside"])
    func aPathThatCannotBeAFileIsAnOutputThatCannotBeCreated(_ name: String) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("folder"), withIntermediateDirectories: true)
        _ = try folder.write([1], to: "file")
        let error = checkpointError {
            try AtomicFile.stream(to: name.isEmpty ? "" : folder.file(name)) { _ in
                Issue.record("the work was begun")
            }
        }
        #expect(error?.category == .cannotCreate)
        #expect(try folder.names == ["file", "folder"])
    }

    @Test func manyWritersOfOneFileLeaveOneWholeFile() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("shared")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    try AtomicFile.write(String(repeating: "\(writer)", count: 10_000), to: path)
                }
            }
            try await group.waitForAll()
        }
        let content = try bytes(of: path)
        #expect(content.count == 10_000)
        #expect(Set(content).count == 1)
        #expect(try folder.names == ["shared"])
    }
}
