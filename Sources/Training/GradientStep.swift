import Distributed
import Foundation
import Kernels
import Model

/// What a step's forward and backward made, over all ranks.
package struct StepLoss: Sendable, Equatable {
    /// Mean over the features of the global batch.
    package let loss: Double
    package let correctStarts: Int
    package let correctEnds: Int
    package let features: Int
    package let tokens: Int

    package init(loss: Double, correctStarts: Int, correctEnds: Int, features: Int, tokens: Int) {
        self.loss = loss
        self.correctStarts = correctStarts
        self.correctEnds = correctEnds
        self.features = features
        self.tokens = tokens
    }

    /// Shares of the features whose largest logit was the right one.
    package var startAccuracy: Double { Double(correctStarts) / Double(max(features, 1)) }
    package var endAccuracy: Double { Double(correctEnds) / Double(max(features, 1)) }
}

/// What all ranks together made of a step.
package struct StepSum: Sendable, Equatable {
    package let loss: StepLoss
    /// Norm of the whole gradient.
    package let gradientNorm: Double
    /// Seconds of forward and backward on each rank.
    package let computeSeconds: [Double]
}

/// How the ranks of a run exchange gradients.
package struct ExchangeSettings: Sendable, Equatable {
    package var buckets = GradientExchange.Settings()
    package var progress = CommunicationProgress.thread
    /// Whether ranks of a host use memory in common instead of messages.
    package var sharesMemory = true

    package init() {}
}

