import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering
import TestSupport
import Testing
import Training

/// The loop against torch, and what must not change a run.
@Suite struct TrainerTests {
    @Test func fiftyStepsEqualThoseOfTransformersAndTorch() throws {
        let tiny = try TinyTraining()
        let outcome = try tiny.run()
        let expected = tiny.reference.float64
        #expect(outcome.steps.count == 50)
        #expect(largestRelativeDifference(outcome.losses, expected.losses) < 2e-6)
        #expect(largestRelativeDifference(outcome.steps.map(\.gradientNorm), expected.gradientNorms) < 1e-5)
        #expect(largestRelativeDifference(outcome.steps.map(\.learningRate), expected.learningRates) < 1e-12)
        let zeroGradients = try fixture("model/tiny/expected.json", as: ZeroGradients.self).names
        for parameter in tiny.layout.parameters where !zeroGradients.contains(parameter.name) {
            let squares = outcome.parameters[parameter.range].reduce(0.0) { $0 + Double($1) * Double($1) }
            let norm = try #require(expected.finalParameterNorms[parameter.name])
            #expect(abs(squares.squareRoot() - norm) < 1e-6 * norm, "\(parameter.name)")
        }
    }

    @Test func stepsSayWhereTheRunStands() throws {
        let tiny = try TinyTraining()
        let outcome = try tiny.run()
        #expect(outcome.steps.map(\.step) == Array(1...50))
        // 30 features in batches of 4: seven full ones and one of two.
        #expect(outcome.steps.prefix(9).map(\.loss.features) == [4, 4, 4, 4, 4, 4, 4, 2, 4])
        #expect(outcome.steps[7].epoch == 1 && outcome.steps[11].epoch == 1.5)
        #expect(
            outcome.steps[7].loss.tokens == tiny.features.tokenCount(28) + tiny.features.tokenCount(29))
        #expect(outcome.steps.allSatisfy { $0.loss.correctStarts <= $0.loss.features })
        guard case .started(let totalSteps, let stepsPerEpoch, let features) = outcome.events.first else {
            Issue.record("the first event is not the start")
            return
        }
        #expect(totalSteps == 50 && stepsPerEpoch == 8 && features == 30)
        guard case .finished(step: 50) = outcome.events.last else {
            Issue.record("the last event is not the end")
            return
        }
    }

    @Test func theSameRunHasTheSameBits() throws {
        let tiny = try TinyTraining.withDropout()
        let first = try tiny.run()
        let second = try tiny.run()
        #expect(first.losses == second.losses)
        #expect(first.parameters == second.parameters)
    }

    @Test func threadsDoNotChangeABit() throws {
        var tiny = try TinyTraining.withDropout()
        let one = try tiny.run()
        tiny.threads = 3
        let three = try tiny.run()
        #expect(one.losses == three.losses)
        #expect(one.parameters == three.parameters)
    }

    @Test(arguments: [41, 80]) func microBatchesChangeLossesByRoundingOnly(limit: Int) throws {
        var tiny = try TinyTraining.withDropout()
        let whole = try tiny.run()
        tiny.microBatchTokens = limit
        let parts = try tiny.run()
        #expect(whole.losses != parts.losses)
        #expect(largestRelativeDifference(parts.losses, whole.losses) < 1e-5)
    }

    @Test func seedAndOrderMatter() throws {
        var tiny = try TinyTraining.withDropout()
        let first = try tiny.run().losses
        tiny.seed = 43
        let next = try tiny.run().losses
        #expect(next != first)
        tiny.seed = 42
        tiny.shuffles = false
        let last = try tiny.run().losses
        #expect(last != first)
    }

    @Test(arguments: [2, 3, 5]) func ranksChangeLossesByRoundingOnly(ranks: Int) throws {
        var tiny = try TinyTraining.withDropout()
        tiny.totalSteps = 100
        let alone = try tiny.run()
        let together = try valuesOnRanks(ranks) { [tiny] in try tiny.run($0) }
        #expect(largestRelativeDifference(together[0].losses, alone.losses) < 1e-5)
        #expect(together.allSatisfy { $0.parameters == together[0].parameters })
        #expect(together.dropFirst().allSatisfy { $0.events.isEmpty })
    }

    @Test func ranksWithoutFeaturesTakePart() throws {
        var tiny = try TinyTraining.withDropout()
        tiny.features.inputs = Array(tiny.features.inputs.prefix(1))
        tiny.totalSteps = 10
        let alone = try tiny.run()
        let together = try valuesOnRanks(3) { [tiny] in try tiny.run($0) }
        #expect(largestRelativeDifference(together[0].losses, alone.losses) < 1e-6)
        #expect(together[0].steps.allSatisfy { $0.loss.features == 1 })
        #expect(together.allSatisfy { $0.parameters == together[0].parameters })
    }
}

