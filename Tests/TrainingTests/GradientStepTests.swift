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

    /// Loss and gradient of `batch`, after the sum over ranks.
    private static func step(
        _ tiny: TinyTraining, _ batch: GlobalBatch, step: Int = 0,
        _ communicator: any Communicator = SingleProcess()
    ) throws -> Sum {
        useSingleThreadedBLAS()
        let model = tiny.model(tiny.parameters(), WorkerPool(threadCount: 1))
        let gradientStep = try GradientStep(
            model: model, communicator: communicator, seed: tiny.seed, hiddenDropout: tiny.hiddenDropout,
            attentionDropout: tiny.attentionDropout)
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
                seed: tiny.seed, hiddenDropout: tiny.hiddenDropout, attentionDropout: tiny.attentionDropout)
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

extension GradientStep {
    /// The sums that ranks without memory in common all have.
    fileprivate func totals(_ communicator: any Communicator) throws -> [Float] {
        #expect(exchange.handled.elementCount == gradients.count)
        return Array(gradients.buffer)
    }
}
