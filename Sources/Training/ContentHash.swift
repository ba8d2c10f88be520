/// 128 bits that tell contents apart: two chains of multiplications and rotations over words of 8 bytes, at several
/// GB/s. Against accident, not against forgery.
package struct ContentHash: Sendable, Equatable {
    private var first: UInt64 = 0x9E37_79B1_85EB_CA87
    private var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    package init() {}

    /// Adds `bytes` and their number, so that what is added piece by piece cannot be mistaken for another division.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        let whole = bytes.count / 8 * 8
        for offset in stride(from: 0, to: whole, by: 8) {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        }
        guard whole < bytes.count else { return }
        add(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    // Each step is a bijection of the chain and of the word: a single change is never lost.
    private mutating func add(_ word: UInt64) {
        let mixed = (first ^ word) &* 0x9FB2_1C65_1E98_DF25
        first = mixed &<< 31 | mixed &>> 33
        let summed = (second &+ word) &* 0xD6E8_FEB8_6659_FD93
        second = summed &<< 29 | summed &>> 35
    }

    /// 32 hexadecimal digits.
    package var text: String {
        [Self.finished(first), Self.finished(second ^ first)].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The first half of the digits as a number.
    package var value: UInt64 { Self.finished(first) }

    private static func finished(_ chain: UInt64) -> UInt64 {
        var mixed = (chain ^ chain &>> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed &>> 33) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ mixed &>> 33
    }
}
