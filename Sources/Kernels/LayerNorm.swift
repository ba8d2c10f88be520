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
/// - input: `[tokens, width]`, overwritten by what is normalised.
/// - kept: `[tokens, width]`, what the backward needs: of singles the input, as it is left; of bfloat16 the normalised
///   row, before scale and shift.
/// - bias: `[width]`; residual, output: `[tokens, width]`, not overlapping each other or input.
/// - rounded: `[tokens, width]`, overwritten by the output as products take it; nil where they take the output itself.
package func residualLayerNormForward(
    _ pool: WorkerPool, tokens: Int, width: Int, input: UnsafeMutablePointer<Float>,
    bias: UnsafePointer<Float>, dropout: TokenDropout?, residual: UnsafePointer<Float>,
    weights: LayerNormWeights, epsilon: Float, statistics: LayerNormStatistics, kept: NumberPointer,
    output: UnsafeMutablePointer<Float>, rounded: UnsafeMutablePointer<BrainFloat>? = nil
) {
    let normalized = kept.brainFloats
    precondition(normalized != nil || kept.singles == input)
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
        guard let normalized else { return }
        let (mean, inverseDeviation) = (statistics.mean[token], statistics.inverseDeviation[token])
        let row = normalized + token * width
        for column in 0..<width { row[column] = BrainFloat((x[column] - mean) * inverseDeviation) }
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

/// What products take of LayerNorm's output, again: gamma · x̂ + beta of the normalised rows that were kept, rounded.
///
/// - kept, rounded: `[tokens, width]`; rounded is overwritten.
package func layerNormRecompute(
    _ pool: WorkerPool, tokens: Int, width: Int, kept: UnsafePointer<BrainFloat>, weights: LayerNormWeights,
    rounded: UnsafeMutablePointer<BrainFloat>
) {
    let (gamma, beta) = (weights.gamma, weights.beta)
    forEachToken(pool, tokens, width: width) { token, _, _ in
        let (x, y) = (kept + token * width, rounded + token * width)
        for column in 0..<width { y[column] = BrainFloat(Float(x[column]) * gamma[column] + beta[column]) }
    }
}

/// Backward of `residualLayerNormForward`.
///
/// - kept: `[tokens, width]`, as the forward left it; inputGradient is of the same precision.
/// - gradient: `[tokens, width]`, of the output; overwritten by that of the residual.
/// - inputGradient: `[tokens, width]`, overwritten by the gradient of `input` (before bias and dropout), as products
///   take it.
/// - weightsGradient, biasGradient: accumulated into. scratch: `TokenBlocks.scratch(width: 3 · width)`.
package func residualLayerNormBackward(
    _ pool: WorkerPool, tokens: Int, width: Int, kept: NumberPointer, weights: LayerNormWeights,
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
    /// - row: overwrites a row's gradient by that of what was normalised.
    func differentiate<Number: StoredNumber>(
        _ inputGradient: UnsafeMutablePointer<Number>,
        _ row: (_ token: Int, _ gradient: UnsafeMutablePointer<Float>, _ partial: UnsafeMutablePointer<Float>)
            -> Void
    ) {
        forEachToken(pool, tokens, width: width) { token, block, bits in
            let partial = scratch + block * 3 * width
            let dx = gradient + token * width
            let dInput = inputGradient + token * width
            row(token, dx, partial)
            let biasPartial = partial + 2 * width
            guard let dropout else {
                for column in 0..<width {
                    dInput[column] = Number(dx[column])
                    biasPartial[column] += dx[column]
                }
                return
            }
            dropout.apply(token: token, width: width, bits: bits, source: dx) { column, value in
                dInput[column] = Number(value)
                biasPartial[column] += value
            }
        }
    }
    switch kept.precision {
    case .single:
        let x = kept.numbers(Float.self)
        differentiate(inputGradient.numbers(Float.self)) { token, gradient, partial in
            #if DURE_TEST_FAULTS
                if breaksScale || breaksInput {
                    return brokenRowBackward(
                        x + token * width, token: token, width: width, gamma: weights.gamma,
                        statistics: statistics, gradient: gradient, partial: partial,
                        breaksScale: breaksScale)
                }
            #endif
            layerNormRowBackward(
                x + token * width, token: token, width: width, gamma: weights.gamma, statistics: statistics,
                gradient: gradient, gammaPartial: partial, betaPartial: partial + width)
        }
    case .brain:
        let normalized = kept.numbers(BrainFloat.self)
        differentiate(inputGradient.numbers(BrainFloat.self)) { token, gradient, partial in
            normalizedRowBackward(
                normalized + token * width, width: width, gamma: weights.gamma,
                inverseDeviation: statistics.inverseDeviation[token], gradient: gradient,
                gammaPartial: partial, betaPartial: partial + width)
        }
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

/// The same of a normalised row.
@inline(__always)
private func normalizedRowBackward(
    _ x: UnsafePointer<BrainFloat>, width: Int, gamma: UnsafePointer<Float>, inverseDeviation: Float,
    gradient: UnsafeMutablePointer<Float>, gammaPartial: UnsafeMutablePointer<Float>,
    betaPartial: UnsafeMutablePointer<Float>
) {
    for column in 0..<width {
        let dy = gradient[column]
        gammaPartial[column] += dy * Float(x[column])
        betaPartial[column] += dy
        gradient[column] = dy * gamma[column]
    }
    let meanGradient = sum(gradient, width) / Float(width)
    let projection = dot(gradient, x, width) / Float(width)
    for column in 0..<width {
        gradient[column] =
            (gradient[column] - meanGradient - Float(x[column]) * projection) * inverseDeviation
    }
}

#if DURE_TEST_FAULTS
    /// `layerNormRowBackward` in one of two wrong ways.
    private func brokenRowBackward(
        _ x: UnsafePointer<Float>, token: Int, width: Int, gamma: UnsafePointer<Float>,
        statistics: LayerNormStatistics, gradient: UnsafeMutablePointer<Float>,
        partial: UnsafeMutablePointer<Float>, breaksScale: Bool
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
        }
    }
#endif
