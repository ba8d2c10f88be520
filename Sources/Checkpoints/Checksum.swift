/// CRC-32 as zlib and PNG compute it, so that Python's `zlib.crc32` confirms it.
package struct CRC32: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    package init() {}

    /// The checksum of all bytes so far.
    package var value: UInt32 { ~state }

    /// Eight lower-case hexadecimal digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { state = Self.tables.update(state, bytes) }

    private static let tables = CRCTables(polynomial: 0xEDB8_8320)
}

/// CRC-32C (Castagnoli), as the frames of TFRecord files have it.
struct CRC32C {
    private static let tables = CRCTables(polynomial: 0x82F6_3B78)

    /// The checksum of `bytes`.
    static func value(of bytes: UnsafeRawBufferPointer) -> UInt32 { ~tables.update(0xFFFF_FFFF, bytes) }

    /// The checksum of `bytes`, changed as TFRecord files change it, so that checksums of data that holds checksums
    /// are no worse than others.
    static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let value = value(of: bytes)
        return (value >> 15 | value << 17) &+ 0xA282_EAD8
    }
}

/// The effects of bytes on a checksum with a reflected polynomial of 32 bits.
private struct CRCTables: Sendable {
    /// Table `k` at `k * 256`: the effect of a byte that `k` more bytes follow.
    private let tables: [UInt32]

    init(polynomial: UInt32) {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let value = tables[index - 256]
            tables[index] = value >> 8 ^ tables[Int(value & 0xFF)]
        }
        self.tables = tables
    }

    /// The state after `bytes`.
    func update(_ state: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var crc = state
            var offset = 0
            // Eight bytes at a time, each through the table for its distance from the end.
            while offset + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = word ^ UInt64(crc)
                crc = 0
                for lane in 0..<8 {
                    let byte = Int(truncatingIfNeeded: mixed >> (8 * UInt64(lane))) & 0xFF
                    crc ^= tables[(7 - lane) * 256 + byte]
                }
                offset += 8
            }
            while offset < bytes.count {
                crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return crc
        }
    }
}
