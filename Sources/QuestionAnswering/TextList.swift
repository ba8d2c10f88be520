/// Texts end to end in blocks of memory: a large dataset's in about the bytes of its text, where an array of `String`
/// takes an allocation for each. An element is made when it is asked for.
package struct TextList: Sendable, RandomAccessCollection {
    /// Bytes of a block, but for a single text that is longer. Lists that grow copy no more than this.
    private static let blockSize = 1 << 20

    private struct Place {
        let block: UInt32
        let start: UInt32
        let count: UInt32
    }

    private var blocks: [[UInt8]] = []
    private var places: [Place] = []

    package init() {}

    package init(_ texts: some Sequence<String>) {
        for text in texts { append(text) }
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { places.count }

    package subscript(index: Int) -> String {
        withBytes(index) { String(decoding: $0, as: UTF8.self) }
    }

    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends a text by its UTF-8.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if blocks.last.map({ $0.count + bytes.count > Self.blockSize }) ?? true {
            var block: [UInt8] = []
            // The first block of a small list grows by itself.
            if !blocks.isEmpty { block.reserveCapacity(Swift.max(Self.blockSize, bytes.count)) }
            blocks.append(block)
        }
        let last = blocks.count - 1
        places.append(
            Place(block: UInt32(last), start: UInt32(blocks[last].count), count: UInt32(bytes.count)))
        blocks[last].append(contentsOf: bytes)
    }

    /// Calls `body` with the UTF-8 of a text, without making a `String` of it.
    package func withBytes<Result>(
        _ index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let place = places[index]
        return try blocks[Int(place.block)].withUnsafeBytes { block in
            try body(
                UnsafeRawBufferPointer(
                    rebasing: block[Int(place.start)..<Int(place.start) + Int(place.count)]))
        }
    }

    /// Bytes of a text's UTF-8.
    package func byteCount(_ index: Int) -> Int { Int(places[index].count) }

    /// Bytes of memory.
    package var memoryBytes: Int {
        blocks.reduce(0) { $0 + $1.capacity } + places.capacity * MemoryLayout<Place>.stride
    }
}

extension TextList: Equatable {
    /// Whether both have the same texts by their code points.
    package static func == (left: TextList, right: TextList) -> Bool {
        left.count == right.count
            && left.indices.allSatisfy { index in
                left.withBytes(index) { left in right.withBytes(index) { left.elementsEqual($0) } }
            }
    }
}

extension TextList: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: String...) { self.init(elements) }
}
