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
    /// Whether some rank wants all to speak before the next step.
    package let wantsAttention: Bool
}

/// Forward and backward of one global batch: this rank's share in micro-batches, and the sum over ranks.
package final class GradientStep {
    /// After `reduce` the totals of what `exchange.handled` has; elsewhere what is left of the way there.
    package let gradients: FloatBuffer
    package let exchange: GradientExchange
    private let driver: ExchangeDriver
    private let model: SpanModel
    private let communicator: any Communicator
    private let split: BatchSplit
    private let seed: UInt64
    private let hiddenDropout: Float
    private let attentionDropout: Float
    private let labelSmoothing: Float
    private var rows: WordRows
    private let others: [Range<Int>]
    /// `gradients`, and what gradients of further parts need until they are added to those before.
    private let buffers: [FloatBuffer]

    /// The elements of `gradients` that the last step wrote on any rank, ascending; all others are zero.
    package var written: [Range<Int>] { writtenRows + others }
    private var writtenRows: [Range<Int>] { model.scope.trains(.embeddings) ? rows.ranges : [] }

    /// - labelSmoothing: as `crossEntropyRow`'s.
    /// - split: one part for each rank where there is none.
    package init(
        model: SpanModel, communicator: any Communicator, seed: UInt64, hiddenDropout: Float,
        attentionDropout: Float, labelSmoothing: Float = 0,
        exchange settings: ExchangeSettings = ExchangeSettings(),
        split: BatchSplit? = nil
    ) throws {
        self.model = model
        self.communicator = communicator
        let split = split ?? BatchSplit(ranks: communicator)
        self.split = split
        self.seed = seed
        self.hiddenDropout = hiddenDropout
        self.attentionDropout = attentionDropout
        self.labelSmoothing = labelSmoothing
        rows = WordRows(model.layout)
        others = WordRows.others(model.layout).intersection(model.layout.trained(in: model.scope))
        let own = try communicator.makeGroupBuffers(count: model.layout.count)
        gradients = own.own
        buffers =
            [gradients] + (1..<split.buffers).map { _ in FloatBuffer(count: model.layout.count) }
        exchange = GradientExchange(
            communicator: communicator, buffers: own, settings: settings.buckets,
            table: rows.table.upperBound, pool: model.pool)
        driver = ExchangeDriver(
            exchange, settings.progress, allowsThread: communicator.allowsOtherThreads)
    }

    /// Computes this rank's part of the gradient of the mean loss of `batch` for `step`, counted from 0. Parts that
    /// are done are on their way to the other ranks when this returns.
    package func compute(
        _ batch: GlobalBatch, step: Int, features: any FeatureSource
    ) -> LocalLoss {
        let costs = batch.features.map {
            Dealing.cost(tokens: features.tokenCount($0), hiddenSize: model.configuration.hiddenSize)
        }
        let parts = Dealing.deal(costs: costs, ranks: split.parts)
        let work = StepWork(
            batch: batch, features: features, configuration: model.configuration, parts: parts,
            dropout: dropout(step))
        model.profile.measure(.zeroing) { clearWords(batch, features) }
        driver.begin(written: written)
        var local = LocalLoss(parts: split.parts)
        add(split.own, of: work, into: 0, &local)
        local.secondsWaited = driver.secondsWaited
        return local
    }

    /// The gradient of `parts` into the buffer at `level`: of the first half, plus that of the second.
    private func add(_ parts: Range<Int>, of work: StepWork, into level: Int, _ local: inout LocalLoss) {
        guard parts.count > 1 else {
            return compute(parts.lowerBound, of: work, into: buffers[level], &local)
        }
        let middle = parts.lowerBound + parts.count / 2
        add(parts.lowerBound..<middle, of: work, into: level, &local)
        add(middle..<parts.upperBound, of: work, into: level + 1, &local)
        model.profile.measure(.reduction) {
            addFloats(model.pool, buffers[level + 1].pointer, to: buffers[level].pointer, over: written)
        }
    }

    /// The gradient of one part.
    private func compute(_ part: Int, of work: StepWork, into target: FloatBuffer, _ local: inout LocalLoss) {
        let items = work.parts[part]
        let cuts = Dealing.unorderedMicroBatches(
            tokens: items.map { work.features.tokenCount(work.batch.features[$0]) },
            limit: model.capacity.tokens)
        model.profile.measure(.zeroing) { clear(target, hasOwn: !cuts.isEmpty) }
        var loss = SpanLoss()
        for (index, cut) in cuts.enumerated() {
            let packed = work.pack(cut.map { items[$0] })
            // Parameters change between steps only.
            model.forward(
                packed, dropout: work.dropout, watch: forwardWatch, isUpdated: local.tokens == 0)
            loss += model.profile.measure(.span) {
                model.loss(
                    packed, weight: 1 / Float(work.batch.features.count), smoothing: labelSmoothing)
            }
            let isLast = split.own.count == 1 && index == cuts.count - 1
            model.backward(
                packed, dropout: work.dropout, into: target, products: index == 0 ? .overwrite : .add,
                watch: isLast ? backwardWatch : nil)
            local.tokens += packed.tokens
        }
        local.add(loss, of: part)
    }

    /// The first micro-batch reads parameters as they come.
    private var forwardWatch: ForwardWatch? {
        guard exchange.hasMessages else { return nil }
        return ForwardWatch(
            isNeeded: { [driver] in driver.waitForValues(below: $0) },
            isBetweenKernels: { [driver] in driver.isBetweenKernels() })
    }

    /// The last micro-batch leaves gradients as the others get them.
    private var backwardWatch: BackwardWatch? {
        guard exchange.hasMessages else { return nil }
        return BackwardWatch(
            isFinal: { [driver] in driver.isFinal(from: $0) },
            isBetweenKernels: { [driver] in driver.isBetweenKernels() })
    }

    /// Zeros the rows of the word embeddings that the last step wrote, and finds those of this step.
    private func clearWords(_ batch: GlobalBatch, _ features: any FeatureSource) {
        for range in writtenRows { gradients.pointer.zero(range) }
        rows.set(batch.features.map { features.sequence($0, position: 0).wordIDs })
    }

    /// Zeros what this step's backward adds to, and nothing else.
    ///
    /// - hasOwn: whether there are features; without, no product writes the weights of dense layers.
    private func clear(_ target: FloatBuffer, hasOwn: Bool) {
        if target !== gradients {
            for range in writtenRows { target.pointer.zero(range) }
        }
        for parameter in model.layout.parameters where model.scope.trains(parameter.part) {
            switch parameter.gradient {
            case .wordRows: break
            case .product: if !hasOwn { target.pointer.zero(parameter.range) }
            case .sum: target.pointer.zero(parameter.range)
            }
        }
    }

    /// The order in which the forward of `batch` reads parameters: few of the words first.
    package func parametersNeeded(by batch: GlobalBatch, _ features: any FeatureSource) -> SpreadOrder {
        guard exchange.hasMessages else { return .ascending }
        var rows = rows
        rows.set(batch.features.map { features.sequence($0, position: 0).wordIDs })
        return SpreadOrder(table: rows.table, rows: rows.ranges)
    }

    /// Waits for the totals of the gradients, and sums losses and norms over ranks.
    ///
    /// - computeSeconds: of this rank's forward and backward.
    /// - wantsAttention: whether this rank wants all to speak before the next step.
    package func reduce(
        _ local: LocalLoss, computeSeconds: Double = 0, wantsAttention: @autoclosure () -> Bool = false
    ) throws -> StepSum {
        try model.profile.measure(.reduction) { try driver.finish() }
        let blocks = model.profile.measure(.clipping) { squaredNorms() }
        var seconds = [Double](repeating: 0, count: communicator.size)
        seconds[communicator.rank] = computeSeconds
        var sums = StepSums(
            local, computeSeconds: seconds, squaredNorms: blocks, wantsAttention: wantsAttention())
        try model.profile.measure(.reduction) { try communicator.sum(&sums.values) }
        return sums.sum
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

/// What the parts of a step are computed from.
private struct StepWork {
    let batch: GlobalBatch
    let features: any FeatureSource
    let configuration: ModelConfiguration
    /// Places in the batch, for each part.
    let parts: [[Int]]
    let dropout: DropoutSettings?

    func pack(_ items: [Int]) -> PackedBatch {
        PackedBatch(
            items.map { features.sequence(batch.features[$0], position: UInt32($0)) }, for: configuration)
    }
}

/// One rank's part of a step.
package struct LocalLoss: Sendable, Equatable {
    package private(set) var loss = SpanLoss()
    /// Of each part of the batch; 0 for those of other ranks.
    package private(set) var losses: [Double]
    package var tokens = 0
    /// For parameters that other ranks had updated.
    package var secondsWaited = 0.0

    init(parts: Int) { losses = [Double](repeating: 0, count: parts) }

    mutating func add(_ other: SpanLoss, of part: Int) {
        loss += other
        losses[part] = other.total
    }
}

/// What ranks add up at the end of a step, in one exchange. Where bits count, every number is one rank's and zero
/// on the others, so that the order in which ranks are added does not matter.
private struct StepSums {
    var values: [Double]
    private let parts: Int
    private let ranks: Int

    init(
        _ local: LocalLoss, computeSeconds: [Double], squaredNorms: [Double], wantsAttention: Bool
    ) {
        parts = local.losses.count
        ranks = computeSeconds.count
        values =
            [
                Double(local.loss.correctStarts), Double(local.loss.correctEnds),
                Double(local.loss.features), Double(local.tokens), wantsAttention ? 1 : 0,
            ] + local.losses + computeSeconds + squaredNorms
    }

    var sum: StepSum {
        let losses = values[5..<5 + parts]
        let seconds = values[5 + parts..<5 + parts + ranks]
        let loss = StepLoss(
            loss: losses.reduce(0, +) / max(values[2], 1), correctStarts: Int(values[0]),
            correctEnds: Int(values[1]), features: Int(values[2]), tokens: Int(values[3]))
        return StepSum(
            loss: loss, gradientNorm: values[(5 + parts + ranks)...].reduce(0, +).squareRoot(),
            computeSeconds: Array(seconds), wantsAttention: values[4] > 0)
    }
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
