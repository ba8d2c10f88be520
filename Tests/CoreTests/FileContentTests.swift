import Core
import Testing

struct FileContentTests {
    @Test(arguments: [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            FileContent.gitLFSPointer
        ),
        ("<!DOCTYPE html>\n<html lang=\"en\">", .html), ("\u{FEFF}\n <HTML><body>", .html),
        ("<?xml version", .xml),
        ("BZh91AY&SY", .bzip2), ("Rar!\u{1A}\u{7}", .rar), ("PAR1\u{15}\u{4}", .parquet),
        ("ARROW1\0\0", .arrow),
        ("SQLite format 3\0", .sqlite), ("%PDF-1.7\n", .pdf), ("PK\u{3}\u{4}\u{14}\0", .zip),
        ("model_checkpoint_path: \"bert_model.ckpt\"\n", .tensorFlowCheckpoint),
        ("{\"data\": []}", .json), ("\u{FEFF} [1]", .json),
        ("id,title,context,question,answers\n1,a,b,c,d\n", .csv), ("\"id\"\t\"question\"\r\n1\t2\r\n", .csv),
    ])
    func textsAreRecognised(_ start: String, _ content: FileContent) {
        #expect(FileContent.recognised(start.utf8) == content)
    }

    @Test(
        arguments: [
            ([0x1F, 0x8B, 8, 0], FileContent.gzip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0], .xz),
            ([0x28, 0xB5, 0x2F, 0xFD, 4], .zstandard), ([0x80, 2, 0x7D, 0x71], .pickle),
            ([0x80, 4, 0x95], .pickle),
            ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], .hdf5),
            ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1], .numPy),
            ([0x10, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22], .safetensors),
            ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip),
            ([0xFF, 0xFE, 0x7B, 0, 0x22, 0], .utf16), ([0xFE, 0xFF, 0, 0x7B], .utf16),
            ([0x7B, 0, 0x22, 0, 0x61, 0], .utf16),
            ([0xFF, 0xFE, 0, 0, 0x7B, 0, 0, 0], .utf32),
            ([UInt8](repeating: 0x61, count: 257) + Array("ustar\u{0}00".utf8), .tar),
        ] as [([UInt8], FileContent)])
    func bytesAreRecognised(_ start: [UInt8], _ content: FileContent) {
        #expect(FileContent.recognised(start) == content)
    }

    @Test(arguments: ["bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001", "bert_model.ckpt.meta"])
    func partsOfATensorFlowCheckpointAreKnownByName(_ name: String) {
        #expect(FileContent.recognised([0, 0, 0x1B, 8, 2], name: name) == .tensorFlowCheckpoint)
    }

    /// Vocabularies, logs, settings and damage.
    @Test(arguments: [
        "", "[PAD]\n[UNK]\n", "{a", "[UNK], x\n", "가,나\n", "learning_rate: 1e-3\n",
        ",\n.\n", "a\n",
    ])
    func otherTextIsNotTakenForSomething(_ start: String) {
        #expect(FileContent.recognised(start.utf8) == nil)
    }

    @Test func everyKindSaysOneSentence() {
        for content in FileContent.allCases {
            #expect(content.what.hasPrefix("is ") && content.remedy != "")
        }
    }
}
