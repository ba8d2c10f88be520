/// One record of a zip archive's central directory.
struct ZipRecord {
    /// Bytes of a record before its name.
    static let fixedSize = 46

    let name: UnsafeRawBufferPointer
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let storedSize: Int
    let size: Int
    /// Of the entry's own header, in the file.
    let offset: Int
    /// Of this record, in the file.
    let end: Int

    /// Reads the record at `start`; `nil` when it is malformed. Both sizes and the offset are what the record says.
    init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        guard bytes.integer(at: start, as: UInt32.self) == 0x0201_4B50,
            let flags = bytes.integer(at: start + 8, as: UInt16.self),
            let method = bytes.integer(at: start + 10, as: UInt16.self),
            let checksum = bytes.integer(at: start + 16, as: UInt32.self),
            let nameCount = bytes.integer(at: start + 28, as: UInt16.self).map(Int.init),
            let extraCount = bytes.integer(at: start + 30, as: UInt16.self).map(Int.init),
            let commentCount = bytes.integer(at: start + 32, as: UInt16.self).map(Int.init),
            let name = bytes.part(at: start + Self.fixedSize, count: nameCount),
            let extra = bytes.part(at: start + Self.fixedSize + nameCount, count: extraCount),
            let sizes = Self.sizes(bytes, at: start, extra: extra)
        else { return nil }
        end = start + Self.fixedSize + nameCount + extraCount + commentCount
        guard end <= bytes.count else { return nil }
        self.name = name
        self.flags = flags
        self.method = method
        self.checksum = checksum
        (size, storedSize, offset) = sizes
    }

    /// Checks the entry's own header and what follows its bytes, and returns where they are; `bytes` is the archive.
    func entry(_ bytes: UnsafeRawBufferPointer, directory: Range<Int>, path: String) throws -> ZipEntry {
        guard let name = String(validating: name, as: UTF8.self) else {
            throw CheckpointError.badData("holds an entry whose name is not UTF-8", path: path)
        }
        func fail(_ what: String) -> CheckpointError { .badData(what, path: path, item: name) }
        guard flags & 1 == 0 else { throw fail("is encrypted") }
        guard method == 0, size == storedSize else {
            throw CheckpointError.badData(
                "is compressed, which torch never does", path: path, item: name,
                remedy: "save it again with torch.save, or pack it without compression (zip -0)")
        }
        guard let start = headerEnd(bytes) else { throw fail("has a header that differs from the directory") }
        guard start <= directory.lowerBound, size <= directory.lowerBound - start else {
            throw fail("reaches into the archive's directory or beyond the file")
        }
        guard isDescribed(bytes, at: start + size) else { throw fail("is not followed by its description") }
        return ZipEntry(name: name, range: start..<start + size, checksum: checksum)
    }

    /// The uncompressed and stored sizes and the offset; in the zip64 extra field where they do not fit.
    private static func sizes(
        _ bytes: UnsafeRawBufferPointer, at start: Int, extra: UnsafeRawBufferPointer
    ) -> (size: Int, stored: Int, offset: Int)? {
        var extension64 = Zip64Field(extra)
        guard let stored = bytes.integer(at: start + 20, as: UInt32.self),
            let size = bytes.integer(at: start + 24, as: UInt32.self),
            let offset = bytes.integer(at: start + 42, as: UInt32.self),
            // In this order, and only those that are needed.
            let fullSize = extension64.value(for: size),
            let fullStored = extension64.value(for: stored),
            let fullOffset = extension64.value(for: offset)
        else { return nil }
        return (fullSize, fullStored, fullOffset)
    }

    /// Where the entry's own header ends, if it is one of this name, method and flags.
    private func headerEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard offset <= bytes.count - 30,
            bytes.integer(at: offset, as: UInt32.self) == 0x0403_4B50,
            bytes.integer(at: offset + 6, as: UInt16.self) == flags,
            bytes.integer(at: offset + 8, as: UInt16.self) == method,
            bytes.integer(at: offset + 26, as: UInt16.self).map(Int.init) == name.count,
            let extraCount = bytes.integer(at: offset + 28, as: UInt16.self).map(Int.init),
            let ownName = bytes.part(at: offset + 30, count: name.count), ownName.elementsEqual(name)
        else { return nil }
        if !hasDescriptor, bytes.integer(at: offset + 14, as: UInt32.self) != checksum { return nil }
        return offset + 30 + name.count + extraCount
    }

    /// Whether the checksum and sizes stand after the bytes instead of before.
    private var hasDescriptor: Bool { flags & 8 != 0 }

    private func isDescribed(_ bytes: UnsafeRawBufferPointer, at end: Int) -> Bool {
        guard hasDescriptor else { return true }
        let first = bytes.integer(at: end, as: UInt32.self)
        // The signature before it may be left out.
        return first == checksum
            || (first == 0x0807_4B50 && bytes.integer(at: end + 4, as: UInt32.self) == checksum)
    }
}

/// The extra field of numbers with 64 bits.
private struct Zip64Field {
    private var field: UnsafeRawBufferPointer?
    private var position = 0

    init(_ extra: UnsafeRawBufferPointer) {
        var start = 0
        while let id = extra.integer(at: start, as: UInt16.self),
            let count = extra.integer(at: start + 2, as: UInt16.self).map(Int.init)
        {
            if id == 1 {
                field = extra.part(at: start + 4, count: count)
                return
            }
            start += 4 + count
        }
    }

    /// `short`, or the field's next number where all bits of it are set; `nil` when there is none or it is no size.
    mutating func value(for short: UInt32) -> Int? {
        guard short == .max else { return Int(short) }
        guard let long = field?.integer(at: position, as: UInt64.self) else { return nil }
        position += 8
        return Int(exactly: long)
    }
}
