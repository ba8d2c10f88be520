import Checkpoints
import Foundation
import Testing

@testable import Training

/// Folders and files that somebody takes away from under a run.
@Suite struct OutputLossTests {
    private struct Case {
        let temporary: TemporaryFolder
        let folder: RunFolder
        let log: MetricsLog

        /// A run in `out` that has logged one line.
        init() throws {
            temporary = try TemporaryFolder()
            folder = try RunFolder(creating: temporary.path("out"))
            log = try MetricsLog(path: folder.output.path(of: "metrics.jsonl"), interval: 1)
            folder.logs = [log.open]
            log.beforeWriting = folder.look
            try tell(1)
        }

        func tell(_ step: Int) throws {
            try log.observe(.saved(SavedCheckpoint(step: step, path: "x")))
        }

        func shell(_ command: String) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", "cd \"$0\" && \(command)", temporary.path]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        /// What the run ends with after a second line.
        func failure(savedAfter step: Int? = 2) throws -> CheckpointError {
            try tell(2)
            try #require(folder.isLost)
            var saving = RunPlaceSaving()
            saving.step = step
            return try #require(throws: CheckpointError.self) { try folder.fail(saving: saving) }
        }

        func lines(_ name: String) throws -> Int {
            try temporary.text(name).split(separator: "\n").count
        }
    }

    @Test func aRunThatIsLeftAloneHasNothingToSay() throws {
        let work = try Case()
        try work.tell(2)
        #expect(!work.folder.isLost)
        try work.folder.fail(saving: RunPlaceSaving())
        work.folder.close(keepsFolder: true)
        #expect(try work.temporary.names("out") == ["metrics.jsonl"])
    }

    @Test func aLogThatIsRemovedIsThereAgainWithAllLines() throws {
        let work = try Case()
        try work.shell("rm out/metrics.jsonl")
        let error = try work.failure()
        #expect(error.exitCode == 74)
        #expect(error.what == "metrics.jsonl was removed or replaced during the run")
        #expect(error.path == work.temporary.path("out"))
        #expect(error.remedy.contains("out/metrics.jsonl again; the state after step 2 is saved; run again"))
        #expect(try work.lines("out/metrics.jsonl") == 2)
    }

    @Test func aLogThatIsReplacedIsKeptBesideTheOther() throws {
        let work = try Case()
        try work.shell("mv out/metrics.jsonl out/old && echo other > out/metrics.jsonl")
        #expect(try work.failure().remedy.contains("out/metrics.jsonl.kept-1"))
        #expect(try work.temporary.text("out/metrics.jsonl") == "other\n")
        #expect(try work.lines("out/metrics.jsonl.kept-1") == 2)
    }

    @Test func aLogThatIsCutIsNoticed() throws {
        let work = try Case()
        try work.shell(": > out/metrics.jsonl")
        #expect(try work.failure().what == "metrics.jsonl was cut short during the run")
    }

    @Test(arguments: [false, true]) func aFolderThatIsMovedIsFollowed(isReplaced: Bool) throws {
        let work = try Case()
        try work.shell("mv out away" + (isReplaced ? " && mkdir out" : ""))
        // Whoever begins in the old place is not kept out of it, and has a lock of its own there.
        let other = try isReplaced ? RunFolder(creating: work.temporary.path("out")) : nil
        let error = try work.failure()
        #expect(error.exitCode == 74 && error.what == "the output folder was moved during the run")
        #expect(error.path.hasSuffix("out, now \(work.temporary.path("away"))"), "\(error.path)")
        #expect(error.remedy.contains("give that place as --output-dir"))
        #expect(throws: CheckpointError.self) { _ = try RunFolder(creating: work.temporary.path("away")) }
        #expect(work.folder.output.path(of: "final.h5") == work.temporary.path("away/final.h5"))
        work.folder.close(keepsFolder: true)
        #expect(try work.temporary.names("away") == ["metrics.jsonl"])
        #expect(try work.lines("away/metrics.jsonl") == 2)
        let names = try? work.temporary.names("out")
        #expect(names == (isReplaced ? [FolderLock.fileName] : nil))
        other?.close(keepsFolder: true)
    }

    @Test func aFolderThatIsRemovedIsMadeAgain() throws {
        let work = try Case()
        try work.shell("rm -r out")
        #expect(throws: CheckpointError.self) { _ = try work.folder.output.folder("checkpoints") }
        let error = try work.failure(savedAfter: nil)
        #expect(error.what == "the output folder was removed during the run")
        #expect(error.remedy.hasSuffix("metrics.jsonl again; run again"), "\(error.remedy)")
        #expect(try work.lines("out/metrics.jsonl") == 2)
        #expect(throws: CheckpointError.self) { _ = try RunFolder(creating: work.temporary.path("out")) }
    }

    @Test func aPlaceThatAnotherRunHasTakenIsLeftAlone() throws {
        let work = try Case()
        try work.shell("rm -r out && mkdir out && echo x > out/final.h5")
        let error = try work.failure(savedAfter: nil)
        #expect(error.remedy.contains("not all could be saved: the place is another run's"))
        #expect(try work.temporary.names("out") == ["final.h5"])
    }

    @Test func aLockThatIsRemovedIsTakenAgain() throws {
        let work = try Case()
        try work.shell("rm out/\(FolderLock.fileName)")
        try work.tell(2)
        #expect(!work.folder.isLost)
        #expect(throws: CheckpointError.self) { _ = try RunFolder(creating: work.temporary.path("out")) }
        try work.shell("rm out/\(FolderLock.fileName)")
        let other = try FolderLock(folder: work.temporary.path("out"))
        let error = try work.failure(savedAfter: nil)
        #expect(error.what.contains("another run is writing to this folder, process \(getpid())"))
        #expect(error.remedy.contains("name another --output-dir"))
        work.folder.close(keepsFolder: true)
        #expect(try work.temporary.names("out").contains(FolderLock.fileName))
        other.release()
    }
}
