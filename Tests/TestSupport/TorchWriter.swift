/// Writes pickles, zip archives and streams as `torch.save` does, and such as it never would.
package enum TorchWriter {
    // MARK: Pickles

    /// A pickle of protocol 2 around `body`, which leaves one value.
    package static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + [UInt8(ascii: ".")] }

    package static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    package static func integer(_ value: Int) -> [UInt8] {
        [0x8A, 8] + littleEndian(UInt64(bitPattern: Int64(value)))
    }

    package static func global(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    package static func tuple(_ values: [UInt8]...) -> [UInt8] {
        [UInt8(ascii: "(")] + values.flatMap(\.self) + [UInt8(ascii: "t")]
    }

    package static func dictionary(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
        Array("}(".utf8) + entries.flatMap { $0.key + $0.value } + Array("u".utf8)
    }

    /// A reference to a storage of `count` elements.
    package static func storage(key: String, type: String = "FloatStorage", count: Int, more: [UInt8] = [])
        -> [UInt8]
    {
        tuple(text("storage"), global("torch", type), text(key), text("cpu"), integer(count), more)
            + Array("Q".utf8)
    }

    /// A tensor that is made by `_rebuild_tensor_v2`.
    package static func tensor(
        _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int]? = nil
    ) -> [UInt8] {
        let sizes = { (sizes: [Int]) in tuple(sizes.flatMap(integer)) }
        let hooks = global("collections", "OrderedDict") + Array(")R".utf8)
        let arguments = tuple(
            storage, integer(offset), sizes(shape), sizes(strides ?? rowMajor(shape)), [0x89], hooks)
        return global("torch._utils", "_rebuild_tensor_v2") + arguments + Array("R".utf8)
    }

    private static func rowMajor(_ shape: [Int]) -> [Int] {
        shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    }

    // MARK: Files

    /// A tensor of a state dict, its elements as float32 in row-major order.
    package struct FloatTensor {
        package let name: String
        package let shape: [Int]
        package let elements: [UInt8]

        package init(name: String, shape: [Int], elements: [UInt8]) {
            self.name = name
            self.shape = shape
            self.elements = elements
        }
    }

    /// What `torch.save` writes for a state dict of float tensors that are contiguous.
    package static func archive(_ tensors: [FloatTensor]) -> [UInt8] {
        let entries = tensors.enumerated().map { index, tensor in
            let storage = storage(key: "\(index)", count: tensor.elements.count / 4)
            return (text(tensor.name), Self.tensor(storage, shape: tensor.shape))
        }
        return archive(
            pickle: pickle(dictionary(entries)),
            storages: tensors.enumerated().map { ("\($0.offset)", $0.element.elements) })
    }

    package static func archive(pickle: [UInt8], storages: [(key: String, elements: [UInt8])]) -> [UInt8] {
        zip(
            [("a/data.pkl", pickle), ("a/byteorder", Array("little".utf8))]
                + storages.map { ("a/data/\($0.key)", $0.elements) })
    }

    /// The older stream; a storage's count is that of its elements of `elementSize` bytes.
    package static func stream(
        pickle: [UInt8], storages: [(key: String, elements: [UInt8])], elementSize: Int = 4
    ) -> [UInt8] {
        let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let start = [
            magic, integer(1001), dictionary([(text("little_endian"), [0x88])]),
        ].flatMap(Self.pickle)
        let keys = Self.pickle(Array("](".utf8) + storages.flatMap { text($0.key) } + Array("e".utf8))
        let numbers = storages.flatMap {
            littleEndian(UInt64($0.elements.count / elementSize)) + $0.elements
        }
        return start + pickle + keys + numbers
    }

    /// A zip archive of stored entries.
    ///
    /// - offsets: replaces where the directory says that the entries are.
    package static func zip(
        _ entries: [(name: String, bytes: [UInt8])], offsets: [Int]? = nil, method: UInt16 = 0,
        flags: UInt16 = 0
    ) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (index, entry) in entries.enumerated() {
            let facts =
                littleEndian(flags) + littleEndian(method) + [0, 0, 0, 0] + littleEndian(crc32(entry.bytes))
                + littleEndian(UInt32(entry.bytes.count)) + littleEndian(UInt32(entry.bytes.count))
                + littleEndian(UInt16(entry.name.utf8.count)) + [0, 0]
            let offset = UInt32(offsets?[index] ?? file.count)
            file +=
                littleEndian(UInt32(0x0403_4B50)) + [20, 0] + facts + Array(entry.name.utf8) + entry.bytes
            directory += littleEndian(UInt32(0x0201_4B50)) + [20, 0, 20, 0] + facts
            directory += [UInt8](repeating: 0, count: 10) + littleEndian(offset) + Array(entry.name.utf8)
        }
        let count = littleEndian(UInt16(entries.count))
        let end =
            littleEndian(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + count + count
            + littleEndian(UInt32(directory.count)) + littleEndian(UInt32(file.count)) + [0, 0]
        return file + directory + end
    }

    package static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Bit by bit, so that it is not the reader's.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }
}
