import Kernels
import Testing

/// A kernel with its backward on given inputs, and the same computation as a plain formula in Double.
protocol KernelCase {
    /// By name, as `KernelOutcome.gradients`.
    var inputs: [String: [Float]] { get }
    /// The gradient of the output that the backward starts from.
    var upstream: [Float] { get }
    func run(_ pool: WorkerPool) -> KernelOutcome
    func reference(_ inputs: [String: [Double]]) -> [Double]
}

struct KernelOutcome {
    var output: [Float]
    /// For every input, as the kernel computed it.
    var gradients: [String: [Double]]

    func hasBits(of other: KernelOutcome) -> Bool {
        output.bits == other.output.bits && gradients.mapValues(\.bits) == other.gradients.mapValues(\.bits)
    }
}

/// Checks the forward against the formula, every gradient against finite differences of the formula, and that
/// 2 and 3 threads give the bits of one.
///
/// - output, gradients: bounds of the relative difference in norm. A few roundings to Float (6e-8) of operands
///   and sums stand behind every element; up to 2e-7 in outputs and 8e-7 in gradients were measured.
func verify(
    _ kernel: some KernelCase, output: Double = 1e-6, gradients: Double = 2e-6,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    defer { keep(kernel) }
    let outcome = kernel.run(makePool())
    let inputs = kernel.inputs.mapValues(\.doubles)
    let difference = relativeDifference(outcome.output.doubles, kernel.reference(inputs))
    #expect(difference < output, "forward", sourceLocation: sourceLocation)
    #expect(Set(outcome.gradients.keys) == Set(inputs.keys), sourceLocation: sourceLocation)
    for (name, gradient) in outcome.gradients {
        let error = gradientError(gradient, at: inputs, along: name) { point in
            zip(kernel.upstream, kernel.reference(point)).reduce(0) { $0 + Double($1.0) * $1.1 }
        }
        #expect(error < gradients, "gradient of \(name)", sourceLocation: sourceLocation)
    }
    for threads in [2, 3] {
        let again = kernel.run(makePool(threads))
        #expect(again.hasBits(of: outcome), "\(threads) threads", sourceLocation: sourceLocation)
    }
}

/// |gradient − finite difference| / |finite difference| of one tensor.
///
/// A small tensor is compared element by element. A large one along random directions d of independent normal
/// elements: the mean square of (gradient − true gradient) · d is |gradient − true gradient|², so that no wrong
/// element stays unseen.
func gradientError(
    _ gradient: [Double], at point: [String: [Double]], along name: String,
    of loss: ([String: [Double]]) -> Double
) -> Double {
    guard let centre = point[name], centre.count == gradient.count else { return .infinity }
    // (h² · third derivative) and (rounding of the loss / h) are both near 1e-10.
    let step = 1e-5
    func slope(_ direction: (Int) -> Double) -> Double {
        var moved = point
        moved[name] = centre.indices.map { centre[$0] + step * direction($0) }
        let above = loss(moved)
        moved[name] = centre.indices.map { centre[$0] - step * direction($0) }
        return (above - loss(moved)) / (2 * step)
    }
    if gradient.count <= 48 {
        return relativeDifference(gradient, centre.indices.map { index in slope { $0 == index ? 1 : 0 } })
    }
    var random = TestRandom(17)
    let directions = (0..<8).map { _ in centre.indices.map { _ in random.normal() } }
    let squares = directions.map { direction in
        let error = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 } - slope { direction[$0] }
        return error * error
    }
    let norm = gradient.reduce(0) { $0 + $1 * $1 }
    return (squares.reduce(0, +) / Double(squares.count) / norm).squareRoot()
}

/// Sequences in a packed batch.
struct Packing {
    let lengths: [Int]
    /// Positions in the global batch, one for each sequence, in no order.
    let features: [UInt32]

    init(_ lengths: [Int]) {
        self.lengths = lengths
        features = lengths.indices.map { UInt32(($0 * 7 + 3) % 11) }
    }

    var tokens: Int { lengths.reduce(0, +) }
    var starts: [Int] { lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) } }
    var positions: [Int] { lengths.flatMap { Array(0..<$0) } }
    var tokenFeatures: [UInt32] { zip(features, lengths).flatMap { Array(repeating: $0, count: $1) } }
}

/// Dropout over the tokens of a packing, with the memory that it points to.
struct DropoutFixture {
    static let stream = DropoutStream(seed: 0x1234_5678_9ABC_DEF0, step: 5)

    let probability: Float
    let site: DropoutSite
    private let packing: Packing
    private let tokenFeatures: Memory<UInt32>
    private let rows: Memory<Int32>

    init?(_ packing: Packing, site: DropoutSite, probability: Float) {
        guard probability > 0 else { return nil }
        self.packing = packing
        self.site = site
        self.probability = probability
        tokenFeatures = Memory(packing.tokenFeatures)
        rows = Memory(packing.positions.map(Int32.init))
    }

    var dropout: TokenDropout {
        TokenDropout(
            stream: Self.stream, site: site, layer: 2, probability: probability,
            features: tokenFeatures.pointer, rows: rows.pointer)
    }

    /// What every element of `[tokens, width]` is multiplied by.
    func factors(width: Int) -> [Double] {
        zip(packing.tokenFeatures, packing.positions).flatMap { feature, position in
            let mask = Self.stream.mask(site, layer: 2, feature: feature, probability: probability)
            return mask.factors(row: position, width: width)
        }
    }
}

extension DropoutMask {
    /// What each element of a row is multiplied by.
    func factors(row: Int, width: Int) -> [Double] {
        var bits = [UInt16](repeating: 0, count: Self.capacity(width))
        bits.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            draw(row: row, width: width, into: start)
        }
        return bits.prefix(width).map { $0 >= threshold ? Double(scale) : 0 }
    }
}
