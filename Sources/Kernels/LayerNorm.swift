/// The trained scale and shift of a LayerNorm, or the gradients of both: `[width]` each.
package struct LayerNormWeights {
    package let gamma: UnsafeMutablePointer<Float>
    package let beta: UnsafeMutablePointer<Float>

    package init(gamma: UnsafeMutablePointer<Float>, beta: UnsafeMutablePointer<Float>) {
        self.gamma = gamma
        self.beta = beta
    }
}

/// Mean and 1 / √(variance + ε) of every token's row: `[tokens]` each, written forward, read backward.
package struct LayerNormStatistics {
    package let mean: UnsafeMutablePointer<Float>
    package let inverseDeviation: UnsafeMutablePointer<Float>

    package init(mean: UnsafeMutablePointer<Float>, inverseDeviation: UnsafeMutablePointer<Float>) {
        self.mean = mean
        self.inverseDeviation = inverseDeviation
    }
}

/// output = LayerNorm(dropout(input + bias) + residual), the end of both halves of a post-norm block.
///
/// - input: `[tokens, width]`, overwritten by what is normalised, which the backward needs.
/// - bias: `[width]`; residual, output: `[tokens, width]`, not overlapping each other or input.
/// - rounded: `[tokens, width]`, overwritten by the output as products take it; nil where they take the output itself.
package func residualLayerNormForward(
    _ pool: WorkerPool, tokens: Int, width: Int, input: UnsafeMutablePointer<Float>,
    bias: UnsafePointer<Float>, dropout: TokenDropout?, residual: UnsafePointer<Float>,
    weights: LayerNormWeights, epsilon: Float, statistics: LayerNormStatistics,
    output: UnsafeMutablePointer<Float>, rounded: UnsafeMutablePointer<BrainFloat>? = nil
) {
    forEachToken(pool, tokens, width: width) { token, _, bits in
        let x = input + token * width
        let skip = residual + token * width
        for column in 0..<width { x[column] += bias[column] }
        dropout?.apply(token: token, width: width, bits: bits, source: x, target: x)
        for column in 0..<width { x[column] += skip[column] }
        layerNormRow(
            x, token: token, width: width, weights: weights, epsilon: epsilon, statistics: statistics,
            output: output + token * width)
        roundRow(token, of: output, width: width, into: rounded)
    }
}

/// Rounds one row of `[tokens, width]`, where somebody wants it rounded.
@inline(__always)
func roundRow(
    _ token: Int, of output: UnsafePointer<Float>, width: Int, into rounded: UnsafeMutablePointer<BrainFloat>?
) {
    guard let rounded else { return }
    roundToBrainFloat(output + token * width, into: rounded + token * width, count: width)
}

/// output = dropout(gamma · (x − mean) / deviation + beta) from the statistics of an earlier forward, to the
/// same bits: cheaper to compute again than to keep.
///
/// - normalized: `[tokens, width]`, what was normalised; output, rounded: `[tokens, width]`, overwritten.
package func layerNormRecompute(
    _ pool: WorkerPool, tokens: Int, width: Int, normalized: UnsafePointer<Float>, weights: LayerNormWeights,
    statistics: LayerNormStatistics, dropout: TokenDropout? = nil, output: UnsafeMutablePointer<Float>,
    rounded: UnsafeMutablePointer<BrainFloat>? = nil
) {
    forEachToken(pool, tokens, width: width) { token, _, bits in
        let y = output + token * width
        layerNormOutput(
            normalized + token * width, token: token, width: width, weights: weights, statistics: statistics,
            output: y)
        dropout?.apply(token: token, width: width, bits: bits, source: y, target: y)
        roundRow(token, of: output, width: width, into: rounded)
    }
}

/// Backward of `residualLayerNormForward`.
///
/// - normalized: `[tokens, width]`, what the forward left in `input`.
/// - gradient: `[tokens, width]`, of the output; overwritten by that of the residual.
/// - inputGradient: `[tokens, width]`, overwritten by the gradient of `input` (before bias and dropout), as products
///   take it.
/// - weightsGradient, biasGradient: accumulated into. scratch: `TokenBlocks.scratch(width: 3 · width)`.
package func residualLayerNormBackward(
    _ pool: WorkerPool, tokens: Int, width: Int, normalized: UnsafePointer<Float>, weights: LayerNormWeights,
    statistics: LayerNormStatistics, dropout: TokenDropout?, gradient: UnsafeMutablePointer<Float>,
    inputGradient: NumberPointer, weightsGradient: LayerNormWeights,
    biasGradient: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
) {
    #if DURE_TEST_FAULTS
        let (breaksScale, breaksInput) = (
            PlantedFault.strikes(.layerNormScale), PlantedFault.strikes(.layerNormInput)
        )
    #endif
    let blocks = TokenBlocks.count(tokens)
    scratch.update(repeating: 0, count: blocks * 3 * width)
    func differentiate<Number: StoredNumber>(_ inputGradient: UnsafeMutablePointer<Number>) {
        forEachToken(pool, tokens, width: width) { token, block, bits in
            let partial = scratch + block * 3 * width
            let dx = gradient + token * width
            let dInput = inputGradient + token * width
            #if DURE_TEST_FAULTS
                if breaksScale || breaksInput {
                    return brokenRowBackward(
                        normalized + token * width, token: token, width: width, gamma: weights.gamma,
                        statistics: statistics, gradient: dx, inputGradient: dInput, partial: partial,
                        breaksScale: breaksScale)
                }
            #endif
            layerNormRowBackward(
                normalized + token * width, token: token, width: width, gamma: weights.gamma,
                statistics: statistics, gradient: dx, gammaPartial: partial, betaPartial: partial + width)
            let biasPartial = partial + 2 * width
            if let dropout {
                dropout.apply(token: token, width: width, bits: bits, source: dx) { column, value in
                    dInput[column] = Number(value)
                    biasPartial[column] += value
                }
            } else {
                for column in 0..<width {
                    dInput[column] = Number(dx[column])
                    biasPartial[column] += dx[column]
                }
            }
        }
    }
    switch inputGradient.precision {
    case .single: differentiate(inputGradient.numbers(Float.self))
    case .brain: differentiate(inputGradient.numbers(BrainFloat.self))
    }
    let targets = [weightsGradient.gamma, weightsGradient.beta, biasGradient]
    for (index, target) in targets.enumerated() {
        addPartialSums(
            pool, scratch + index * width, blocks: blocks, width: width, stride: 3 * width, into: target)
    }
}

