import Distributed
import Kernels
import Model
import TestSupport
import Testing
import Training

@Suite struct GradientStepTests {
    private struct Sum: Sendable {
        let loss: StepLoss
        let gradients: [Float]
    }

    private struct Sums: Sendable {
        let sum: StepSum
        /// Where one rank has all of them.
        let gradients: [Float]?

        init(_ sum: StepSum, _ gradients: [Float]?) {
            self.sum = sum
            self.gradients = gradients
        }
    }

    /// Loss and gradient of `batch`, after the sum over ranks.
    private static func step(
        _ tiny: TinyTraining, _ batch: GlobalBatch, step: Int = 0,
        _ communicator: any Communicator = SingleProcess()
    ) throws -> Sum {
        useSingleThreadedBLAS()
        let model = tiny.model(tiny.parameters(), WorkerPool(threadCount: 1))
        let gradientStep = try GradientStep(
            model: model, communicator: communicator, seed: tiny.seed, hiddenDropout: tiny.hiddenDropout,
            attentionDropout: tiny.attentionDropout, exchange: .unsharded)
        let local = gradientStep.compute(batch, step: step, features: tiny.features)
        let loss = try gradientStep.reduce(local).loss
        return Sum(loss: loss, gradients: try gradientStep.totals(communicator))
    }

    @Test func theSumOverRanksIsThatOfOne() throws {
        let tiny = try TinyTraining.withDropout()
        let batch = GlobalBatch(epoch: 0, features: [3, 17, 4, 28, 9, 11, 20])
        let alone = try Self.step(tiny, batch)
        for ranks in [2, 4, 9] {
            let sums = try valuesOnRanks(ranks) { try Self.step(tiny, batch, $0) }
            #expect(abs(sums[0].loss.loss - alone.loss.loss) < 1e-6 * alone.loss.loss)
            #expect(sums[0].loss.features == 7 && sums[0].loss.tokens == alone.loss.tokens)
            #expect(sums[0].loss.correctStarts == alone.loss.correctStarts)
            #expect(relativeDifference(sums[0].gradients, alone.gradients) < 1e-5)
            #expect(sums.allSatisfy { $0.loss == sums[0].loss && $0.gradients == sums[0].gradients })
        }
    }

    @Test func gradientsStartAtZeroInEveryStep() throws {
        let tiny = try TinyTraining()
        useSingleThreadedBLAS()
        let step = try GradientStep(
            model: tiny.model(tiny.parameters(), WorkerPool(threadCount: 1)),
            communicator: SingleProcess(), seed: 42, hiddenDropout: 0, attentionDropout: 0)
        let batch = GlobalBatch(epoch: 0, features: [1, 2, 3])
        let first = step.compute(batch, step: 0, features: tiny.features)
        let gradients = Array(step.gradients.buffer)
        #expect(step.compute(batch, step: 1, features: tiny.features) == first)
        #expect(Array(step.gradients.buffer) == gradients)
    }

    /// Words of an earlier step must leave nothing behind, on ranks without features neither.
    @Test(arguments: [1, 2, 5]) func anEarlierStepLeavesNothing(ranks: Int) throws {
        let tiny = try TinyTraining.withDropout()
        let (first, second) = (
            GlobalBatch(epoch: 0, features: [3, 17, 4]), GlobalBatch(epoch: 0, features: [8, 1])
        )
        useSingleThreadedBLAS()
        let outcomes = try valuesOnRanks(ranks) { communicator in
            let step = try GradientStep(
                model: tiny.model(tiny.parameters(), WorkerPool(threadCount: 1)), communicator: communicator,
                seed: tiny.seed, hiddenDropout: tiny.hiddenDropout, attentionDropout: tiny.attentionDropout,
                exchange: .unsharded)
            _ = try step.reduce(step.compute(first, step: 0, features: tiny.features))
            _ = try step.reduce(step.compute(second, step: 1, features: tiny.features))
            let gradients = try step.totals(communicator)
            let outside = Set(gradients.indices).subtracting(step.written.joined())
            return (gradients, outside.allSatisfy { gradients[$0] == 0 }, step.written)
        }
        let fresh = try valuesOnRanks(ranks) { try Self.step(tiny, second, step: 1, $0).gradients }
        for (outcome, gradients) in zip(outcomes, fresh) {
            #expect(outcome.0 == gradients && outcome.1 && outcome.2 == outcomes[0].2)
        }
    }

