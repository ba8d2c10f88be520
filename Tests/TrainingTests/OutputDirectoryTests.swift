import Checkpoints
import Foundation
import Testing
import Training

@Suite struct OutputDirectoryTests {
    @Test func missingFoldersAreMadeAndFilesWrittenWhole() throws {
        let temporary = try TemporaryFolder()
        let output = try OutputDirectory(creating: temporary.path("a/b"))
        try output.write("두레\n", to: "x.txt")
        #expect(try temporary.text("a/b/x.txt") == "두레\n")
        #expect(try output.folder("c").path == temporary.path("a/b/c"))
        #expect(try temporary.names("a/b") == ["c", "x.txt"])
    }

    @Test func pathsHaveOneSlash() throws {
        let temporary = try TemporaryFolder()
        #expect(try OutputDirectory(creating: temporary.path).path(of: "x") == temporary.path("x"))
        #expect(try OutputDirectory(creating: temporary.path + "/").path(of: "x") == temporary.path("x"))
    }

    @Test func aFileInPlaceOfTheFolderIsAnError() throws {
        let temporary = try TemporaryFolder()
        try temporary.write("", to: "file")
        for path in [temporary.path("file"), temporary.path("file/below")] {
            let error = try #require(throws: CheckpointError.self) {
                _ = try OutputDirectory(creating: path)
            }
            #expect(error.category == .cannotCreate && error.exitCode == 73)
            #expect(error.path == path)
        }
        #expect(try temporary.names() == ["file"])
    }

    @Test func aPlaceWithoutRoomForFoldersIsAnError() {
        #expect(throws: CheckpointError.self) { _ = try OutputDirectory(creating: "/proc/dure-output") }
    }

    @Test func whatWasMadeForNothingIsRemovedAgain() throws {
        let temporary = try TemporaryFolder()
        try OutputDirectory(creating: temporary.path("a/b/c")).removeIfEmpty()
        #expect(try temporary.names() == [])
        try OutputDirectory(creating: temporary.path).removeIfEmpty()
        #expect(try temporary.names() == [])
        let output = try OutputDirectory(creating: temporary.path("d/e"))
        try output.write("x", to: "x")
        output.removeIfEmpty()
        #expect(try temporary.names("d/e") == ["x"])
    }

    @Test func whatIsWrittenFollowsTheFolder() throws {
        let temporary = try TemporaryFolder()
        let output = try OutputDirectory(creating: temporary.path("a"))
        try output.requireInPlace(during: "the test")
        try FileManager.default.moveItem(atPath: temporary.path("a"), toPath: temporary.path("b"))
        try output.write("x", to: "x")
        #expect(try temporary.names() == ["b"] && temporary.text("b/x") == "x")
        let error = try #require(throws: CheckpointError.self) {
            try output.requireInPlace(during: "the test")
        }
        #expect(
            error.exitCode == 74 && error.what.hasSuffix("moved during the test, to \(temporary.path("b"))"))
        try FileManager.default.removeItem(atPath: temporary.path("b"))
        #expect(output.isGone && output.path == temporary.path("a"))
        #expect(throws: CheckpointError.self) { _ = try output.folder("c") }
        #expect(try temporary.names().isEmpty)
    }
}
