/// A 64-bit sum over `count` words of 8 bytes at `bytes`, of which the first is word `first` of a whole: sums of parts add
/// up to that of the whole in any order. One changed word always changes it, and words that change places do, as good
/// as surely. Not cryptographic.
package func positionedSum(_ bytes: UnsafeRawPointer, count: Int, first: Int) -> UInt64 {
    var sums = SIMD4<UInt64>.zero
    var position = UInt64(truncatingIfNeeded: first) &* PositionedSum.spread
    let step = 4 &* PositionedSum.spread
    let whole = count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
        for lane in 0..<4 {
            let word = bytes.loadUnaligned(fromByteOffset: 8 * (index + lane), as: UInt64.self)
            sums[lane] &+= PositionedSum.mixed(word, position &+ UInt64(lane) &* PositionedSum.spread)
        }
        position &+= step
    }
    var sum = sums[0] &+ sums[1] &+ sums[2] &+ sums[3]
    for index in whole..<count {
        let word = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
        sum &+= PositionedSum.mixed(word, position)
        position &+= PositionedSum.spread
    }
    return sum
}

private enum PositionedSum {
    static let spread: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// A bijection of the word, whatever its place.
    @inline(__always)
    static func mixed(_ word: UInt64, _ position: UInt64) -> UInt64 {
        var mixed = (word ^ position) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed &>> 32
        return mixed &* 0x94D0_49BB_1331_11EB
    }
}
