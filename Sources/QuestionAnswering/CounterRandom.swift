/// Random numbers that depend on seed, stream and counter alone: SplitMix64 (Steele, Lea and Flood, 2014), whose
/// state after any number of steps is a product.
struct CounterRandom: Sendable {
    private let origin: UInt64

    /// - stream: numbers of different streams of one seed are unrelated.
    init(seed: UInt64, stream: UInt64 = 0) {
        origin = Self.mixed(Self.mixed(seed &+ Self.step) ^ (stream &* Self.step))
    }

    @inline(__always)
    func bits(_ counter: UInt64) -> UInt64 { Self.mixed(origin &+ (counter &+ 1) &* Self.step) }

    /// A number below `bound`.
    func index(below bound: Int, _ counter: UInt64) -> Int {
        Int(truncatingIfNeeded: bits(counter).multipliedFullWidth(by: UInt64(bound)).high)
    }

    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
