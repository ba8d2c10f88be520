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

    @Test(
        arguments: [
            ("klue/bert-base", "klue/bert-base"),
            ("bert-base-multilingual-cased", "bert-base-multilingual-cased"),
            ("monologg/koelectra-base-v3-discriminator", "monologg/koelectra-base-v3-discriminator"),
            ("https://huggingface.co/klue/bert-base/tree/main", "klue/bert-base"),
        ])
    func aNameOfTheHubComesWithTheCommandThatFetchesIt(path: String, name: String) throws {
        let error = try #require(checkpointError { _ = try ModelFolder(path: path) })
        #expect(error.category == .missingInput && error.path == path)
        let folder = "models/" + name.split(separator: "/").joined(separator: "-")
        #expect(error.remedy.contains("hf download \(name) --local-dir \(folder) "))
        #expect(error.remedy.contains("--model \(folder);"))
    }

    @Test(arguments: [
        "m", "models", "output/final.h5", "./klue/bert-base", "/klue/bert-base", "a/b/c", "klue/",
        "../bert-base",
        "my bert/base", "model.safetensors", "",
    ])
    func whatIsRatherAPathIsNoNameOfTheHub(path: String) throws {
        let error = try #require(checkpointError { _ = try ModelFolder(path: path) })
        #expect(error.category == .missingInput && !error.remedy.contains("download"))
    }

    /// A folder with files of these names and texts.
    private func error(_ names: [String: String]) throws -> CheckpointError {
        let folder = try TemporaryFolder()
        for (name, text) in names {
            let place = URL(filePath: folder.file("model/\(name)")).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            _ = try folder.write(text.utf8, to: "model/\(name)")
        }
        return try #require(checkpointError { _ = try ModelFolder(path: folder.file("model")) })
    }

    @Test func aModelFurtherDownIsFound() throws {
        for (place, isCache) in [
            ("snapshots/0123abc", true), ("models--klue--bert-base/snapshots/0123abc", true),
            ("checkpoint-10", false),
        ] {
            let error = try error(["\(place)/config.json": "{}", "refs/main": "0123abc"])
            #expect(error.remedy.hasSuffix("/model/\(place)"), "\(error) \(isCache)")
            #expect(error.category == .missingInput && error.what.contains("below"))
        }
    }

    @Test(arguments: ["config.json", "vocab.txt", "model.safetensors"])
    func aFileOfAFolderComesWithTheFolder(name: String) throws {
        let error = try #require(checkpointError { _ = try ModelFolder(path: fixture("bert/\(name)")) })
        #expect(error.category == .badData && error.remedy == "give --model \(fixture("bert"))")
    }

    @Test func whatARunLeftIsRecognised() throws {
        let error = try error(["run.json": "{}", "final.h5": "", "best.h5": ""])
        #expect(error.remedy.hasSuffix("/model/final.h5"))
    }

    @Test func aFolderWithoutAModelIsSaidToHoldNone() throws {
        let error = try error(["a.txt": "", "b.txt": ""])
        #expect(error.what == "the folder holds no model" && error.remedy.hasSuffix("here are a.txt, b.txt"))
    }

    private static let configuration =
        (try? String(contentsOfFile: fixture("bert/config.json"), encoding: .utf8)) ?? ""

    @Test func aTokenizerThatIsSerializedAloneComesWithAWayToAVocabulary() throws {
        let error = try error([
            "config.json": Self.configuration,
            "tokenizer.json": #"{"model": {"type": "WordPiece", "vocab": {}}}"#,
        ])
        #expect(error.category == .missingInput)
        #expect(error.what.contains("tokenizer.json alone") && error.what.contains("vocab.txt is missing"))
        #expect(error.remedy.contains("python3 -c"))
    }

    @Test(arguments: [
        ("tokenizer.json", #"{"model": {"type": "Unigram"}}"#, "Unigram"),
        ("spiece.model", "", "SentencePiece"),
        ("tokenizer_78b3253a26.model", "", "SentencePiece"), ("merges.txt", "", "BPE"),
    ])
    func anotherTokenizerIsNamed(name: String, text: String, kind: String) throws {
        let error = try error(["config.json": Self.configuration, name: text])
        #expect(error.category == .badData && error.path.hasSuffix(name) && error.what.contains(kind))
    }

    @Test(arguments: [
        ("bert_model.ckpt.index", "TensorFlow 1"), ("model.onnx", "ONNX"), ("model-q4.gguf", "llama.cpp"),
        ("flax_model.msgpack", "Flax"), ("adapter_model.safetensors", "peft"),
        ("model-00001-of-00002.safetensors", "index"), ("weights.pt", "pytorch_model.bin"),
    ])
    func weightsThatAreNotReadAreNamed(name: String, word: String) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write([], to: name)
        let error = try #require(checkpointError { _ = try openWeights(folder.path) })
        #expect(
            error.category == .missingInput && error.remedy.hasPrefix(name) && error.remedy.contains(word))
    }
}
