import Checkpoints
import TestSupport
import Testing

struct ChecksumTests {
    private func checksum(_ bytes: [UInt8]) -> CRC32 {
        var sum = CRC32()
        bytes.withUnsafeBytes { sum.update($0) }
        return sum
    }

    @Test func agreesWithThePublishedCheckValue() {
        #expect(checksum(Array("123456789".utf8)).value == 0xCBF4_3926)
        #expect(checksum([]).text == "00000000")
    }

    @Test func splittingTheInputChangesNothing() {
        var generator = SeededGenerator(seed: 5)
        let bytes = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for _ in 0..<50 {
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            var sum = CRC32()
            for part in [bytes[..<cut], bytes[cut...]] { part.withUnsafeBytes { sum.update($0) } }
            #expect(sum.value == checksum(bytes).value)
        }
    }
}