extension TinyTraining {
    /// Shuffled, with dropout, and 25 steps: what a run can be disturbed by.
    static func withDropout() throws -> TinyTraining {
        var tiny = try TinyTraining()
        tiny.shuffles = true
        tiny.hiddenDropout = 0.1
        tiny.attentionDropout = 0.1
        tiny.totalSteps = 25
        return tiny
    }
}

struct ZeroGradients: Decodable {
    let names: [String]

    enum CodingKeys: String, CodingKey {
        case names = "zero_gradients"
    }
}

/// When a run evaluates and saves.
@Suite struct TrainerMomentsTests {
    private static func moments(
        evaluation: Interval, saving: Interval, steps: Int, ranks: Int = 1
    ) throws -> (evaluated: [Int], saved: [Int]) {
        var tiny = try TinyTraining()
        tiny.features.inputs = Array(tiny.features.inputs.prefix(4))
        tiny.batchSize = 1
        tiny.totalSteps = steps
        tiny.evaluation = evaluation
        tiny.saving = saving
        let outcomes = try valuesOnRanks(ranks) { [tiny] communicator in
            try tiny.run(communicator, saver: MemorySaver()) { trainer in
                trainer.evaluate = { communicator.isRoot ? .untrained : nil }
            }
        }
        var evaluated: [Int] = []
        var saved: [Int] = []
        for event in outcomes[0].events {
            switch event {
            case .evaluated(let step, let epoch, let result, _):
                #expect(epoch == Double(step) / 4 && result == .untrained)
                evaluated.append(step)
            case .saved(let checkpoint):
                #expect(checkpoint.path == "step \(checkpoint.step)")
                saved.append(checkpoint.step)
            default: break
            }
        }
        return (evaluated, saved)
    }

    @Test func everyFewStepsAndAtTheEnd() throws {
        let moments = try Self.moments(evaluation: .steps(3), saving: .steps(5), steps: 11)
        #expect(moments.evaluated == [3, 6, 9, 11])
        #expect(moments.saved == [5, 10, 11])
    }

    @Test func everyEpochAndAtTheEnd() throws {
        let moments = try Self.moments(evaluation: .epoch, saving: .epoch, steps: 10)
        #expect(moments.evaluated == [4, 8, 10])
        #expect(moments.saved == [4, 8, 10])
    }

    @Test func onceWhereTheEndIsDueAnyway() throws {
        let moments = try Self.moments(evaluation: .steps(4), saving: .epoch, steps: 8)
        #expect(moments.evaluated == [4, 8])
        #expect(moments.saved == [4, 8])
    }

    @Test func neverIsNotEvenAtTheEnd() throws {
        let moments = try Self.moments(evaluation: .never, saving: .never, steps: 8)
        #expect(moments.evaluated.isEmpty && moments.saved.isEmpty)
    }

    @Test func everyRankTakesPartThoughOnlyTheFirstSaves() throws {
        let moments = try Self.moments(evaluation: .steps(2), saving: .steps(3), steps: 7, ranks: 3)
        #expect(moments.evaluated == [2, 4, 6, 7])
        #expect(moments.saved == [3, 6, 7])
    }

