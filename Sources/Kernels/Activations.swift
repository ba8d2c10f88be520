/// The activation between the dense layers of a feed-forward block.
package enum ActivationKind: Sendable {
    case gelu
    case geluTanh
    case relu
}

/// output = f(input + bias), and input += bias, which the backward needs.
///
/// - input: `[tokens, width]`, overwritten by input + bias; bias: `[width]`; output: `[tokens, width]`.
package func activationForward(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, bias: UnsafePointer<Float>,
    input: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>
) {
    forEachRow(pool, tokens) { token in
        let x = input + token * width
        let y = output + token * width
        for column in 0..<width { x[column] += bias[column] }
        activate(kind, x, y, width)
    }
}

/// Backward of `activationForward`, and its result again: cheaper to compute again than to keep, and here at
/// little more than the derivative's cost.
///
/// - input: `[tokens, width]` as `activationForward` left it; output: `[tokens, width]`, overwritten by f(input).
/// - gradient: `[tokens, width]`, of the output; overwritten by that of the input.
/// - biasGradient: `[width]`, accumulated into; scratch: `TokenBlocks.scratch`.
package func activationBackward(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, input: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>,
    biasGradient: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
) {
    #if DURE_TEST_FAULTS
        let isBroken = PlantedFault.strikes(.activationDerivative)
    #endif
    let blocks = TokenBlocks.count(tokens)
    pool.run(blocks) { block, _ in
        let partial = scratch + block * width
        partial.update(repeating: 0, count: width)
        for token in TokenBlocks.range(block, tokens) {
            let (x, dy, y) = (input + token * width, gradient + token * width, output + token * width)
            switch kind {
            case .gelu: activationRowBackward(x, dy, y, width, geluWithDerivative)
            case .geluTanh: activationRowBackward(x, dy, y, width, geluTanhWithDerivative)
            case .relu: activationRowBackward(x, dy, y, width) { $0 > 0 ? ($0, 1) : (0, 0) }
            }
            #if DURE_TEST_FAULTS
                if isBroken { for column in 0..<width where x[column] > 0 { dy[column] *= 0.9 } }
            #endif
            for column in 0..<width { partial[column] += dy[column] }
        }
    }
    addPartialSums(pool, scratch, blocks: blocks, width: width, stride: width, into: biasGradient)
}

/// y = f(x) and dy *= f'(x) for one row.
@inline(__always)
private func activationRowBackward(
    _ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ width: Int, _ function: (Float) -> (value: Float, derivative: Float)
) {
    for column in 0..<width {
        let (value, derivative) = function(x[column])
        y[column] = value
        dy[column] *= derivative
    }
}

/// y = f(x) for one row.
@inline(__always)
private func activate(
    _ kind: ActivationKind, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ width: Int
) {
    switch kind {
    case .gelu: for column in 0..<width { y[column] = x[column] * normalCumulative(x[column]) }
    case .geluTanh: for column in 0..<width { y[column] = geluTanh(x[column]) }
    case .relu: for column in 0..<width { y[column] = x[column] > 0 ? x[column] : 0 }
    }
}

private func forEachRow(_ pool: WorkerPool, _ tokens: Int, _ body: (Int) -> Void) {
    pool.run(TokenBlocks.count(tokens)) { block, _ in
        for token in TokenBlocks.range(block, tokens) { body(token) }
    }
}

/// e^(−x²/2) and Φ(−|x|), the normal distribution's lower tail, the latter as e^(−x²/2) · t · P(t) with
/// t = 1 / (1 + 0.21 |x|) and P a minimax fit of degree 8: relative error under 5e-8 before the rounding of
/// Float arithmetic.
@inline(__always)
private func normalTail(_ x: Float) -> (gaussian: Float, tail: Float) {
    let magnitude = abs(x)
    let gaussian = exponential(-0.5 * x * x)
    let t = 1 / multiplyAdd(magnitude, 0.21, 1)
    var p: Float = -0.071_656_416
    p = multiplyAdd(p, t, 0.283_589_15)
    p = multiplyAdd(p, t, -0.330_254_7)
    p = multiplyAdd(p, t, 0.349_402_64)
    p = multiplyAdd(p, t, -0.093_926_4)
    p = multiplyAdd(p, t, 0.124_873_26)
    p = multiplyAdd(p, t, 0.069_192_03)
    p = multiplyAdd(p, t, 0.085_068_88)
    p = multiplyAdd(p, t, 0.083_711_576)
    return (gaussian, gaussian * (t * p))
}

/// Φ(x), the normal distribution's cumulative function; absolute error under 4e-7.
@inline(__always)
package func normalCumulative(_ x: Float) -> Float {
    let tail = normalTail(x).tail
    return x < 0 ? tail : 1 - tail
}

/// x · Φ(x) and its derivative Φ(x) + x · φ(x); the derivative with an absolute error under 4e-7, NaN only for
/// NaN.
@inline(__always)
package func geluWithDerivative(_ x: Float) -> (value: Float, derivative: Float) {
    // Beyond 13.25 the derivative is 0 or 1, but `exponential` does not reach 0 for a large x to multiply.
    let bounded = clamped(x, 13.25)
    let (gaussian, tail) = normalTail(bounded)
    let cumulative = x < 0 ? tail : 1 - tail
    return ((x > 0 ? x : bounded) * cumulative, multiplyAdd(bounded * gaussian, 0.398_942_28, cumulative))
}

/// e^(−2u) and 1 / (1 + e^(−2u)) = (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³): unlike 1 + tanh u, it
/// does not cancel for negative x.
@inline(__always)
private func geluTanhGate(_ x: Float) -> (rest: Float, gate: Float) {
    let rest = exponential(-1.595_769_1 * (x + 0.044_715 * x * x * x))
    return (rest, 1 / (1 + rest))
}

/// GPT-2's approximation of GELU: x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2; relative error under 4e-6 for
/// x > −5, absolute error under 1e-10 below.
@inline(__always)
package func geluTanh(_ x: Float) -> Float {
    // Below −10 the result is 0, but the gate stays a little above it for a large −x to multiply.
    let bounded = x < -10 ? -10 : x
    return bounded * geluTanhGate(bounded).gate
}

/// `geluTanh` and its derivative; the derivative with an absolute error under 4e-7, NaN only for NaN.
@inline(__always)
package func geluTanhWithDerivative(_ x: Float) -> (value: Float, derivative: Float) {
    // Beyond 10 the derivative is 0 or 1, and the slope of a large x would overflow.
    let bounded = clamped(x, 10)
    let (rest, gate) = geluTanhGate(bounded)
    let slope = 1.595_769_1 * (1 + 3 * 0.044_715 * bounded * bounded)
    let value = (x > 0 ? x : bounded) * gate
    return (value, gate + bounded * (gate * (gate * rest)) * slope)
}

/// x within ±limit; NaN stays.
@inline(__always)
private func clamped(_ x: Float, _ limit: Float) -> Float { x < -limit ? -limit : (x > limit ? limit : x) }
