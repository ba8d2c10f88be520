import Foundation

/// How the elements of two tensors of one shape differ.
package struct TensorDifference: Sendable, Codable, Equatable {
    /// The name in the first file, and in the second where that is another.
    package var name: String
    package var otherName: String?
    package var shape: [Int]
    /// Element types, one where both have the same.
    package var types: [String]
    /// Elements that differ in value, or, where the types are equal, in any bit.
    package var differing: Int
    /// Largest absolute difference; infinite where a NaN or infinity stands against anything else.
    package var largest: Double
    /// `largest` over the largest finite magnitude in either tensor.
    package var relative: Double
    /// Where `largest` is, one index a dimension, and the two values there.
    package var index: [Int]
    package var values: [Double]
}

extension TensorDifference {
    /// One side of a comparison.
    struct Side {
        let name: String
        let type: ElementType
        let elements: UnsafeRawBufferPointer
    }

    /// Compares two tensors of `shape`, both of comparable types or of the same; `nil` when nothing differs.
    init?(_ first: Side, _ second: Side, shape: [Int]) {
        let sameType = first.type == second.type
        if sameType, Self.sameBytes(first.elements, second.elements) { return nil }
        var scan = ElementScan()
        if first.type.isComparable {
            scan.compare(first, second, bits: sameType)
        } else {
            scan.compareBytes(first, second)
        }
        guard scan.differing > 0 else { return nil }
        name = first.name
        otherName = second.name.utf8.elementsEqual(first.name.utf8) ? nil : second.name
        self.shape = shape
        types = (sameType ? [first.type] : [first.type, second.type]).map(\.rawValue)
        differing = scan.differing
        largest = scan.largest
        relative = scan.largest == 0 ? 0 : scan.largest / scan.magnitude
        index = Self.index(of: scan.place, in: shape)
        values = scan.values
    }

    private static func sameBytes(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
        guard first.count == second.count else { return false }
        guard let left = first.baseAddress, let right = second.baseAddress else { return true }
        return memcmp(left, right, first.count) == 0
    }

    /// The index in each dimension of the element at `place` in row-major order.
    private static func index(of place: Int, in shape: [Int]) -> [Int] {
        var rest = place
        var index: [Int] = []
        for dimension in shape.reversed() {
            index.append(rest % max(dimension, 1))
            rest /= max(dimension, 1)
        }
        return index.reversed()
    }
}

/// What one walk over two tensors finds.
private struct ElementScan {
    var differing = 0
    var largest = 0.0
    var place = 0
    var values: [Double] = []
    /// Largest finite magnitude.
    var magnitude = 0.0

    /// With `bits`, NaNs of other bits and zeros of another sign differ too.
    mutating func compare(_ first: TensorDifference.Side, _ second: TensorDifference.Side, bits: Bool) {
        let count = min(
            first.elements.count * 8 / first.type.bitsPerElement,
            second.elements.count * 8 / second.type.bitsPerElement)
        for index in 0..<count {
            let left = first.type.double(first.elements, index)
            let right = second.type.double(second.elements, index)
            if left.isFinite { magnitude = max(magnitude, left.magnitude) }
            if right.isFinite { magnitude = max(magnitude, right.magnitude) }
            let isSame =
                bits
                ? Self.sameBits(first, second, index)
                : left == right || left.isNaN && right.isNaN
            if !isSame { note(left, right, at: index) }
        }
    }

    /// For types that are no plain numbers: bytes that differ have no size of difference.
    mutating func compareBytes(_ first: TensorDifference.Side, _ second: TensorDifference.Side) {
        let bits = first.type.bitsPerElement
        for byte in 0..<min(first.elements.count, second.elements.count)
        where first.elements[byte] != second.elements[byte] {
            note(.nan, .nan, at: byte * 8 / bits)
        }
    }

    private mutating func note(_ left: Double, _ right: Double, at index: Int) {
        differing += 1
        let difference = left == right ? 0 : (left - right).magnitude
        let size = difference.isNaN ? .infinity : difference
        if values.isEmpty || size > largest { (largest, place, values) = (size, index, [left, right]) }
    }

    private static func sameBits(
        _ first: TensorDifference.Side, _ second: TensorDifference.Side, _ index: Int
    ) -> Bool {
        let size = first.type.bitsPerElement / 8
        for byte in index * size..<(index + 1) * size where first.elements[byte] != second.elements[byte] {
            return false
        }
        return true
    }
}
