import CProcessor

/// Two bfloat16 in a word, the first in its lower half: what one instruction multiplies by two others and sums up.
struct BrainPair: BitwiseCopyable {
    let word: UInt32

    /// Sixteen pairs, each of a number of `low` and one of `high`, rounded.
    @inline(__always)
    static func vector(_ low: Lanes, _ high: Lanes) -> SIMD16<UInt32> {
        rounded(low) &>> 16 | rounded(high) & 0xFFFF_0000
    }

    /// Sixteen words whose upper halves are the numbers as bfloat16: to the nearest, ties to even; NaN stays NaN.
    @inline(__always)
    private static func rounded(_ lanes: Lanes) -> SIMD16<UInt32> {
        let words = unsafeBitCast(lanes, to: SIMD16<UInt32>.self)
        let result = words &+ 0x7FFF &+ (words &>> 16 & 1)
        return result.replacing(with: words | 0x40_0000, where: lanes .!= lanes)
    }
}

extension BrainPair: TileFactor {
    @inline(__always) var vector: SIMD16<UInt32> { SIMD16(repeating: word) }

    @inline(__always)
    static func add(_ a: SIMD16<UInt32>, times b: SIMD16<UInt32>, to sums: Lanes) -> Lanes {
        dure_add_products(sums, a, b)
    }
}
