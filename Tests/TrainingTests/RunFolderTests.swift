import Checkpoints
import Foundation
import Testing

@testable import Training

@Suite struct RunFolderTests {
    @Test func oneRunAtATime() throws {
        let temporary = try TemporaryFolder()
        let first = try RunFolder(creating: temporary.path("out"))
        let error = try #require(throws: CheckpointError.self) {
            _ = try RunFolder(creating: temporary.path("out"))
        }
        #expect(error.category == .cannotCreate)
        #expect(error.what.contains("process \(getpid()) on host \(Host.name)"))
        #expect(try temporary.names("out") == [FolderLock.fileName])
        first.close(keepsFolder: true)
        #expect(try temporary.names("out").isEmpty)
        try RunFolder(creating: temporary.path("out")).close(keepsFolder: false)
        // It was there before.
        #expect(try temporary.names() == ["out"])
    }

    @Test func aFolderMadeForNothingGoes() throws {
        let temporary = try TemporaryFolder()
        try RunFolder(creating: temporary.path("a/b")).close(keepsFolder: false)
        #expect(try temporary.names().isEmpty)
    }

    @Test func whatADeadProcessLeftIsTakenOver() throws {
        let temporary = try TemporaryFolder()
        try temporary.write("otherhost 1 5\n", to: FolderLock.fileName)
        let folder = try RunFolder(creating: temporary.path)
        #expect(try temporary.text(FolderLock.fileName) == LockOwner.current.text)
        folder.close(keepsFolder: true)
    }

    @Test func anOwnerIsKnownByHostProcessAndStart() {
        let current = LockOwner.current
        #expect(LockOwner(text: current.text) == current)
        #expect(current.mayBeAlive)
        #expect(!LockOwner(host: current.host, process: current.process, started: "1").mayBeAlive)
        #expect(!LockOwner(host: current.host, process: .max, started: "1").mayBeAlive)
        #expect(LockOwner(host: "elsewhere", process: 1, started: "1").mayBeAlive)
        for text in ["", "a", "a b c", "a 1", "a -1 2", "a 1 2 3"] { #expect(LockOwner(text: text) == nil) }
    }

    @Test func halfWrittenFilesAreRemoved() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        _ = try folder.output.folder("checkpoints")
        try temporary.write("", to: ".final.h5.1-1.dure-partial")
        try temporary.write("", to: "checkpoints/.step-00000001.h5.1-1.dure-partial")
        #expect(folder.clean().count == 2)
        #expect(try temporary.names("checkpoints").isEmpty)
        folder.close(keepsFolder: true)
    }

    @Test func theRunIsKnownFromItsRecord() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        #expect(folder.run == nil)
        try temporary.write(#"{"run": "a-b"}"#, to: "run.json")
        #expect(folder.run == "a-b")
        try temporary.write("[", to: "run.json")
        #expect(folder.run == nil)
    }

    @Test func laterCheckpointsMakeRoom() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        _ = try folder.output.folder("checkpoints")
        for step in ["05", "10", "15"] { try temporary.write("x", to: "checkpoints/step-000000\(step).h5") }
        #expect(try folder.setAsideCheckpoints(after: 15) == nil)
        #expect(try folder.setAsideCheckpoints(after: 5) == temporary.path("earlier-1"))
        #expect(try temporary.names("checkpoints") == ["step-00000005.h5"])
        #expect(try temporary.names("earlier-1/checkpoints") == ["step-00000010.h5", "step-00000015.h5"])
    }
}
