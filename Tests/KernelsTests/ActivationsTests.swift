import Kernels
import Testing

@Suite struct ActivationsTests {
    @Test(
        "activation with bias: forward and every gradient", arguments: ActivationKind.all,
        [(1, 1), (2, 5), (7, 17), (65, 48), (200, 130)])
    func verifies(_ kind: ActivationKind, shape: (tokens: Int, width: Int)) {
        verify(ActivationCase(kind, tokens: shape.tokens, width: shape.width))
    }

    @Test("the backward gives the forward's result again", arguments: ActivationKind.all)
    func givesAgain(_ kind: ActivationKind) {
        let kernel = ActivationCase(kind, tokens: 70, width: 17)
        let (output, again) = kernel.forwardAndAgain(makePool(2))
        #expect(relativeDifference(again.doubles, output.doubles) < 1e-7)
    }

    @Test("values and derivatives are those of PyTorch and SciPy, extremes included")
    func agreesWithFixtures() throws {
        for (part, fixture) in try KernelFixtures.load().activations {
            for (kind, expected) in [
                (ActivationKind.gelu, fixture.gelu), (.geluTanh, fixture.geluNew), (.relu, fixture.relu),
            ] {
                let (value, derivative) = valueAndDerivative(kind, fixture.x)
                for index in fixture.x.indices {
                    let bound = 1e-7 * max(abs(expected.value[index]), 4)
                    #expect(
                        abs(value[index] - expected.value[index]) < bound, "\(kind) of \(fixture.x[index])")
                    #expect(abs(derivative[index] - expected.derivative[index]) < 4e-7, "\(kind), \(part)")
                }
            }
        }
    }

    @Test("the normal distribution is within 4e-7, and its lower tail within 1e-6 of itself to −5")
    func normalCumulativeIsAccurate() {
        var largest = 0.0
        var largestRelative = 0.0
        for x in grid(to: 100) {
            let error = abs(Double(normalCumulative(x)) - Reference.normalCumulative(Double(x)))
            largest = max(largest, error)
            if x > -5 {
                largestRelative = max(largestRelative, error / Reference.normalCumulative(Double(x)))
            }
        }
        #expect(largest < 4e-7)
        #expect(largestRelative < 1e-6)
    }

    @Test("derivatives are within 4e-7, at any finite number")
    func derivativesAreAccurate() {
        var (gelu, geluTanh) = (0.0, 0.0)
        for x in grid(to: .greatestFiniteMagnitude) {
            gelu = max(
                gelu, abs(Double(geluWithDerivative(x).derivative) - Reference.geluDerivative(Double(x))))
            let expected = Reference.geluTanhDerivative(Double(x))
            geluTanh = max(geluTanh, abs(Double(geluTanhWithDerivative(x).derivative) - expected))
        }
        #expect(gelu < 4e-7)
        #expect(geluTanh < 4e-7)
    }

    @Test("geluTanh keeps its digits in the lower tail, down to −5")
    func geluTanhIsAccurate() {
        var relative = 0.0
        var absolute = 0.0
        for x in grid(to: 1e30) {
            let expected = Reference.geluTanh(Double(x))
            let error = abs(Double(geluTanh(x)) - expected)
            if x < -5 { absolute = max(absolute, error) }
            // Half of a smaller x may have no exact Float.
            if x > -5, abs(x) > 1e-37 { relative = max(relative, error / abs(expected)) }
        }
        #expect(relative < 4e-6)
        #expect(absolute < 1e-10)
    }

    @Test("zero keeps its sign, and NaN goes through")
    func specialValues() {
        for function in [geluTanh, { $0 * normalCumulative($0) }] {
            #expect(function(0).bitPattern == (0 as Float).bitPattern)
            #expect(function(-0.0).bitPattern == (-0.0 as Float).bitPattern)
            #expect(function(.nan).isNaN)
            #expect(function(.infinity) == .infinity)
        }
        for function in [geluWithDerivative, geluTanhWithDerivative] {
            #expect(function(0).derivative == 0.5)
            #expect(function(.nan).value.isNaN && function(.nan).derivative.isNaN)
            #expect(function(1e30).value == 1e30 && abs(function(-1e30).value) < 1e-36)
        }
    }

    private func valueAndDerivative(_ kind: ActivationKind, _ x: [Float]) -> ([Double], [Double]) {
        let input = Memory(x)
        let output = Memory.unset(x.count)
        let again = Memory.unset(x.count)
        let gradient = Memory([Float](repeating: 1, count: x.count))
        let bias = Memory([Float](repeating: 0, count: x.count))
        let biasGradient = Memory.started(x.count)
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: 1, width: x.count))
        let pool = makePool()
        activationForward(
            pool, kind, tokens: 1, width: x.count, bias: bias.pointer, input: input.pointer,
            kept: NumberPointer(input.pointer), output: NumberPointer(output.pointer))
        activationBackward(
            pool, kind, tokens: 1, width: x.count, kept: NumberPointer(input.pointer),
            gradient: gradient.pointer, output: NumberPointer(again.pointer),
            inputGradient: NumberPointer(gradient.pointer), biasGradient: biasGradient.pointer,
            scratch: scratch.pointer)
        keep(input, bias, biasGradient, scratch)
        #expect(
            zip(again.values(), output.values()).allSatisfy {
                abs($0 - $1) <= 1e-7 * abs($1) + 1e-30 || $0 == $1
            })
        return (output.values().doubles, gradient.values().doubles)
    }

    /// Both signs of every 8191st Float up to `limit`, so that every power of two has its share.
    private func grid(to limit: Float) -> [Float] {
        stride(from: 1, through: limit.bitPattern, by: 8191).flatMap { bits in
            [Float(bitPattern: bits), -Float(bitPattern: bits)]
        }
    }
}

