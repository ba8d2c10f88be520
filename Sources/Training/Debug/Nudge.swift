import Model

/// A small change of one tensor, to see how much the loss changes.
struct Nudge {
    enum Direction {
        /// One element.
        case element(Int)
        /// All elements of a range by the same amount, each up or down by its `sign`.
        case signs(Range<Int>)
    }

    let parameter: Parameter
    let direction: Direction
    let amount: Double

    /// What is added to an element.
    func change(_ element: Int) -> Double {
        switch direction {
        case .element(let chosen): element == chosen ? amount : 0
        case .signs(let range): range.contains(element) ? amount * Self.sign(element) : 0
        }
    }

    /// Elements that change.
    var range: Range<Int> {
        switch direction {
        case .element(let element): element..<element + 1
        case .signs(let range): range
        }
    }

    /// 1 or −1, as good as random.
    static func sign(_ element: Int) -> Double { hash(element) & 1 == 0 ? 1 : -1 }

    /// SplitMix64's finalizer.
    static func hash(_ value: Int) -> UInt64 {
        var bits = UInt64(truncatingIfNeeded: value) &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