/// Forward and backward of one global batch: this rank's share in micro-batches, and the sum over ranks.
package final class GradientStep {
    /// After `reduce` the totals of what `exchange.handled` has; elsewhere what is left of the way there.
    package let gradients: FloatBuffer
    package let exchange: GradientExchange
    private let driver: ExchangeDriver
    private let model: SpanModel
    private let communicator: any Communicator
    private let seed: UInt64
    private let hiddenDropout: Float
    private let attentionDropout: Float
    private var rows: WordRows
    private let others: [Range<Int>]

    /// The elements of `gradients` that the last step wrote on any rank, ascending; all others are zero.
    package var written: [Range<Int>] { rows.ranges + others }

    package init(
        model: SpanModel, communicator: any Communicator, seed: UInt64, hiddenDropout: Float,
        attentionDropout: Float, exchange settings: ExchangeSettings = ExchangeSettings()
    ) throws {
        self.model = model
        self.communicator = communicator
        self.seed = seed
        self.hiddenDropout = hiddenDropout
        self.attentionDropout = attentionDropout
        rows = WordRows(model.layout)
        others = WordRows.others(model.layout)
        let buffers = try communicator.makeGroupBuffers(count: model.layout.count)
        gradients = buffers.own
        exchange = GradientExchange(communicator: communicator, buffers: buffers, settings: settings.buckets)
        driver = ExchangeDriver(
            exchange, settings.progress, allowsThread: communicator.allowsOtherThreads)
    }

    /// Computes this rank's part of the gradient of the mean loss of `batch` for `step`, counted from 0. Parts that
    /// are done are on their way to the other ranks when this returns.
    package func compute(
        _ batch: GlobalBatch, step: Int, features: any FeatureSource
    ) -> LocalLoss {
        let tokens = batch.features.map(features.tokenCount)
        let costs = tokens.map { Dealing.cost(tokens: $0, hiddenSize: model.configuration.hiddenSize) }
        let share = Dealing.deal(costs: costs, ranks: communicator.size)[communicator.rank]
        let cuts = Dealing.microBatches(tokens: share.map { tokens[$0] }, limit: model.capacity.tokens)
        let dropout = dropout(step)
        var local = LocalLoss()
        model.profile.measure(.zeroing) { clear(batch, features, hasOwn: !cuts.isEmpty) }
        driver.begin(written: written)
        for (index, cut) in cuts.enumerated() {
            let packed = PackedBatch(
                share[cut].map { features.sequence(batch.features[$0], position: UInt32($0)) })
            model.forward(packed, dropout: dropout)
            local.loss += model.profile.measure(.span) {
                model.loss(packed, weight: 1 / Float(batch.features.count))
            }
            model.backward(
                packed, dropout: dropout, into: gradients, products: index == 0 ? .overwrite : .add,
                watch: index == cuts.count - 1 ? watch : nil)
            local.tokens += packed.tokens
        }
        return local
    }

    /// The last micro-batch leaves gradients as the others get them.
    private var watch: BackwardWatch? {
        guard exchange.hasMessages else { return nil }
        return BackwardWatch(
            isFinal: { [driver] in driver.isFinal(from: $0) },
            isBetweenKernels: { [driver] in driver.isBetweenKernels() })
    }

    /// Zeros what this step's backward adds to, and nothing else: of the word embeddings, the rows that the last
    /// step wrote.
    ///
    /// - hasOwn: whether this rank has features; without, no product writes the weights of dense layers.
    private func clear(_ batch: GlobalBatch, _ features: any FeatureSource, hasOwn: Bool) {
        for range in rows.ranges { gradients.pointer.zero(range) }
        rows.set(batch.features.map { features.sequence($0, position: 0).wordIDs })
        for parameter in model.layout.parameters {
            switch parameter.gradient {
            case .wordRows: break
            case .product: if !hasOwn { gradients.pointer.zero(parameter.range) }
            case .sum: gradients.pointer.zero(parameter.range)
            }
        }
    }

    /// Waits for the totals of the gradients, and sums losses and norms over ranks.
    ///
    /// - computeSeconds: of this rank's forward and backward.
    package func reduce(_ local: LocalLoss, computeSeconds: Double = 0) throws -> StepSum {
        try model.profile.measure(.reduction) { try driver.finish() }
        let blocks = model.profile.measure(.clipping) { squaredNorms() }
        var seconds = [Double](repeating: 0, count: communicator.size)
        seconds[communicator.rank] = computeSeconds
        var sums =
            [
                local.loss.total, Double(local.loss.correctStarts), Double(local.loss.correctEnds),
                Double(local.loss.features), Double(local.tokens),
            ] + seconds + blocks
        try model.profile.measure(.reduction) { try communicator.sum(&sums) }
        let loss = StepLoss(
            loss: sums[0] / max(sums[3], 1), correctStarts: Int(sums[1]), correctEnds: Int(sums[2]),
            features: Int(sums[3]), tokens: Int(sums[4]))
        return StepSum(
            loss: loss, gradientNorm: sums[(5 + communicator.size)...].reduce(0, +).squareRoot(),
            computeSeconds: Array(sums[5..<5 + communicator.size]))
    }

    /// Of what this rank owns, by block of the shard layout; every block belongs to one rank.
    private func squaredNorms() -> [Double] {
        var blocks = [Double](repeating: 0, count: exchange.layout.blockCount)
        addSquaredNorms(
            model.pool, gradients.pointer, over: written.intersection(exchange.owned),
            blockSize: exchange.layout.block, to: &blocks)
        return blocks
    }

    private func dropout(_ step: Int) -> DropoutSettings? {
        guard hiddenDropout > 0 || attentionDropout > 0 else { return nil }
        return DropoutSettings(
            stream: DropoutStream(seed: seed, step: step), hiddenProbability: hiddenDropout,
            attentionProbability: attentionDropout)
    }
}

/// One rank's part of a step.
package struct LocalLoss: Sendable, Equatable {
    package var loss = SpanLoss()
    package var tokens = 0
}

/// Features by index, as a step needs them.
package protocol FeatureSource {
    var count: Int { get }
    func tokenCount(_ index: Int) -> Int
    /// The feature with its label, at a position of the global batch.
    func sequence(_ index: Int, position: UInt32) -> InputSequence
    /// How a message names the feature.
    func name(_ index: Int) -> String
}
