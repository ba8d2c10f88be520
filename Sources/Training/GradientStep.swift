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

/// Forward and backward of one global batch: this rank's share in micro-batches, then the sum over ranks.
package final class GradientStep {
    package let gradients: FloatBuffer
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
        attentionDropout: Float
    ) throws {
        self.model = model
        self.communicator = communicator
        self.seed = seed
        self.hiddenDropout = hiddenDropout
        self.attentionDropout = attentionDropout
        rows = WordRows(model.layout)
        others = WordRows.others(model.layout)
        // Ranks that share a host add up in place.
        gradients = try communicator.makeSummable(count: model.layout.count)
    }

    /// Computes this rank's part of the gradient of the mean loss of `batch` for `step`, counted from 0.
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
        var products = Accumulation.overwrite
        for cut in cuts {
            let packed = PackedBatch(
                share[cut].map { features.sequence(batch.features[$0], position: UInt32($0)) })
            model.forward(packed, dropout: dropout)
            local.loss += model.profile.measure(.span) {
                model.loss(packed, weight: 1 / Float(batch.features.count))
            }
            model.backward(packed, dropout: dropout, into: gradients, products: products)
            products = .add
            local.tokens += packed.tokens
        }
        return local
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

    /// Sums gradients and losses over ranks.
    package func reduce(_ local: LocalLoss) throws -> StepLoss {
        try model.profile.measure(.reduction) { try communicator.sum(gradients.buffer, over: written) }
        var sums = [
            local.loss.total, Double(local.loss.correctStarts), Double(local.loss.correctEnds),
            Double(local.loss.features), Double(local.tokens),
        ]
        try communicator.sum(&sums)
        return StepLoss(
            loss: sums[0] / max(sums[3], 1), correctStarts: Int(sums[1]), correctEnds: Int(sums[2]),
            features: Int(sums[3]), tokens: Int(sums[4]))
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
