/// Rounds `count` floats to bfloat16, the upper half of a float: to the nearest, ties to even; NaN stays NaN.
package func roundToBrainFloat(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, count: Int
) {
    for index in 0..<count {
        let bits = source[index].bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
        // A rounded NaN could carry over into infinity; set its quiet bit instead.
        let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
        target[index] = UInt16(truncatingIfNeeded: isNaN ? bits >> 16 | 0x40 : rounded)
    }
}

/// The floats that `count` bfloat16 numbers are.
package func expandBrainFloat(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
) {
    for index in 0..<count { target[index] = Float(bitPattern: UInt32(source[index]) << 16) }
}