    @Test(arguments: [1, 3]) func whatCannotBeWrittenEndsTheRunOnEveryRankAtTheNextStep(ranks: Int) throws {
        var tiny = try TinyTraining()
        tiny.totalSteps = 40
        tiny.saving = .steps(20)
        let saver = MemorySaver()
        saver.failure = (
            20, TrainingError.data(location: "disk", problem: "it is full", remedy: "make room")
        )
        let last = LastStep()
        let outcomes = onRanks(ranks) { [tiny] communicator in
            try tiny.run(communicator, saver: saver) { trainer in
                trainer.isAskedToStop = {
                    if communicator.isRoot { last.count += 1 }
                    return false
                }
            }
        }
        for (rank, outcome) in outcomes.enumerated() {
            if ranks == 1 {
                #expect(throws: TrainingError.self) { _ = try outcome.get() }
                continue
            }
            let failure = try #require(throws: AgreedFailure.self) { _ = try outcome.get() }
            #expect(failure.description == "it is full (disk): make room")
            #expect(failure.isOwn == (rank == 0) && failure.exitCode == 65)
        }
        // Asked once before the first step, in each of 20 steps, and at the look around after the last.
        #expect((21...23).contains(last.count))
    }

    private final class LastStep: @unchecked Sendable {
        var count = 0
    }

    @Test func intervalsAreDueAtTheirMultiples() {
        #expect((1...12).filter { Interval.steps(5).isDue(after: $0, stepsPerEpoch: 3) } == [5, 10])
        #expect((1...12).filter { Interval.epoch.isDue(after: $0, stepsPerEpoch: 3) } == [3, 6, 9, 12])
        #expect((1...12).filter { Interval.never.isDue(after: $0, stepsPerEpoch: 3) } == [])
    }
}

extension EvaluationResult {
    static let untrained = EvaluationResult(
        loss: 5,
        metrics: AnswerMetrics(
            dataset: Dataset(
                contexts: ["두레"],
                questions: [
                    Question(
                        id: "q", text: "?", contextIndex: 0, answers: [Answer(text: "두레", start: 0)])
                ]), predictions: Predictions([Prediction]())),
        windows: 3)
}

/// Numbers that are not finite end a run.
@Suite struct TrainerNonFiniteTests {
    @Test(arguments: [Float.nan, .infinity])
    func aDamagedWeightIsNamedWithStepAndFeatures(value: Float) throws {
        var tiny = try TinyTraining()
        let name = "bert.encoder.layer.1.intermediate.dense.weight"
        tiny.planted = [try #require(tiny.layout[name]).offset + 7: value]
        for (rank, outcome) in onRanks(2, { [tiny] in try tiny.run($0) }).enumerated() {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 65)
            #expect(failure.rank == 0 && failure.isOwn == (rank == 0))
            for part in ["step 1,", "tensor \(name),", "features item 0 item 1 item 2 item 3)", "damaged"] {
                #expect(failure.description.contains(part), "\(part) in \(failure.description)")
            }
        }
    }

    @Test func aRunThatDivergesNamesTheStepItHappenedIn() throws {
        var tiny = try TinyTraining()
        tiny.warmupSteps = 0
        tiny.optimizer.learningRate = 1e30
        let failure = try #require(throws: AgreedFailure.self) { try tiny.run() }
        #expect(failure.exitCode == 65)
        #expect(failure.description.contains("step 2,"))
        #expect(failure.description.contains("features item 4 item 5 item 6 item 7)"))
        #expect(failure.description.contains("lower --learning-rate"))
    }
}

/// Runs that stop and go on.
@Suite struct TrainerResumeTests {
    /// Trains to `step`, then goes on in a new run.
    private static func inTwoParts(
        _ tiny: TinyTraining, stop step: Int, ranks: (Int, Int), changing change: (Trainer) -> Void = { _ in }
    ) throws -> (first: TrainingOutcome, second: TrainingOutcome) {
        let saver = MemorySaver()
        let first = try valuesOnRanks(ranks.0) { communicator in
            var asked = -1
            return try tiny.run(communicator, saver: saver) { trainer in
                trainer.isAskedToStop = {
                    // Once before the first step, then once in each.
                    asked += 1
                    return communicator.rank == ranks.0 - 1 && asked >= step
                }
            }
        }
        #expect(first.allSatisfy { $0.stoppedAfter == step })
        let checkpoint = try #require(saver.checkpoints.last)
        #expect(checkpoint.state.step == step)
        let second = try valuesOnRanks(ranks.1) { try tiny.run($0, from: checkpoint) }
        return (first[0], second[0])
    }

