/// logits[t] = (start, end) of every token: hidden · weightᵀ + bias.
///
/// - hidden: `[tokens, width]`; weight: `[2, width]`; bias: `[2]`; start, end: `[tokens]`, overwritten.
package func spanLogitsForward(
    _ pool: WorkerPool, tokens: Int, width: Int, hidden: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, start: UnsafeMutablePointer<Float>, end: UnsafeMutablePointer<Float>
) {
    pool.run(TokenBlocks.count(tokens)) { block, _ in
        for token in TokenBlocks.range(block, tokens) {
            let x = hidden + token * width
            start[token] = dot(x, weight, width) + bias[0]
            end[token] = dot(x, weight + width, width) + bias[1]
        }
    }
}

/// Backward of `spanLogitsForward`.
///
/// - startGradient, endGradient: `[tokens]`; hiddenGradient: `[tokens, width]`, overwritten.
/// - weightGradient `[2, width]`, biasGradient `[2]`: accumulated into.
package func spanLogitsBackward(
    _ pool: WorkerPool, tokens: Int, width: Int, hidden: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    startGradient: UnsafePointer<Float>, endGradient: UnsafePointer<Float>,
    hiddenGradient: UnsafeMutablePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
    biasGradient: UnsafeMutablePointer<Float>
) {
    pool.run(TokenBlocks.count(tokens)) { block, _ in
        for token in TokenBlocks.range(block, tokens) {
            let dx = hiddenGradient + token * width
            let start = startGradient[token]
            let end = endGradient[token]
            for column in 0..<width { dx[column] = start * weight[column] + end * weight[width + column] }
        }
    }
    for token in 0..<tokens {
        let x = hidden + token * width
        let start = startGradient[token]
        let end = endGradient[token]
        for column in 0..<width {
            weightGradient[column] += start * x[column]
            weightGradient[width + column] += end * x[column]
        }
    }
    biasGradient[0] += sum(startGradient, tokens)
    biasGradient[1] += sum(endGradient, tokens)
}

/// Cross-entropy of one sequence's logits against the position `label`, −log softmax(logits)[label].
///
/// - logits: `[count]`, overwritten by weight · (softmax − target), the gradient of weight · loss; in Double
///   inside, for a feature's loss is one number that is summed and compared.
/// - smoothing: the share ε of the target that goes to all positions alike, as in PyTorch's CrossEntropyLoss:
///   (1 − ε) · one-hot + ε / count (Szegedy et al., 2016).
/// - Returns: the loss, and whether `label` had the largest logit.
package func crossEntropyRow(
    _ logits: UnsafeMutablePointer<Float>, _ count: Int, label: Int, weight: Float, smoothing: Float = 0
) -> (loss: Double, correct: Bool) {
    let largest = maximum(logits, count)
    var total = 0.0
    for index in 0..<count { total += Double(exponential(logits[index] - largest)) }
    let chosen = logits[label]
    var loss = logarithm(total) - Double(chosen - largest)
    if smoothing > 0 {
        var below = 0.0
        for index in 0..<count { below += Double(logits[index] - largest) }
        let uniform = logarithm(total) - below / Double(count)
        loss += Double(smoothing) * (uniform - loss)
    }
    let correct = (0..<count).first { logits[$0] == largest } == label
    let factor = Float(1 / total)
    for index in 0..<count { logits[index] = exponential(logits[index] - largest) * factor * weight }
    logits[label] -= weight * (1 - smoothing)
    if smoothing > 0 {
        let everywhere = weight * smoothing / Float(count)
        for index in 0..<count { logits[index] -= everywhere }
    }
    return (loss, correct)
}