/// output = gamma · (x − mean) / √(variance + ε) + beta for one row, the variance taken in a second pass.
@inline(__always)
func layerNormRow(
    _ x: UnsafePointer<Float>, token: Int, width: Int, weights: LayerNormWeights, epsilon: Float,
    statistics: LayerNormStatistics, output: UnsafeMutablePointer<Float>
) {
    let mean = sum(x, width) / Float(width)
    let variance = sumOfSquares(x, width, around: mean) / Float(width)
    let inverseDeviation = 1 / (variance + epsilon).squareRoot()
    statistics.mean[token] = mean
    statistics.inverseDeviation[token] = inverseDeviation
    layerNormOutput(
        x, token: token, width: width, weights: weights, statistics: statistics, output: output)
}

@inline(__always)
private func layerNormOutput(
    _ x: UnsafePointer<Float>, token: Int, width: Int, weights: LayerNormWeights,
    statistics: LayerNormStatistics, output: UnsafeMutablePointer<Float>
) {
    let mean = statistics.mean[token]
    let inverseDeviation = statistics.inverseDeviation[token]
    let gamma = weights.gamma
    let beta = weights.beta
    for column in 0..<width {
        output[column] = (x[column] - mean) * inverseDeviation * gamma[column] + beta[column]
    }
}

/// Overwrites the gradient of one normalised row by that of the row, and adds to the block's sums for gamma
/// and beta. With x̂ = (x − mean) / deviation and g = gamma · dy:
/// dx = (g − mean(g) − x̂ · mean(g · x̂)) / deviation.
@inline(__always)
func layerNormRowBackward(
    _ x: UnsafePointer<Float>, token: Int, width: Int, gamma: UnsafePointer<Float>,
    statistics: LayerNormStatistics, gradient: UnsafeMutablePointer<Float>,
    gammaPartial: UnsafeMutablePointer<Float>, betaPartial: UnsafeMutablePointer<Float>
) {
    let mean = statistics.mean[token]
    let inverseDeviation = statistics.inverseDeviation[token]
    for column in 0..<width {
        let dy = gradient[column]
        gammaPartial[column] += dy * ((x[column] - mean) * inverseDeviation)
        betaPartial[column] += dy
        gradient[column] = dy * gamma[column]
    }
    let meanGradient = sum(gradient, width) / Float(width)
    // Σ g·(x − mean) = Σ g·x − mean·Σ g would cancel; the centred product does not.
    let projection = centredDot(gradient, x, width, mean) * inverseDeviation / Float(width)
    for column in 0..<width {
        let normalized = (x[column] - mean) * inverseDeviation
        gradient[column] = (gradient[column] - meanGradient - normalized * projection) * inverseDeviation
    }
}

#if DURE_TEST_FAULTS
    /// `layerNormRowBackward` and what follows it, without dropout, in one of two wrong ways.
    private func brokenRowBackward<Number: StoredNumber>(
        _ x: UnsafePointer<Float>, token: Int, width: Int, gamma: UnsafePointer<Float>,
        statistics: LayerNormStatistics, gradient: UnsafeMutablePointer<Float>,
        inputGradient: UnsafeMutablePointer<Number>, partial: UnsafeMutablePointer<Float>, breaksScale: Bool
    ) {
        let mean = statistics.mean[token]
        let inverseDeviation = statistics.inverseDeviation[token]
        var (total, projection): (Float, Float) = (0, 0)
        for column in 0..<width {
            let dy = gradient[column]
            let normalized = (x[column] - mean) * inverseDeviation
            partial[column] += dy * normalized * (breaksScale ? 0.5 : 1)
            partial[width + column] += dy
            gradient[column] = dy * gamma[column]
            total += gradient[column] / Float(width)
            projection += breaksScale ? gradient[column] * normalized / Float(width) : 0
        }
        for column in 0..<width {
            let normalized = (x[column] - mean) * inverseDeviation
            gradient[column] = (gradient[column] - total - normalized * projection) * inverseDeviation
            inputGradient[column] = Number(gradient[column])
            partial[2 * width + column] += gradient[column]
        }
    }
#endif