    @Test(arguments: [1, 7, 8, 13, 24]) func theBitsAreThoseOfOneRun(step: Int) throws {
        let tiny = try TinyTraining.withDropout()
        for ranks in [1, 2, 3] {
            let whole = try valuesOnRanks(ranks) { try tiny.run($0) }[0]
            let (first, second) = try Self.inTwoParts(tiny, stop: step, ranks: (ranks, ranks))
            #expect(first.losses + second.losses == whole.losses)
            #expect(second.parameters == whole.parameters)
            #expect(first.steps.count == step && second.steps.first?.step == step + 1)
        }
    }

    @Test(arguments: [(2, 1), (2, 3), (1, 2), (3, 2)])
    func anotherNumberOfRanksGoesOnWithTheSameOrder(ranks: (Int, Int)) throws {
        let tiny = try TinyTraining.withDropout()
        let whole = try valuesOnRanks(ranks.0) { try tiny.run($0) }[0]
        let (first, second) = try Self.inTwoParts(tiny, stop: 11, ranks: ranks)
        #expect(largestRelativeDifference(first.losses + second.losses, whole.losses) < 1e-5)
    }

    @Test func aRunAskedBeforeItsFirstStepSavesTheBeginning() throws {
        let saver = MemorySaver()
        let outcome = try TinyTraining().run(saver: saver) { $0.isAskedToStop = { true } }
        #expect(outcome.stoppedAfter == 0 && outcome.steps.isEmpty)
        #expect(saver.checkpoints.map(\.state.step) == [0])
    }

    @Test func aRunAskedAfterItsLastStepIsDone() throws {
        var tiny = try TinyTraining()
        tiny.totalSteps = 3
        var asked = -1
        let outcome = try tiny.run(saver: MemorySaver()) { trainer in
            trainer.isAskedToStop = {
                asked += 1
                return asked >= 3
            }
        }
        #expect(outcome.stoppedAfter == nil && outcome.steps.count == 3)
    }

    @Test func nothingIsSavedTwice() throws {
        var tiny = try TinyTraining()
        tiny.saving = .steps(5)
        let saver = MemorySaver()
        var asked = -1
        _ = try tiny.run(saver: saver) { trainer in
            trainer.isAskedToStop = {
                asked += 1
                // One more time after the checkpoint in the middle.
                return asked >= 11
            }
        }
        #expect(saver.checkpoints.map(\.state.step) == [5, 10])
        let again = MemorySaver()
        let checkpoint = try #require(saver.checkpoints.last)
        let outcome = try tiny.run(from: checkpoint, saver: again) { $0.isAskedToStop = { true } }
        #expect(outcome.stoppedAfter == 10 && again.checkpoints.isEmpty)
    }

    @Test(arguments: [1, 3]) func anEvaluationThatWasInterruptedIsMadeUpFor(ranks: Int) throws {
        var tiny = try TinyTraining()
        (tiny.totalSteps, tiny.evaluation) = (8, .steps(4))
        let saver = MemorySaver()
        let first = try valuesOnRanks(ranks) { [tiny] communicator in
            try tiny.run(communicator, saver: saver) { $0.evaluate = { throw EvaluationInterrupted() } }
        }
        #expect(first.allSatisfy { $0.stoppedAfter == 4 })
        let checkpoint = try #require(saver.checkpoints.last)
        #expect(checkpoint.state.owesEvaluation && checkpoint.state.step == 4)
        let second = try valuesOnRanks(ranks) { [tiny] communicator in
            try tiny.run(communicator, from: checkpoint, saver: saver) { trainer in
                trainer.evaluate = { communicator.isRoot ? .untrained : nil }
            }
        }
        let evaluated = second[0].events.compactMap { event -> Int? in
            if case .evaluated(let step, _, _, _) = event { step } else { nil }
        }
        #expect(evaluated == [4, 8])
        // Equal is not better.
        #expect(saver.bestSteps == [4])
    }
}
