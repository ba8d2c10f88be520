extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, at any alignment; `nil` where the bytes end before it does.
    func integer<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number? {
        guard offset >= 0, offset <= count, count - offset >= MemoryLayout<Number>.size else { return nil }
        return Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// The `count` bytes from `offset` on; `nil` where the bytes end before.
    func part(at offset: Int, count partCount: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, partCount >= 0, offset <= count, count - offset >= partCount else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset + partCount])
    }
}
