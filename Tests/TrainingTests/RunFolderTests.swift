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

    @Test func whatAnEarlierRunLeftIsKept() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try temporary.write("log", to: "metrics.jsonl")
        #expect(try folder.keepEarlierRun() == nil)
        for (number, expected) in ["earlier-1", "earlier-2"].enumerated() {
            _ = try folder.output.folder("checkpoints")
            // As a run replaces them: under the same name, but not in the same file.
            for name in ["checkpoints/step-00000005.h5", "final.h5"] {
                try AtomicFile.write("run \(number)", to: temporary.path(name))
            }
            #expect(try folder.keepEarlierRun() == expected)
            #expect(try folder.keepEarlierRun() == nil)
        }
        for (number, place) in ["earlier-1", "earlier-2"].enumerated() {
            #expect(try temporary.names("\(place)/checkpoints") == ["step-00000005.h5"])
            #expect(try temporary.text("\(place)/checkpoints/step-00000005.h5") == "run \(number)")
            #expect(try temporary.text("\(place)/final.h5") == "run \(number)")
        }
        #expect(try temporary.text("earlier-1/metrics.jsonl") == "log")
        #expect(
            try temporary.names()
                == [FolderLock.fileName, "checkpoints", "earlier-1", "earlier-2", "final.h5"])
    }

    @Test func eventsOfAnEarlierRunGoWithItsMetrics() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try temporary.write("of another program", to: "events.out.tfevents.1.x")
        func newFile() throws -> String {
            let file = try EventFile(creatingIn: temporary.path, host: "h", time: 100)
            return String(file.path.dropFirst(temporary.path.count + 1))
        }
        let first = try newFile()
        _ = try folder.output.folder("checkpoints")
        try AtomicFile.write("run", to: temporary.path("checkpoints/step-00000005.h5"))
        #expect(try folder.keepEarlierRun() == "earlier-1")
        #expect(try temporary.names("earlier-1").contains(first))
        // A run that came to nothing.
        let second = try newFile()
        #expect(try folder.keepEarlierRun() == nil)
        try folder.removeEvents()
        #expect(
            try temporary.names().filter { $0.hasPrefix("events") } == ["events.out.tfevents.1.x"],
            "\(second)")
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
        #expect(try folder.setAsideCheckpoints(after: 5) == "earlier-1")
        #expect(try temporary.names("checkpoints") == ["step-00000005.h5"])
        #expect(try temporary.names("earlier-1/checkpoints") == ["step-00000010.h5", "step-00000015.h5"])
    }
}
