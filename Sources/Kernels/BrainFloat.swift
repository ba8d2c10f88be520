/// bfloat16: the upper half of a single, with its range and eight of its significant bits.
package struct BrainFloat: BitwiseCopyable, Sendable {
    let bits: UInt16

    /// To the nearest, ties to even; NaN stays NaN.
    @inline(__always)
    package init(_ value: Float) {
        let word = value.bitPattern
        let rounded = (word &+ 0x7FFF &+ (word >> 16 & 1)) >> 16
        // A rounded NaN could carry over into infinity; set its quiet bit instead.
        let isNaN = word & 0x7FFF_FFFF > 0x7F80_0000
        bits = UInt16(truncatingIfNeeded: isNaN ? word >> 16 | 0x40 : rounded)
    }
}

extension Float {
    @inline(__always)
    package init(_ value: BrainFloat) { self.init(bitPattern: UInt32(value.bits) << 16) }
}

/// Rounds `count` floats to bfloat16.
package func roundToBrainFloat(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<BrainFloat>, count: Int
) {
    for index in 0..<count { target[index] = BrainFloat(source[index]) }
}

/// The same on all threads of `pool`.
package func roundToBrainFloat(
    _ pool: WorkerPool, _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<BrainFloat>,
    count: Int
) {
    let slice = 1 << 15
    pool.run((count + slice - 1) / slice) { task, _ in
        let start = task * slice
        roundToBrainFloat(source + start, into: target + start, count: min(slice, count - start))
    }
}

/// The floats that `count` bfloat16 numbers are.
package func expandBrainFloat(
    _ source: UnsafePointer<BrainFloat>, into target: UnsafeMutablePointer<Float>, count: Int
) {
    for index in 0..<count { target[index] = Float(source[index]) }
}
