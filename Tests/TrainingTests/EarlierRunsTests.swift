import Checkpoints
import Foundation
import Testing

@testable import Training

/// What a run leaves is kept from the next one in its folder.
@Suite struct EarlierRunsTests {
    private static let left = [
        "best.h5", "checkpoints/step-00000005.h5", "eval_nbest_predictions.json", "eval_null_odds.json",
        "eval_predictions.csv", "eval_predictions.json", "eval_results.json", "eval_trimmed_particles.tsv",
        "final.h5", "metrics.jsonl", "report.html", "run.json",
    ]
    private static let line = #"{"event":"train","step":1}"# + "\n"

    private static func write(_ names: [String], in temporary: TemporaryFolder) throws {
        for name in names {
            if name.contains("/") {
                try FileManager.default.createDirectory(
                    atPath: temporary.path("checkpoints"), withIntermediateDirectories: true)
            }
            try temporary.write(name == "metrics.jsonl" ? line : "of \(name)", to: name)
        }
    }

    /// The names of all files, but for the lock's.
    private static func files(_ temporary: TemporaryFolder, in folder: String = "") throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: temporary.path(folder))
        return names.filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(
                atPath: temporary.path("\(folder)/\(name)"), isDirectory: &isFolder)
            return !isFolder.boolValue && name != FolderLock.fileName
        }.sorted()
    }

    @Test func allOfARunIsKeptAndNothingElse() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try Self.write(Self.left, in: temporary)
        let own = ["checkpoints/notes.txt", "events.out.tfevents.1.x", "features/kept.h5", "train.json"]
        _ = try folder.output.folder("features")
        for name in own { try temporary.write("own", to: name) }
        let events = try EventFile(creatingIn: temporary.path, host: "h", time: 100)
        let eventName = String(events.path.dropFirst(temporary.path.count + 1))
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-1"))
        #expect(try Self.files(temporary, in: "earlier-1") == (Self.left + [eventName]).sorted())
        #expect(try temporary.text("earlier-1/final.h5") == "of final.h5")
        #expect(try Self.files(temporary).filter { !$0.hasPrefix("earlier") } == own)
        #expect(try folder.keepEarlierRun() == nil)
        try Self.write(["final.h5"], in: temporary)
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-2"))
    }

    /// Also when the record of the run, or all else, was lost.
    @Test(arguments: left.filter { !["report.html", "run.json"].contains($0) })
    func whateverIsThereIsKept(name: String) throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try Self.write([name], in: temporary)
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-1"))
        #expect(try Self.files(temporary) == ["earlier-1/\(name)"])
    }

    @Test func aRunThatCameToNothingIsNotKept() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try temporary.write("{}", to: "run.json")
        try temporary.write("", to: "metrics.jsonl")
        _ = try EventFile(creatingIn: temporary.path, host: "h", time: 100)
        try temporary.write("of another program", to: "events.out.tfevents.1.x")
        #expect(try folder.keepEarlierRun() == nil)
        #expect(try Self.files(temporary) == ["events.out.tfevents.1.x", "metrics.jsonl", "run.json"])
        // Numbers for TensorBoard without the lines that they are from are all that is left of a run.
        try FileManager.default.removeItem(atPath: temporary.path("metrics.jsonl"))
        _ = try EventFile(creatingIn: temporary.path, host: "h", time: 100)
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-1"))
    }

    @Test func namesThatAreTakenArePassedOver() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try temporary.write("a file", to: "earlier-1")
        _ = try folder.output.folder("earlier-2")
        try temporary.write("mine", to: "earlier-2/final.h5")
        try FileManager.default.createSymbolicLink(
            atPath: temporary.path("earlier-3"), withDestinationPath: "nowhere")
        try Self.write(["final.h5"], in: temporary)
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-4"))
        #expect(try temporary.text("earlier-2/final.h5") == "mine")
    }

    /// Before each of the moves, and after the last.
    @Test(arguments: 0...left.count) func aProcessKilledWhileItKeepsLosesNothing(moved: Int) throws {
        let temporary = try TemporaryFolder()
        try Self.write(Self.left, in: temporary)
        for folder in ["", "/checkpoints"] {
            try FileManager.default.createDirectory(
                atPath: temporary.path(EarlierRuns.unfinishedName + folder),
                withIntermediateDirectories: true)
        }
        for name in Self.left.prefix(moved) {
            try FileManager.default.moveItem(
                atPath: temporary.path(name), toPath: temporary.path("\(EarlierRuns.unfinishedName)/\(name)"))
        }
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        #expect(try folder.putBack())
        #expect(try Self.files(temporary) == Self.left)
        #expect(try !folder.putBack())
        #expect(try folder.keepEarlierRun() == temporary.path("earlier-1"))
        #expect(try Self.files(temporary, in: "earlier-1") == Self.left)
    }

    @Test func whatIsThereTwiceAfterAKillIsKeptTwice() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        _ = try folder.output.folder(EarlierRuns.unfinishedName)
        try temporary.write("old", to: "\(EarlierRuns.unfinishedName)/final.h5")
        try temporary.write("new", to: "final.h5")
        #expect(try folder.putBack())
        #expect(try temporary.text("final.h5") == "new" && temporary.text("earlier-1/final.h5") == "old")
    }

    @Test func whatCannotBeKeptStaysWhereItIs() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path)
        defer { folder.close(keepsFolder: true) }
        try Self.write(Self.left, in: temporary)
        // A folder that is not empty stands where a file should go.
        try FileManager.default.createDirectory(
            atPath: temporary.path("\(EarlierRuns.unfinishedName)/metrics.jsonl/x"),
            withIntermediateDirectories: true)
        let error = try #require(throws: CheckpointError.self) { _ = try folder.keepEarlierRun() }
        #expect(error.exitCode == 73 && error.path == temporary.path("metrics.jsonl"))
        #expect(error.remedy.contains("--output-dir"))
        #expect(try Self.files(temporary) == Self.left)
    }

    @Test func checkpointsThatAreElsewhereOnTheDiskAreKept() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path("out"))
        defer { folder.close(keepsFolder: true) }
        let large = try OutputDirectory(creating: temporary.path("large"))
        try large.write("x", to: "step-00000005.h5")
        try FileManager.default.createSymbolicLink(
            atPath: temporary.path("out/checkpoints"), withDestinationPath: "../large")
        #expect(try folder.keepEarlierRun() == temporary.path("out/earlier-1"))
        #expect(try temporary.text("out/earlier-1/checkpoints/step-00000005.h5") == "x")
        #expect(try temporary.names("out/checkpoints").isEmpty)
    }

    @Test func aRunGoesOnInItsOwnFolderAlone() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder(creating: temporary.path("out"))
        defer { folder.close(keepsFolder: true) }
        _ = try folder.output.folder("checkpoints")
        try temporary.write("x", to: "out/checkpoints/step-00000005.h5")
        try temporary.write("x", to: "step-00000005.h5")
        let (inside, outside) = (
            temporary.path("out/checkpoints/../checkpoints/step-00000005.h5"),
            temporary.path("step-00000005.h5")
        )
        #expect(folder.isFolder(of: "a", checkpoint: inside) && folder.isFolder(of: nil, checkpoint: inside))
        #expect(!folder.isFolder(of: "a", checkpoint: outside))
        try temporary.write(#"{"run": "a"}"#, to: "out/run.json")
        #expect(folder.isFolder(of: "a", checkpoint: outside))
        #expect(!folder.isFolder(of: "b", checkpoint: inside))
        #expect(try folder.keepEarlierRun(checkpointsStay: true) == nil)
        try temporary.write("x", to: "out/final.h5")
        #expect(try folder.keepEarlierRun(checkpointsStay: true) == temporary.path("out/earlier-1"))
        #expect(try Self.files(temporary, in: "out/earlier-1") == ["final.h5", "run.json"])
        #expect(try folder.checkpoints.steps() == [5])
    }
}
