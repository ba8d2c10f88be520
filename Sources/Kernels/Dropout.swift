/// Where in the model a dropout mask applies.
package enum DropoutSite: UInt32, Sendable {
    case embeddings = 0
    case attentionProbabilities = 1
    case attentionOutput = 2
    case feedForwardOutput = 3
}

/// The random numbers of one training step: a mask is a function of seed, step, the feature's position in the
/// global batch, layer, site and element, never of rank, thread or packing. Nothing is stored; backward draws
/// the same bits again.
package struct DropoutStream: Sendable {
    private let key: (UInt32, UInt32)
    private let step: UInt32

    package init(seed: UInt64, step: Int) {
        key = philoxKey(seed)
        self.step = UInt32(truncatingIfNeeded: step) & 0x0FFF_FFFF
    }

    /// Random bits of one site of one feature.
    package func mask(_ site: DropoutSite, layer: Int, feature: UInt32, probability: Float) -> DropoutMask {
        DropoutMask(
            key: key, site: UInt32(truncatingIfNeeded: layer) << 3 | site.rawValue, feature: feature,
            step: step, probability: probability)
    }
}

/// Drops elements of the rows of one feature with a probability rounded to 1/65536, and scales what is kept so
/// that the expected value stays.
package struct DropoutMask {
    let key: (UInt32, UInt32)
    let site: UInt32
    let feature: UInt32
    let step: UInt32
    /// An element is kept when its 16 bits are at least this.
    package let threshold: UInt16
    package let scale: Float

    init(key: (UInt32, UInt32), site: UInt32, feature: UInt32, step: UInt32, probability: Float) {
        self.key = key
        self.site = site
        self.feature = feature
        self.step = step
        let dropped = min(max((probability * 65536).rounded(), 0), 65535)
        threshold = UInt16(dropped)
        scale = 65536 / (65536 - dropped)
    }

    /// Elements that one group of sixteen counters covers.
    static let groupSize = 128

    /// Room that `draw` writes to for a row of `width` elements.
    package static func capacity(_ width: Int) -> Int { (width + groupSize - 1) / groupSize * groupSize }

    /// The bits of a row: `capacity(width)` thresholds.
    ///
    /// Sixteen counters give eight numbers of 16 bits each; they are laid out by word and half rather than by
    /// counter, so that the loop over counters is a vector.
    @inline(__always)
    package func draw(row: Int, width: Int, into bits: UnsafeMutablePointer<UInt16>) {
        let groups = Self.capacity(width) / Self.groupSize
        for group in 0..<groups {
            let first = UInt32(truncatingIfNeeded: (row * groups + group) * 16)
            let target = bits + group * Self.groupSize
            for lane in 0..<16 {
                let words = Philox.block(
                    (first &+ UInt32(truncatingIfNeeded: lane), site, feature, step), key: key)
                target[lane] = UInt16(truncatingIfNeeded: words.0)
                target[lane + 16] = UInt16(truncatingIfNeeded: words.0 &>> 16)
                target[lane + 32] = UInt16(truncatingIfNeeded: words.1)
                target[lane + 48] = UInt16(truncatingIfNeeded: words.1 &>> 16)
                target[lane + 64] = UInt16(truncatingIfNeeded: words.2)
                target[lane + 80] = UInt16(truncatingIfNeeded: words.2 &>> 16)
                target[lane + 96] = UInt16(truncatingIfNeeded: words.3)
                target[lane + 112] = UInt16(truncatingIfNeeded: words.3 &>> 16)
            }
        }
    }
}

/// Dropout of a row of `width` elements, `target = mask · source`; the two may be the same. The same call on a
/// gradient is its backward.
@inline(__always)
func dropoutRow(
    _ mask: DropoutMask, row: Int, width: Int, bits: UnsafeMutablePointer<UInt16>,
    source: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>
) {
    dropoutRow(mask, row: row, width: width, bits: bits, source: source) { target[$0] = $1 }
}

/// The same, whatever is done with the numbers.
@inline(__always)
func dropoutRow(
    _ mask: DropoutMask, row: Int, width: Int, bits: UnsafeMutablePointer<UInt16>,
    source: UnsafePointer<Float>, store: (_ column: Int, _ value: Float) -> Void
) {
    mask.draw(row: row, width: width, into: bits)
    let threshold = mask.threshold
    let scale = mask.scale
    for column in 0..<width { store(column, bits[column] >= threshold ? source[column] * scale : 0) }
}

/// Dropout over the tokens of a packed batch: which feature and which row of its mask a token has.
package struct TokenDropout {
    let stream: DropoutStream
    let site: DropoutSite
    let layer: Int
    let probability: Float
    /// For each token, its feature's position in the global batch.
    let features: UnsafePointer<UInt32>
    /// For each token, its place in its feature.
    let rows: UnsafePointer<Int32>

    package init(
        stream: DropoutStream, site: DropoutSite, layer: Int, probability: Float,
        features: UnsafePointer<UInt32>, rows: UnsafePointer<Int32>
    ) {
        self.stream = stream
        self.site = site
        self.layer = layer
        self.probability = probability
        self.features = features
        self.rows = rows
    }

    /// target = mask · source for one token's row; the two may be the same.
    @inline(__always)
    func apply(
        token: Int, width: Int, bits: UnsafeMutablePointer<UInt16>, source: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>
    ) {
        apply(token: token, width: width, bits: bits, source: source) { target[$0] = $1 }
    }

    /// The same, whatever is done with the numbers.
    @inline(__always)
    func apply(
        token: Int, width: Int, bits: UnsafeMutablePointer<UInt16>, source: UnsafePointer<Float>,
        store: (_ column: Int, _ value: Float) -> Void
    ) {
        let mask = stream.mask(site, layer: layer, feature: features[token], probability: probability)
        dropoutRow(mask, row: Int(rows[token]), width: width, bits: bits, source: source, store: store)
    }
}

/// Runs `body(token, bits)` for every token, in blocks over the threads, with room for the random bits of a row.
func forEachToken(
    _ pool: WorkerPool, _ tokens: Int, width: Int,
    _ body: (_ token: Int, _ block: Int, _ bits: UnsafeMutablePointer<UInt16>) -> Void
) {
    pool.run(TokenBlocks.count(tokens)) { block, _ in
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: DropoutMask.capacity(width)) { bits in
            guard let bits = bits.baseAddress else { return }
            for token in TokenBlocks.range(block, tokens) { body(token, block, bits) }
        }
    }
}
