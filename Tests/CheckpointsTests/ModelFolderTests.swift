import Foundation
import Model
import TestSupport
import Testing

@testable import Checkpoints

struct ModelFolderTests {
    @Test func aFolderOpensWithItsTexts() throws {
        let folder = try ModelFolder(path: fixture("bert"))
        #expect(folder.configuration.hiddenSize == 8)
        #expect(Array(folder.configurationText.utf8) == (try bytes(of: fixture("bert/config.json"))))
        #expect(folder.vocabulary == (try bytes(of: fixture("bert/vocab.txt"))))
        #expect(folder.tokenizerConfiguration == (try bytes(of: fixture("bert/tokenizer_config.json"))))
        #expect(folder.tokenizer == nil)
        #expect(!folder.isCheckpoint)
    }

    @Test func aCheckpointOpensWithTheSameTexts() throws {
        let checkpoint = try ModelFolder(path: fixture("by-h5py.h5"))
        #expect(checkpoint.configuration == (try fixtureConfiguration()))
        #expect(checkpoint.vocabulary == (try bytes(of: fixture("bert/vocab.txt"))))
        #expect(checkpoint.tokenizerSettings == ["do_lower_case": .flag(false)])
        #expect(checkpoint.isCheckpoint)
    }

    @Test func aWrongValueIsNamedWithFileKeyAndValue() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Array(#"{"model_type": "bert", "hidden_size": -3}"#.utf8), to: "config.json")
        let error = checkpointError { _ = try ModelFolder(path: folder.path) }
        #expect(error?.category == .badData)
        #expect(error?.path == folder.file("config.json"))
        #expect(error?.item == "hidden_size")
        #expect(error?.what.contains("-3") == true)
    }

    @Test(arguments: ["config.json", "vocab.txt"])
    func aFolderThatLacksAFileNamesIt(_ name: String) throws {
        let folder = try TemporaryFolder()
        for other in ["config.json", "vocab.txt"] where other != name {
            _ = try folder.write(bytes(of: fixture("bert/\(other)")), to: other)
        }
        let error = checkpointError { _ = try ModelFolder(path: folder.path) }
        #expect(error?.category == .missingInput)
        #expect(error?.path == folder.file(name))
    }

    @Test func whatIsNeitherFolderNorCheckpointIsRefused() throws {
        #expect(checkpointError { _ = try ModelFolder(path: "/nowhere/at/all") }?.category == .missingInput)
        for name in ["bert/vocab.txt", "other.h5"] {
            #expect(checkpointError { _ = try ModelFolder(path: fixture(name)) }?.category == .badData)
        }
    }
}
