/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3" (SC 2011): a number depends on key and counter alone, so any rank or thread can draw any
/// part of a stream.
package enum Philox {
    package typealias Block = (UInt32, UInt32, UInt32, UInt32)

    /// Four random words for one counter.
    @inline(__always)
    package static func block(_ counter: Block, key: (UInt32, UInt32)) -> Block {
        // Words stay in the low halves of 64 bits, whatever is above them: a loop over counters then becomes
        // vectors without narrowing and widening between rounds.
        var (x0, x1) = (UInt64(counter.0), UInt64(counter.1))
        var (x2, x3) = (UInt64(counter.2), UInt64(counter.3))
        var (k0, k1) = key
        for _ in 0..<10 {
            let product0 = (x0 & 0xFFFF_FFFF) &* 0xD251_1F53
            let product1 = (x2 & 0xFFFF_FFFF) &* 0xCD9E_8D57
            x0 = product1 &>> 32 ^ x1 ^ UInt64(k0)
            x2 = product0 &>> 32 ^ x3 ^ UInt64(k1)
            (x1, x3) = (product1, product0)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return (
            UInt32(truncatingIfNeeded: x0), UInt32(truncatingIfNeeded: x1), UInt32(truncatingIfNeeded: x2),
            UInt32(truncatingIfNeeded: x3)
        )
    }
}

/// A sequence of random numbers from one seed and purpose, for shuffling and initialising.
package struct PhiloxGenerator: RandomNumberGenerator, Sendable {
    /// What a stream is for; streams of one seed do not overlap.
    package enum Purpose: UInt32, Sendable {
        case dropout = 0
        case shuffling = 1
        case initialization = 2
        case sampling = 3
    }

    private let key: (UInt32, UInt32)
    private let purpose: Purpose
    private let stream: UInt32
    private var counter: UInt64 = 0

    package init(seed: UInt64, purpose: Purpose, stream: UInt32 = 0) {
        key = philoxKey(seed)
        self.purpose = purpose
        self.stream = stream
    }

    package mutating func next() -> UInt64 {
        let words = Philox.block(
            (
                UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), stream,
                purpose.rawValue << 28
            ), key: key)
        counter += 1
        return UInt64(words.0) << 32 | UInt64(words.1)
    }

    /// A draw from the half-open unit interval, of 53 bits.
    package mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

@inline(__always)
func philoxKey(_ seed: UInt64) -> (UInt32, UInt32) {
    (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
}
