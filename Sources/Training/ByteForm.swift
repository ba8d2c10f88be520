/// Values one after the other as bytes, for exchanges between ranks of one build.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ value: Int) {
        withUnsafeBytes(of: Int64(value)) { bytes.append(contentsOf: $0) }
    }

    mutating func add<Value: BitwiseCopyable>(_ values: [Value]) {
        add(values.count)
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func add(_ text: String) {
        add(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(_ texts: [String]) {
        add(texts.count)
        for text in texts { add(text) }
    }
}

/// Reads back what `ByteWriter` wrote, in the same order. Bytes come from another rank of the same build, so that a
/// wrong count is an internal error.
struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func integer() -> Int { Int(load(Int64.self)) }

    mutating func values<Value: BitwiseCopyable>(of type: Value.Type = Value.self) -> [Value] {
        let count = integer()
        let part = next(count * MemoryLayout<Value>.stride)
        return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
            part.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            initialized = count
        }
    }

    mutating func text() -> String {
        let count = integer()
        return String(decoding: next(count), as: UTF8.self)
    }

    mutating func texts() -> [String] { (0..<integer()).map { _ in text() } }

    private mutating func load<Value: BitwiseCopyable>(_ type: Value.Type) -> Value {
        next(MemoryLayout<Value>.size).withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }

    private mutating func next(_ count: Int) -> ArraySlice<UInt8> {
        precondition(count >= 0 && count <= bytes.count - position)
        defer { position += count }
        return bytes[position..<position + count]
    }
}
