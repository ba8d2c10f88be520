/// Copies `count` floats from `source` to `destination`, elsewhere or the same, and returns the Fletcher-32 checksum
/// of their bytes as HDF5 computes it: over 16-bit big-endian words, sums modulo 65535, the second in the upper half.
///
/// HDF5's own goes word by word; this one sums blocks of 16 lanes, and corrects for byte order at the end: to swap the
/// bytes of a word is to multiply it by 256 modulo 65535.
package func copyWithFletcher32(
    _ source: UnsafePointer<Float>, to destination: UnsafeMutablePointer<Float>, count: Int
) -> UInt32 {
    let words = UnsafeRawPointer(source)
    let target = UnsafeMutableRawPointer(destination)
    var sums = FletcherSums()
    let vectors = count / 16
    for block in stride(from: 0, to: vectors, by: FletcherSums.blockVectors) {
        let end = min(block + FletcherSums.blockVectors, vectors)
        sums.addBlock(words + 64 * block, to: target + 64 * block, vectors: end - block)
    }
    for index in vectors * 16..<count {
        let bits = words.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        target.storeBytes(of: bits, toByteOffset: 4 * index, as: UInt32.self)
        sums.add(word: bits & 0xFFFF)
        sums.add(word: bits >> 16)
    }
    return sums.value
}

/// Sums over 16-bit words as they stand in memory of a little-endian machine.
private struct FletcherSums {
    /// Few enough that no 32-bit lane overflows: n · (n + 1) / 2 · 65535 < 2³².
    static let blockVectors = 256

    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var isZero = true

    mutating func add(word: UInt32) {
        if word != 0 { isZero = false }
        first = (first + UInt64(word)) % 65535
        second = (second + first) % 65535
    }

    /// Adds `vectors` · 32 words. A lane's word at position p of a block of n words counts (n − p) times in the second
    /// sum.
    mutating func addBlock(_ words: UnsafeRawPointer, to target: UnsafeMutableRawPointer, vectors: Int) {
        var low = SIMD16<UInt32>.zero
        var high = SIMD16<UInt32>.zero
        var lowRunning = SIMD16<UInt32>.zero
        var highRunning = SIMD16<UInt32>.zero
        let mask = SIMD16<UInt32>(repeating: 0xFFFF)
        for vector in 0..<vectors {
            let bits = words.loadUnaligned(fromByteOffset: 64 * vector, as: SIMD16<UInt32>.self)
            target.storeBytes(of: bits, toByteOffset: 64 * vector, as: SIMD16<UInt32>.self)
            low &+= bits & mask
            high &+= bits &>> 16
            lowRunning &+= low
            highRunning &+= high
        }
        fold(low, lowRunning, high, highRunning, vectors: vectors)
    }

    private mutating func fold(
        _ low: SIMD16<UInt32>, _ lowRunning: SIMD16<UInt32>, _ high: SIMD16<UInt32>,
        _ highRunning: SIMD16<UInt32>, vectors: Int
    ) {
        var sum: UInt64 = 0
        var weighted: UInt64 = 0
        for lane in 0..<16 {
            sum += UInt64(low[lane]) + UInt64(high[lane])
            weighted += 32 * (UInt64(lowRunning[lane]) + UInt64(highRunning[lane]))
            weighted -= UInt64(2 * lane) * UInt64(low[lane]) + UInt64(2 * lane + 1) * UInt64(high[lane])
        }
        if sum != 0 { isZero = false }
        second = (second + UInt64(32 * vectors) * first + weighted) % 65535
        first = (first + sum) % 65535
    }

    /// HDF5 folds sums instead of dividing them, so that a multiple of 65535 stays 65535 unless all words are zero.
    var value: UInt32 {
        guard !isZero else { return 0 }
        func bigEndian(_ sum: UInt64) -> UInt32 {
            let swapped = UInt32(sum * 256 % 65535)
            return swapped == 0 ? 65535 : swapped
        }
        return bigEndian(second) << 16 | bigEndian(first)
    }
}