extension ActivationKind {
    static let all: [ActivationKind] = [.gelu, .geluTanh, .relu]

    func reference(_ x: Double) -> Double {
        switch self {
        case .gelu: Reference.gelu(x)
        case .geluTanh: Reference.geluTanh(x)
        case .relu: Reference.relu(x)
        }
    }
}

private struct ActivationCase: KernelCase {
    let inputs: [String: [Float]]
    let upstream: [Float]
    private let kind: ActivationKind
    private let tokens: Int
    private let width: Int

    init(_ kind: ActivationKind, tokens: Int, width: Int) {
        self.kind = kind
        self.tokens = tokens
        self.width = width
        var random = TestRandom(UInt64(tokens * 1000 + width))
        let bias = random.normals(width)
        // No finite difference across the kink of relu.
        let input = random.normals(tokens * width, scale: 2).enumerated().map { index, x in
            abs(x + bias[index % width]) < 1e-3 ? x + 0.01 : x
        }
        inputs = ["input": input, "bias": bias]
        upstream = random.normals(tokens * width)
    }

    func forwardAndAgain(_ pool: WorkerPool) -> ([Float], [Float]) {
        let (output, input) = forward(pool)
        return (output.values(), backward(pool, input).output)
    }

    private func backward(
        _ pool: WorkerPool, _ input: Memory<Float>
    ) -> (gradient: [Float], output: [Float], bias: [Double]) {
        let gradient = Memory(upstream)
        let output = Memory.unset(tokens * width)
        let bias = Memory.started(width)
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: width))
        activationBackward(
            pool, kind, tokens: tokens, width: width, kept: NumberPointer(input.pointer),
            gradient: gradient.pointer, output: NumberPointer(output.pointer),
            inputGradient: NumberPointer(gradient.pointer), biasGradient: bias.pointer,
            scratch: scratch.pointer)
        _ = (input.values(), scratch.values())
        return (gradient.values(), output.values(), bias.added())
    }

    private func forward(_ pool: WorkerPool) -> (output: Memory<Float>, input: Memory<Float>) {
        let input = Memory(inputs["input", default: []])
        let bias = Memory(inputs["bias", default: []])
        let output = Memory.unset(tokens * width)
        activationForward(
            pool, kind, tokens: tokens, width: width, bias: bias.pointer, input: input.pointer,
            kept: NumberPointer(input.pointer), output: NumberPointer(output.pointer))
        keep(bias)
        return (output, input)
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let (output, input) = forward(pool)
        let (gradient, _, bias) = backward(pool, input)
        return KernelOutcome(
            output: output.values(), gradients: ["input": gradient.doubles, "bias": bias])
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        let bias = inputs["bias", default: []]
        return inputs["input", default: []].enumerated().map { index, x in
            kind.reference(x + bias[index % width])
        }
    }
}
