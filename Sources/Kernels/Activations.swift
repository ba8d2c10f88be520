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
        switch kind {
        case .gelu: for column in 0..<width { y[column] = x[column] * normalCumulative(x[column]) }
        case .geluTanh: for column in 0..<width { y[column] = geluTanh(x[column]) }
        case .relu: for column in 0..<width { y[column] = x[column] > 0 ? x[column] : 0 }
        }
    }
}

/// f(input) of what `activationForward` left in `input`: cheaper to compute again than to keep.
///
/// - input, output: `[tokens, width]`.
package func activationRecompute(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>
) {
    forEachRow(pool, tokens) { token in
        let x = input + token * width
        let y = output + token * width
        switch kind {
        case .gelu: for column in 0..<width { y[column] = x[column] * normalCumulative(x[column]) }
        case .geluTanh: for column in 0..<width { y[column] = geluTanh(x[column]) }
        case .relu: for column in 0..<width { y[column] = x[column] > 0 ? x[column] : 0 }
        }
    }
}

/// gradient *= f'(input): overwrites the gradient of the output by that of the input.
///
/// - input: `[tokens, width]` as `activationForward` left it; gradient: `[tokens, width]`.
package func activationBackward(
    _ pool: WorkerPool, _ kind: ActivationKind, tokens: Int, width: Int, input: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>
) {
    forEachRow(pool, tokens) { token in
        let x = input + token * width
        let dy = gradient + token * width
        switch kind {
        case .gelu: for column in 0..<width { dy[column] *= geluDerivative(x[column]) }
        case .geluTanh: for column in 0..<width { dy[column] *= geluTanhDerivative(x[column]) }
        case .relu: for column in 0..<width { dy[column] = x[column] > 0 ? dy[column] : 0 }
        }
    }
}

private func forEachRow(_ pool: WorkerPool, _ tokens: Int, _ body: (Int) -> Void) {
    pool.run(TokenBlocks.count(tokens)) { block, _ in
        for token in TokenBlocks.range(block, tokens) { body(token) }
    }
}

/// e^(−x²/2) and Φ(−|x|), the normal distribution's lower tail, the latter as e^(−x²/2) · t · P(t) with
/// t = 1 / (1 + 0.21 |x|) and P a minimax fit of degree 8: relative error 1.7e-8 before rounding to Float.
@inline(__always)
private func normalTail(_ x: Float) -> (gaussian: Float, tail: Float) {
    let magnitude = abs(x)
    let gaussian = exponential(-0.5 * x * x)
    let t = 1 / (1 + 0.21 * magnitude)
    var p: Float = -0.071_656_416
    p = p * t + 0.283_589_15
    p = p * t - 0.330_254_7
    p = p * t + 0.349_402_64
    p = p * t - 0.093_926_4
    p = p * t + 0.124_873_26
    p = p * t + 0.069_192_03
    p = p * t + 0.085_068_88
    p = p * t + 0.083_711_576
    return (gaussian, gaussian * (t * p))
}

/// Φ(x), the normal distribution's cumulative function; absolute error under 1e-7.
@inline(__always)
package func normalCumulative(_ x: Float) -> Float {
    let tail = normalTail(x).tail
    return x < 0 ? tail : 1 - tail
}

/// d/dx of x · Φ(x) = Φ(x) + x · φ(x).
@inline(__always)
package func geluDerivative(_ x: Float) -> Float {
    let (gaussian, tail) = normalTail(x)
    return (x < 0 ? tail : 1 - tail) + x * gaussian * 0.398_942_28
}

/// tanh(√(2/π) (x + 0.044715 x³)), as 1 − 2 / (e^2u + 1).
@inline(__always)
private func geluTanhInner(_ x: Float) -> Float {
    let u = 0.797_884_56 * (x + 0.044_715 * x * x * x)
    return 1 - 2 / (exponential(2 * u) + 1)
}

/// GPT-2's approximation of GELU: x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
@inline(__always)
package func geluTanh(_ x: Float) -> Float { 0.5 * x * (1 + geluTanhInner(x)) }

@inline(__always)
package func geluTanhDerivative(_ x: Float) -> Float {
    let tanh = geluTanhInner(x)
    let slope = 0.797_884_56 * (1 + 3 * 0.044_715 * x * x)
    return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * slope
}
