import Kernels

/// The features of one optimizer step, over all ranks.
package struct GlobalBatch: Sendable, Equatable {
    package let epoch: Int
    /// Indices of features; a feature's place here is its position in the global batch.
    package let features: [Int]

    package init(epoch: Int, features: [Int]) {
        self.epoch = epoch
        self.features = features
    }
}

/// Which features a step trains on: a function of seed and epoch, whatever the number of ranks. The last batch
/// of an epoch may be smaller.
package struct FeatureSampler: Sendable {
    package let featureCount: Int
    package let batchSize: Int
    package let seed: UInt64
    package let shuffles: Bool
    private var cached: (epoch: Int, order: [Int])?

    package init(featureCount: Int, batchSize: Int, seed: UInt64, shuffles: Bool) {
        precondition(featureCount > 0 && batchSize > 0)
        self.featureCount = featureCount
        self.batchSize = batchSize
        self.seed = seed
        self.shuffles = shuffles
    }

    // Without sums that a very large batch size would overflow, here and in `batch`.
    package var stepsPerEpoch: Int { (featureCount - 1) / batchSize + 1 }

    /// The batch of `step`, counted from 0 over all epochs.
    package mutating func batch(_ step: Int) -> GlobalBatch {
        let epoch = step / stepsPerEpoch
        let start = step % stepsPerEpoch * batchSize
        let order = order(epoch)
        return GlobalBatch(epoch: epoch, features: Array(order[start...].prefix(batchSize)))
    }

    private mutating func order(_ epoch: Int) -> [Int] {
        if let cached, cached.epoch == epoch { return cached.order }
        var order = Array(0..<featureCount)
        if shuffles { shuffle(&order, epoch: epoch) }
        cached = (epoch, order)
        return order
    }

    /// Fisher and Yates's shuffle, written out: the order must not change with the standard library.
    private func shuffle(_ order: inout [Int], epoch: Int) {
        var generator = PhiloxGenerator(
            seed: seed, purpose: .shuffling, stream: UInt32(truncatingIfNeeded: epoch))
        for last in stride(from: order.count - 1, to: 0, by: -1) {
            let chosen = Int(generator.nextUniform() * Double(last + 1))
            order.swapAt(last, min(chosen, last))
        }
    }
}
