/// The activation between the dense layers of a feed-forward block.
package enum ActivationKind: Sendable {
    case gelu
    case geluTanh
    case relu
}

/// kept = input + bias, which the backward needs, and output = f(input + bias).
///
/// - input, kept, output: `[tokens, width]`, kept and output of one precision; singles are kept in place, so that kept
///   is the input. bias: `[width]`.
package func activationForward(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, bias: UnsafePointer<Float>,
    input: UnsafePointer<Float>, kept: NumberPointer, output: NumberPointer
) {
    switch output.precision {
    case .single:
        let (x, y) = (kept.numbers(Float.self), output.numbers(Float.self))
        precondition(input == UnsafePointer(x))
        forEachRow(pool, tokens) { token in
            let (x, y) = (x + token * width, y + token * width)
            for column in 0..<width { x[column] += bias[column] }
            activateRow(kind, width) { y[$0] = $1(x[$0]) }
        }
    case .brain:
        let (kept, output) = (kept.numbers(BrainFloat.self), output.numbers(BrainFloat.self))
        forEachRow(pool, tokens) { token in
            let (x, kept, y) = (input + token * width, kept + token * width, output + token * width)
            activateRow(kind, width) {
                let sum = x[$0] + bias[$0]
                kept[$0] = BrainFloat(sum)
                y[$0] = BrainFloat($1(sum))
            }
        }
    }
}

/// Gives `body` every column of a row and the function: one loop for each, which are vectors then.
@inline(__always)
private func activateRow(
    _ kind: ActivationKind, _ width: Int, _ body: (_ column: Int, _ function: (Float) -> Float) -> Void
) {
    switch kind {
    case .gelu: for column in 0..<width { body(column) { $0 * normalCumulative($0) } }
    case .geluTanh: for column in 0..<width { body(column, geluTanh) }
    case .relu: for column in 0..<width { body(column) { $0 > 0 ? $0 : 0 } }
    }
}

/// Backward of `activationForward`, and its result again: cheaper to compute again than to keep, and here at
/// little more than the derivative's cost.
///
/// - kept: `[tokens, width]` as `activationForward` left it; output: `[tokens, width]`, overwritten by f(kept).
/// - gradient: `[tokens, width]`, of the output; inputGradient: `[tokens, width]`, overwritten by that of the input.
///   Kept, output and inputGradient are of one precision; singles become their gradient in place, so that
///   inputGradient is the gradient.
/// - biasGradient: `[width]`, accumulated into; scratch: `TokenBlocks.scratch`.
package func activationBackward(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, kept: NumberPointer,
    gradient: UnsafePointer<Float>, output: NumberPointer, inputGradient: NumberPointer,
    biasGradient: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
) {
    #if DURE_TEST_FAULTS
        let isBroken = PlantedFault.strikes(.activationDerivative)
    #endif
    let blocks = TokenBlocks.count(tokens)
    func forEachRow(_ body: (_ start: Int, _ biasGradient: UnsafeMutablePointer<Float>) -> Void) {
        pool.run(blocks) { block, _ in
            let partial = scratch + block * width
            partial.update(repeating: 0, count: width)
            for token in TokenBlocks.range(block, tokens) { body(token * width, partial) }
        }
    }
    switch output.precision {
    case .single:
        let (x, y, dx) = (
            kept.numbers(Float.self), output.numbers(Float.self), inputGradient.numbers(Float.self)
        )
        precondition(gradient == UnsafePointer(dx))
        forEachRow { start, sums in
            let (x, y, dx) = (x + start, y + start, dx + start)
            differentiateRow(kind, width) {
                let (value, derivative) = $1(x[$0])
                y[$0] = value
                dx[$0] *= derivative
            }
            #if DURE_TEST_FAULTS
                if isBroken { for column in 0..<width where x[column] > 0 { dx[column] *= 0.9 } }
            #endif
            for column in 0..<width { sums[column] += dx[column] }
        }
    case .brain:
        let (x, y) = (kept.numbers(BrainFloat.self), output.numbers(BrainFloat.self))
        let dx = inputGradient.numbers(BrainFloat.self)
        forEachRow { start, sums in
            let (x, y, dy, dx) = (x + start, y + start, gradient + start, dx + start)
            differentiateRow(kind, width) {
                let (value, derivative) = $1(Float(x[$0]))
                let product = dy[$0] * derivative
                y[$0] = BrainFloat(value)
                dx[$0] = BrainFloat(product)
                sums[$0] += product
            }
        }
    }
    addPartialSums(pool, scratch, blocks: blocks, width: width, stride: width, into: biasGradient)
}

@inline(__always)
private func differentiateRow(
    _ kind: ActivationKind, _ width: Int,
    _ body: (_ column: Int, _ function: (Float) -> (value: Float, derivative: Float)) -> Void
) {
    switch kind {
    case .gelu: for column in 0..<width { body(column, geluWithDerivative) }
    case .geluTanh: for column in 0..<width { body(column, geluTanhWithDerivative) }
    case .relu: for column in 0..<width { body(column) { $0 > 0 ? ($0, 1) : (0, 0) } }
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
