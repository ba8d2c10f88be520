import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct TFRecordFileTests {
    private func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
        let folder = try TemporaryFolder()
        var records: [[UInt8]] = []
        try TFRecordFile.forEachRecord(of: MappedFile(path: folder.write(bytes, to: "f.tfrecord"))) {
            number, record in
            #expect(number == records.count)
            records.append(Array(record))
        }
        return records
    }

    private func file(_ records: [[UInt8]]) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        try AtomicFile.stream(to: folder.file("f")) { sink in
            for record in records { try TFRecordFile.append(record, to: sink) }
        }
        return try bytes(of: folder.file("f"))
    }

    /// The check value of the catalogue of checksums.
    @Test func theChecksumIsCastagnolis() {
        #expect(Array("123456789".utf8).withUnsafeBytes(CRC32C.value) == 0xE306_9283)
        #expect([UInt8](repeating: 0, count: 32).withUnsafeBytes(CRC32C.value) == 0x8A91_36AA)
    }

    /// Written by `tf.io.TFRecordWriter` of TensorFlow 2.18: `Tests/Fixtures/features/generate_records.py`.
    @Test func recordsOfTensorFlowAreRead() throws {
        let path = Paths.fixtures.appending(path: "features/padded.tfrecord").path()
        let whole = try bytes(of: path)
        #expect(TFRecordFile.isRecordFile(Array(whole.prefix(12))))
        let examples = try records(whole).enumerated().map {
            try $1.withUnsafeBytes { try TensorExample($0, path: path, item: "") }
        }
        #expect(examples.count == 3)
        #expect(examples[0]["input_ids"] == [2, 11, 12, 3, 20, 21, 22, 3, 0, 0, 0, 0])
        #expect(examples[0]["attention_mask"] == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
        #expect(examples[0]["start_positions"] == [4] && examples[0]["end_positions"] == [5])
        #expect(examples[0]["weight"] == nil && examples[0]["none"] == nil)
        #expect(examples[2].names.contains("example_id"))
    }

    @Test func recordsOfAnyLengthRoundTrip() throws {
        let all = [0, 1, 7, 8, 9, 1000, 70_000].map { count in
            (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        }
        #expect(try records(file(all)) == all)
        #expect(try records([]) == [])
    }

    @Test func everyFlippedBitAndEveryCutIsFoundWithItsRecord() throws {
        let whole = try file([[1, 2, 3], [4, 5, 6, 7, 8]])
        let first = 12 + 3 + 4
        for bit in 0..<whole.count * 8 {
            var bytes = whole
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = #expect(throws: CheckpointError.self) { try records(bytes) }
            #expect(error?.category == .badData && error?.item == "record \(bit / 8 < first ? 0 : 1)")
        }
        for count in 1..<whole.count where count != first {
            let error = #expect(throws: CheckpointError.self) { try records(Array(whole.prefix(count))) }
            #expect(error?.item == "record \(count < first ? 0 : 1)")
        }
    }

    @Test func hugeLengthsAreRefusedBeforeAnythingIsAllocated() throws {
        for length: UInt64 in [.max, 1 << 63, (1 << 63) - 1, (1 << 63) - 17, 1 << 40] {
            var bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) }
            let checksum = bytes.withUnsafeBytes(CRC32C.masked)
            bytes += withUnsafeBytes(of: checksum.littleEndian) { Array($0) } + [1, 2, 3, 4, 5, 6, 7, 8]
            #expect(throws: CheckpointError.self) { try records(bytes) }
        }
    }

    @Test func examplesAreTheSameBytesInWhicheverOrderTheyAreFilled() throws {
        let names = ["start_positions", "input_ids", "a", "token_type_ids", "b", "end_positions"]
        func bytes(_ names: [String]) throws -> [UInt8] {
            var example = TensorExample()
            for name in names { example[name] = [Int64(name.utf8.count), -1, 0, 1 << 40] }
            return try example.bytes
        }
        let expected = try bytes(names)
        for _ in 0..<20 { #expect(try bytes(names.shuffled()) == expected) }
        let read = try expected.withUnsafeBytes { try TensorExample($0, path: "p", item: "i") }
        #expect(read["input_ids"] == [9, -1, 0, 1 << 40] && read.names == names.sorted())
    }

    @Test func whatIsNoExampleIsRefused() throws {
        let error = #expect(throws: CheckpointError.self) {
            try [0x0A, 0xFF, 1].withUnsafeBytes { try TensorExample($0, path: "f", item: "record 4") }
        }
        #expect(error?.category == .badData && error?.item == "record 4")
    }
}
