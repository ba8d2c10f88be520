/// What one AdamW update needs besides the tensors.
package struct AdamWStep {
    package let learningRate: Float
    package let beta1: Float
    package let beta2: Float
    /// 1 − beta1 and 1 − beta2, subtracted in Double.
    package let rest1: Float
    package let rest2: Float
    package let epsilon: Float
    package let weightDecay: Float
    /// Multiplies every gradient first: the clip factor.
    package let gradientScale: Float
    /// 1 − beta1ᵗ and 1 − beta2ᵗ.
    package let correction1: Float
    package let correction2: Float

    /// - step: t, from 1.
    package init(
        learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
        gradientScale: Double, step: Int
    ) {
        self.learningRate = Float(learningRate)
        self.beta1 = Float(beta1)
        self.beta2 = Float(beta2)
        rest1 = Float(1 - beta1)
        rest2 = Float(1 - beta2)
        self.epsilon = Float(epsilon)
        self.weightDecay = Float(weightDecay)
        self.gradientScale = Float(gradientScale)
        correction1 = Float(1 - power(beta1, Double(step)))
        correction2 = Float(1 - power(beta2, Double(step)))
    }
}

/// AdamW of Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019), as torch.optim.AdamW
/// computes it, in one pass over `count` elements.
///
/// - parameters, firstMoment, secondMoment: updated; gradients: read. `decays` switches weight decay.
package func adamWUpdate(
    _ pool: WorkerPool, _ step: AdamWStep, decays: Bool, count: Int, parameters: UnsafeMutablePointer<Float>,
    gradients: UnsafePointer<Float>, firstMoment: UnsafeMutablePointer<Float>,
    secondMoment: UnsafeMutablePointer<Float>
) {
    let keep = 1 - step.learningRate * (decays ? step.weightDecay : 0)
    let rate = step.learningRate / step.correction1
    let inverseRootCorrection = 1 / step.correction2.squareRoot()
    let scale = step.gradientScale
    let (beta1, beta2, epsilon) = (step.beta1, step.beta2, step.epsilon)
    let (rest1, rest2) = (step.rest1, step.rest2)
    forEachSlice(pool, count) { slice in
        for index in slice {
            let gradient = gradients[index] * scale
            let first = multiplyAdd(firstMoment[index], beta1, gradient * rest1)
            let second = multiplyAdd(secondMoment[index], beta2, gradient * gradient * rest2)
            firstMoment[index] = first
            secondMoment[index] = second
            let denominator = multiplyAdd(second.squareRoot(), inverseRootCorrection, epsilon)
            parameters[index] = parameters[index] * keep - rate * (first / denominator)
        }
    }
}

/// Σ x² over `count` elements in Double, in an order that depends on `count` alone.
package func squaredNorm(_ pool: WorkerPool, _ x: UnsafePointer<Float>, _ count: Int) -> Double {
    var blocks = [Double](repeating: 0, count: sliceCount(count))
    addSquaredNorms(pool, x, over: [0..<count], blockSize: sliceSize, to: &blocks)
    return blocks.reduce(0, +)
}

/// Adds Σ x² over the elements of `ranges`, ascending, to `blocks`: to each what lies in its `blockSize` elements
/// of `x`. The same for a block whatever the other ranges are, and on any number of threads.
package func addSquaredNorms(
    _ pool: WorkerPool, _ x: UnsafePointer<Float>, over ranges: [Range<Int>], blockSize: Int,
    to blocks: inout [Double]
) {
    let slices = ranges.flatMap { range in
        (range.lowerBound / blockSize...max(range.upperBound - 1, range.lowerBound) / blockSize).map {
            range.clamped(to: $0 * blockSize..<($0 + 1) * blockSize)
        }
    }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: max(slices.count, 1)) { partial in
        pool.run(slices.count) { index, _ in
            // Short runs in Float keep the error of a long sum away, the sum of the runs is in Double.
            var total = 0.0
            var start = slices[index].lowerBound
            while start < slices[index].upperBound {
                let length = min(1024, slices[index].upperBound - start)
                total += Double(sumOfSquares(x + start, length))
                start += length
            }
            partial[index] = total
        }
        for (index, slice) in slices.enumerated() where !slice.isEmpty {
            blocks[slice.lowerBound / blockSize] += partial[index]
        }
    }
}

private let sliceSize = 1 << 16

private func sliceCount(_ count: Int) -> Int { (count + sliceSize - 1) / sliceSize }

private func forEachSlice(_ pool: WorkerPool, _ count: Int, _ body: (Range<Int>) -> Void) {
    pool.run(sliceCount(count)) { slice, _ in
        body(slice * sliceSize..<min((slice + 1) * sliceSize, count))
    }
}
