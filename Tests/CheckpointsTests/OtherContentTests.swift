import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files that are something else than their names say.
struct OtherContentTests {
    static let contents: [(start: [UInt8], what: String)] = [
        (
            Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".utf8),
            "git-lfs pointer"
        ),
        (Array("<!DOCTYPE html><html>".utf8), "HTML"), ([0x1F, 0x8B, 8, 0, 0], "gzip"),
        (Array("PAR1".utf8), "Parquet"), (Array("%PDF-1.4".utf8), "PDF"),
        (Array("model_checkpoint_path: \"a\"\n".utf8), "TensorFlow checkpoint"),
        ([0xFF, 0xFE, 0x7B, 0, 0x7D, 0], "UTF-16"),
    ]

    /// By the name of the file, each way in that reads one.
    private static let readers: [(name: String, read: @Sendable (String) throws -> Void)] = [
        ("model.safetensors", { _ = try openWeights($0) }),
        ("pytorch_model.bin", { _ = try openWeights($0) }),
        ("tf_model.h5", { _ = try openWeights($0) }), ("a.h5", { _ = try KerasWeights(path: $0) }),
        ("checkpoint.h5", { _ = try CheckpointFile(path: $0) }),
        ("model.h5", { _ = try ModelFolder(path: $0) }),
        (
            "columns.h5",
            {
                _ = try ColumnFile(
                    path: $0, names: ColumnFile.Names(attributes: [], texts: [], columns: [], indexes: []))
            }
        ),
        ("records.tfrecord", { try TFRecordFile.forEachRecord(of: MappedFile(path: $0)) { _, _ in } }),
        ("model.safetensors.index.json", { _ = try openWeights($0) }),
        ("config.json", { _ = try ModelFolder.configuration(at: $0) }),
        ("inspected.bin", { _ = try Inspection(path: $0) }),
    ]

    @Test(arguments: contents.indices) func everyReaderSaysWhatTheFileIs(_ index: Int) throws {
        let (start, what) = Self.contents[index]
        let folder = try TemporaryFolder()
        for (name, read) in Self.readers {
            let path = try folder.write(start + Array(repeating: 0x20, count: 40), to: name)
            let error = checkpointError { try read(path) }
            #expect(error?.category == .badData && error?.path == path, "\(name)")
            #expect(error?.what.contains(what) == true, "\(name): \(error?.what ?? "")")
        }
    }

    @Test func eachFormatIsNamedToTheReaderOfAnother() throws {
        let folder = try TemporaryFolder()
        let safetensors = try folder.write(bytes(of: fixture("half.safetensors")), to: "a.h5")
        #expect(
            checkpointError { _ = try CheckpointFile(path: safetensors) }?.what
                == "is a safetensors file, not HDF5")
        let zip = try folder.write([0x50, 0x4B, 3, 4, 0], to: "b.h5")
        #expect(checkpointError { _ = try KerasWeights(path: zip) }?.what == "is a zip archive, not HDF5")
        let json = try folder.write(Array("{\"a\": 1}".utf8), to: "c.h5")
        #expect(checkpointError { _ = try CheckpointFile(path: json) }?.what == "is JSON, not HDF5")
        let part = try folder.write([0, 1, 2], to: "bert_model.ckpt.data-00000-of-00001")
        #expect(checkpointError { _ = try openWeights(part) }?.what == "is part of a TensorFlow checkpoint")
    }

    @Test func aByteOrderMarkIsNoPartOfATextFile() throws {
        let folder = try TemporaryFolder()
        let text = try bytes(of: fixture("bert/config.json"))
        let path = try folder.write([0xEF, 0xBB, 0xBF] + text, to: "config.json")
        #expect(try MappedFile.contents(of: path) == text)
        #expect(try ModelFolder.configuration(at: path).configuration == fixtureConfiguration())
    }
}
