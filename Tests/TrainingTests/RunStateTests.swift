import Testing
import Training

@Suite struct RunStateTests {
    private static func result(loss: Double?, f1: Double = 0) -> EvaluationResult {
        var metrics = EvaluationResult.untrained.metrics
        metrics?.f1 = f1
        return EvaluationResult(loss: loss, metrics: metrics, windows: 1)
    }

    @Test func theLowestLossIsTheBest() {
        var state = RunState()
        let losses: [(Double, Bool, Int)] = [
            (3, true, 0), (4, false, 1), (3, false, 2), (2, true, 0), (.nan, false, 1), (2.5, false, 2),
        ]
        for (step, (loss, isBest, without)) in losses.enumerated() {
            state.step = step
            let taken = state.take(Self.result(loss: loss), by: .loss)
            #expect(taken == isBest)
            #expect(state.evaluationsWithoutImprovement == without)
        }
        #expect(state.best == BestEvaluation(value: 2, step: 3))
    }

    @Test func theHighestF1IsTheBest() {
        var state = RunState(step: 5)
        let first = state.take(Self.result(loss: 1, f1: 10), by: .f1)
        #expect(first)
        let second = state.take(Self.result(loss: 0, f1: 9), by: .f1)
        #expect(!second)
        let third = state.take(Self.result(loss: 9, f1: 11), by: .f1)
        #expect(third)
        #expect(state.best == BestEvaluation(value: 11, step: 5))
    }

    @Test func withoutALossNothingIsBest() {
        var state = RunState()
        let only = state.take(Self.result(loss: nil), by: .loss)
        #expect(!only)
        #expect(state.best == nil && state.evaluationsWithoutImprovement == 0)
    }
}
