import Distributed
import TestSupport
import Testing
import Training

/// Runs that end when evaluations get no better, by losses that a script gives.
@Suite struct EarlyStoppingTests {
    /// The loss after every second step. The best is after step 8, and the third after it that is no better than that
    /// follows step 14.
    private static let losses: [Int: Double] = [
        2: 5, 4: 4, 6: 4.5, 8: 3, 10: 3.2, 12: .nan, 14: 3, 16: 1, 18: 1, 20: 1,
    ]
    private static let end = 14

    private static func tiny(patience: Int? = 3) throws -> TinyTraining {
        var tiny = try TinyTraining.withDropout()
        tiny.totalSteps = 20
        tiny.evaluation = .steps(2)
        tiny.saving = .steps(4)
        tiny.patience = patience
        return tiny
    }

    /// - stop: the step after which the last rank is asked to stop.
    private static func run(
        _ tiny: TinyTraining, ranks: Int, from start: MemorySaver.Checkpoint? = nil, saver: MemorySaver,
        stopAfter stop: Int? = nil, interrupting interrupted: Int? = nil
    ) throws -> [TrainingOutcome] {
        try valuesOnRanks(ranks) { communicator in
            try tiny.run(communicator, from: start, saver: saver) { trainer in
                trainer.evaluate = { [unowned trainer] in
                    if trainer.state.step == interrupted { throw EvaluationInterrupted() }
                    guard communicator.isRoot, let loss = losses[trainer.state.step] else { return nil }
                    return EvaluationResult(
                        loss: loss, metrics: EvaluationResult.untrained.metrics, windows: 1)
                }
                guard let stop, communicator.rank == ranks - 1 else { return }
                // In the middle of the step; before it ranks also look around after every second, which evaluates.
                var looksAround = stop % 2
                trainer.isAskedToStop = { [unowned trainer] in
                    guard trainer.state.step == stop - 1 else { return trainer.state.step >= stop }
                    defer { looksAround -= 1 }
                    return looksAround <= 0
                }
            }
        }
    }

    private static func evaluated(_ outcome: TrainingOutcome) -> [Int] {
        outcome.events.compactMap { if case .evaluated(let step, _, _, _) = $0 { step } else { nil } }
    }

    @Test(arguments: [1, 3]) func theRunEndsWhenPatienceIsOver(ranks: Int) throws {
        let saver = MemorySaver()
        let outcomes = try Self.run(try Self.tiny(), ranks: ranks, saver: saver)
        for outcome in outcomes { #expect(outcome.stoppedAfter == nil) }
        #expect(outcomes.allSatisfy { $0.parameters == outcomes[0].parameters })
        #expect(outcomes[0].steps.map(\.step) == Array(1...Self.end))
        #expect(Self.evaluated(outcomes[0]) == [2, 4, 6, 8, 10, 12, 14])
        // The end is saved though it was not due.
        #expect(saver.checkpoints.map(\.state.step) == [4, 8, 12, 14])
        #expect(saver.bestSteps == [2, 4, 8])
        #expect(saver.checkpoints.last?.state.best == BestEvaluation(value: 3, step: 8))
        guard case .finished(step: Self.end) = outcomes[0].events.last else {
            Issue.record("the last event is not the end after step \(Self.end)")
            return
        }
    }

    @Test func withoutPatienceItGoesOnToTheEnd() throws {
        let outcome = try Self.run(try Self.tiny(patience: nil), ranks: 1, saver: MemorySaver())[0]
        #expect(outcome.steps.count == 20)
    }

    @Test func patienceThatIsNotOverGoesOnToTheEnd() throws {
        let saver = MemorySaver()
        let outcome = try Self.run(try Self.tiny(patience: 4), ranks: 2, saver: saver)[0]
        #expect(outcome.steps.count == 20 && saver.bestSteps == [2, 4, 8, 16])
    }

    @Test(arguments: [1, 3, 6, 8, 9, 12, 13]) func aRunThatWasInterruptedEndsInTheSamePlace(stop: Int) throws
    {
        let tiny = try Self.tiny()
        for ranks in [1, 2] {
            let whole = try Self.run(tiny, ranks: ranks, saver: MemorySaver())[0]
            let saver = MemorySaver()
            let first = try Self.run(tiny, ranks: ranks, saver: saver, stopAfter: stop)[0]
            #expect(first.stoppedAfter == stop)
            let second = try Self.run(
                tiny, ranks: ranks, from: try #require(saver.checkpoints.last), saver: saver)[0]
            #expect(second.steps.last?.step == Self.end)
            #expect(first.losses + second.losses == whole.losses)
            #expect(second.parameters == whole.parameters)
            #expect(saver.bestSteps == [2, 4, 8])
        }
    }

    @Test func anEvaluationThatIsMadeUpForMayEndTheRun() throws {
        let tiny = try Self.tiny()
        let saver = MemorySaver()
        let first = try Self.run(tiny, ranks: 2, saver: saver, interrupting: Self.end)
        #expect(first.allSatisfy { $0.stoppedAfter == Self.end })
        let second = try Self.run(
            tiny, ranks: 2, from: try #require(saver.checkpoints.last), saver: saver)[0]
        #expect(second.steps.isEmpty && Self.evaluated(second) == [Self.end])
        #expect(saver.checkpoints.last?.state.evaluationsWithoutImprovement == 3)
    }

    @Test(arguments: [1, 2]) func aRunThatHasStoppedEarlyStaysAtItsEnd(ranks: Int) throws {
        var tiny = try Self.tiny()
        let saver = MemorySaver()
        _ = try Self.run(tiny, ranks: ranks, saver: saver)
        let last = try #require(saver.checkpoints.last)
        let again = try Self.run(tiny, ranks: ranks, from: last, saver: MemorySaver())[0]
        #expect(again.steps.isEmpty && again.stoppedAfter == nil && again.parameters == last.parameters)
        // With more patience it goes on.
        tiny.patience = 4
        let more = try Self.run(tiny, ranks: ranks, from: last, saver: MemorySaver())[0]
        #expect(more.steps.map(\.step) == Array(15...20))
    }
}
