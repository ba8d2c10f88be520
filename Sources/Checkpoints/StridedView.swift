/// Where the elements of a tensor are in its storage.
struct StridedView: Sendable, Equatable {
    let shape: [Int]
    /// Bytes of the storage, from its start, within which all elements are.
    let range: Range<Int>
    /// Bytes of all elements.
    let byteCount: Int
    /// Whether the elements fill `range` in row-major order.
    let isContiguous: Bool
    /// Bytes from an element to the next, by dimension.
    private let steps: [Int]
    private let elementSize: Int

    /// A tensor that starts `offset` elements into the part `part` of a storage; strides count elements. `nil` when
    /// an element would be outside of the part, or when there are more than can be counted.
    init?(shape: [Int], strides: [Int], offset: Int, part: Range<Int>, elementSize: Int) {
        precondition(shape.count == strides.count)
        guard let byteCount = Self.product(shape, elementSize),
            let last = shape.contains(0) ? 0 : Self.lastElement(shape, strides),
            let steps = Self.steps(shape, strides, elementSize)
        else { return nil }
        let count = shape.contains(0) ? 0 : 1
        // The number of elements from the part's start to the tensor's end.
        let (reach, overflow) = offset.addingReportingOverflow(last)
        guard !overflow, reach <= part.count - count,
            let start = Self.product([part.lowerBound + offset], elementSize),
            let end = Self.product([part.lowerBound + reach + count], elementSize)
        else { return nil }
        self.shape = shape
        self.byteCount = byteCount
        self.steps = steps
        self.elementSize = elementSize
        range = start..<end
        isContiguous = Self.isContiguous(shape, strides)
    }

    /// Calls `body` with the elements in row-major order; `bytes` are those of `range`. What is not there in that
    /// order is copied, `byteCount` bytes.
    func withElements<Result>(
        in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition(bytes.count == range.count)
        if isContiguous { return try body(bytes) }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { copy.deallocate() }
        gather(bytes, into: copy)
        return try body(UnsafeRawBufferPointer(copy))
    }

    private func gather(_ bytes: UnsafeRawBufferPointer, into copy: UnsafeMutableRawBufferPointer) {
        switch elementSize {
        case 1: gather(bytes, into: copy, UInt8.self)
        case 2: gather(bytes, into: copy, UInt16.self)
        case 4: gather(bytes, into: copy, UInt32.self)
        default: gather(bytes, into: copy, UInt64.self)
        }
    }

    private func gather<Element: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, into copy: UnsafeMutableRawBufferPointer, _ type: Element.Type
    ) {
        var index = [Int](repeating: 0, count: shape.count)
        var source = 0
        for target in Swift.stride(from: 0, to: byteCount, by: elementSize) {
            copy.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: source, as: type), toByteOffset: target, as: type)
            // On to the next element: the last dimension that is not at its end goes up, those after it start over.
            for dimension in shape.indices.reversed() {
                index[dimension] += 1
                source += steps[dimension]
                if index[dimension] < shape[dimension] { break }
                source -= index[dimension] * steps[dimension]
                index[dimension] = 0
            }
        }
    }

    private static func product(_ factors: [Int], _ first: Int) -> Int? {
        var product = first
        for factor in factors {
            let (next, overflow) = product.multipliedReportingOverflow(by: factor)
            if overflow { return nil }
            product = next
        }
        return product
    }

    /// The distance from the first to the last element.
    private static func lastElement(_ shape: [Int], _ strides: [Int]) -> Int? {
        var last = 0
        for (size, stride) in zip(shape, strides) {
            guard let distance = product([size - 1], stride) else { return nil }
            let (sum, overflow) = last.addingReportingOverflow(distance)
            if overflow { return nil }
            last = sum
        }
        return last
    }

    /// A stride along which there is but one element may be any number.
    private static func steps(_ shape: [Int], _ strides: [Int], _ elementSize: Int) -> [Int]? {
        let steps = zip(shape, strides).compactMap { $0 < 2 ? 0 : product([$1], elementSize) }
        return steps.count == strides.count ? steps : nil
    }

    private static func isContiguous(_ shape: [Int], _ strides: [Int]) -> Bool {
        guard !shape.contains(0) else { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