    /// One rank, whatever its threads, and many, whatever memory they have in common, make the same bits.
    @Test(arguments: [[0], [0, 0], [0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 0, 1]])
    func deterministicSumsAreTheSameBits(hosts: [Int]) throws {
        let tiny = try TinyTraining.withDropout()
        let batches = [
            GlobalBatch(epoch: 0, features: [3, 17, 4, 28, 9, 11, 20]),
            GlobalBatch(epoch: 0, features: [5, 2, 3]),
        ]
        @Sendable func steps(_ communicator: any Communicator, threads: Int) throws -> [Sums] {
            useSingleThreadedBLAS()
            if try BatchSplit.allowsGroups(communicator) { try communicator.formGroups(shared: 1, each: 1) }
            let pool = WorkerPool(threadCount: threads, productParts: 8)
            let step = try GradientStep(
                model: tiny.model(tiny.parameters(), pool), communicator: communicator, seed: tiny.seed,
                hiddenDropout: tiny.hiddenDropout, attentionDropout: tiny.attentionDropout,
                exchange: .unsharded,
                split: BatchSplit(batchSize: 7, dealtTo: communicator))
            let all = FloatBuffer(count: step.gradients.count)
            return try batches.enumerated().map { index, batch in
                let sum = try step.reduce(step.compute(batch, step: index, features: tiny.features))
                for range in step.exchange.handled {
                    (all.pointer + range.lowerBound).update(
                        from: step.gradients.pointer + range.lowerBound, count: range.count)
                }
                if communicator.groups.members(with: communicator.rank).count > 1 { return Sums(sum, nil) }
                return Sums(sum, Array(all.buffer))
            }
        }
        let alone = try steps(SingleProcess(), threads: 1)
        let many = try valuesOnRanks(hosts.count, hosts: hosts) {
            try steps($0, threads: 1 + $0.rank % 3)
        }
        for (sums, expected) in many.flatMap({ zip($0, alone) }) {
            #expect(sums.sum.loss == expected.sum.loss)
            #expect(sums.sum.gradientNorm == expected.sum.gradientNorm)
            let isSame = sums.gradients == nil || sums.gradients == expected.gradients
            #expect(isSame)
        }
    }

    @Test func theLossIsTheMeanOverFeatures() throws {
        let tiny = try TinyTraining()
        let each = try (0..<3).map { try Self.step(tiny, GlobalBatch(epoch: 0, features: [$0])).loss.loss }
        let together = try Self.step(tiny, GlobalBatch(epoch: 0, features: [0, 1, 2])).loss.loss
        #expect(abs(together - each.reduce(0, +) / 3) < 1e-6 * together)
    }

    @Test func dropoutBelongsToStepAndPosition() throws {
        let tiny = try TinyTraining.withDropout()
        let batch = GlobalBatch(epoch: 0, features: [5, 6])
        let swapped = GlobalBatch(epoch: 0, features: [6, 5])
        let loss = try Self.step(tiny, batch).loss.loss
        #expect(try Self.step(tiny, batch, step: 1).loss.loss != loss)
        #expect(abs(try Self.step(tiny, swapped).loss.loss - loss) > 1e-4 * loss)
        #expect(try Self.step(tiny, batch).loss.loss == loss)
    }

    @Test func accuraciesAreShares() {
        let loss = StepLoss(loss: 1, correctStarts: 1, correctEnds: 3, features: 4, tokens: 9)
        #expect(loss.startAccuracy == 0.25 && loss.endAccuracy == 0.75)
        let nothing = StepLoss(loss: 0, correctStarts: 0, correctEnds: 0, features: 0, tokens: 0)
        #expect(nothing.startAccuracy == 0)
    }
}

extension ExchangeSettings {
    /// Every rank gets all totals.
    fileprivate static var unsharded: ExchangeSettings {
        var settings = ExchangeSettings()
        settings.buckets.keepsTotalsWithOwners = false
        return settings
    }
}

extension GradientStep {
    /// The sums that ranks without memory in common all have.
    fileprivate func totals(_ communicator: any Communicator) throws -> [Float] {
        #expect(exchange.handled.elementCount == gradients.count)
        return Array(gradients.buffer)
    }
}
