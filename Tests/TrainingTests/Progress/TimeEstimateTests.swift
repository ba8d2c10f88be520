import Testing

@testable import Training

@Suite struct TimeEstimateTests {
    /// After steps of so many seconds, one after the other.
    private static func estimate(_ seconds: [Double], pause: Double = 0) -> TimeEstimate {
        var estimate = TimeEstimate()
        var now = 50.0
        estimate.start(at: now)
        for step in seconds {
            now += step + pause
            estimate.add(step: step, at: now)
        }
        return estimate
    }

    private static func seconds(_ estimate: TimeEstimate, steps: Int, evaluations: Int = 0) -> Double {
        estimate.seconds(steps: steps, evaluations: evaluations) ?? -1
    }

    @Test func nothingIsKnownBeforeTheFirstStep() {
        #expect(TimeEstimate().seconds(steps: 10, evaluations: 1) == nil)
    }

    @Test func stepsThatAreAllTheSameTakeAsLong() {
        for count in [1, 2, 50, 1000] {
            let estimate = Self.estimate(Array(repeating: 3, count: count))
            #expect(abs(Self.seconds(estimate, steps: 7) - 21) < 1e-9)
        }
    }

    @Test func aSlowFirstStepCountsLittle() {
        let estimate = Self.estimate([100] + Array(repeating: 1, count: 9))
        #expect(Self.seconds(estimate, steps: 1) < 4)
    }

    @Test func theEstimateFollowsARunThatBecomesSlower() {
        let estimate = Self.estimate(Array(repeating: 1, count: 500) + Array(repeating: 2, count: 300))
        #expect(Self.seconds(estimate, steps: 100) > 190)
    }

    @Test func whatComesBetweenStepsIsCounted() {
        let estimate = Self.estimate(Array(repeating: 1, count: 20), pause: 0.5)
        #expect(abs(Self.seconds(estimate, steps: 10) - 15) < 1e-9)
    }

    @Test func evaluationsCountByThemselves() {
        var estimate = Self.estimate([1, 1])
        estimate.add(evaluation: 30)
        estimate.add(step: 1, at: 50 + 2 + 30 + 1)
        #expect(abs(Self.seconds(estimate, steps: 10, evaluations: 2) - 70) < 1e-9)
    }

    @Test(arguments: [
        (Interval.never, 0, 10, 0), (.steps(3), 0, 10, 4), (.steps(3), 3, 10, 3), (.steps(3), 9, 10, 1),
        (.steps(5), 0, 10, 2), (.steps(5), 9, 10, 1), (.steps(5), 10, 10, 0), (.steps(50), 2, 10, 1),
        (.epoch, 0, 12, 3), (.epoch, 5, 12, 2), (.epoch, 10, 12, 1),
    ])
    func evaluationsLeftAreThoseThatTheTrainerMakes(
        evaluation: Interval, step: Int, totalSteps: Int, expected: Int
    ) {
        let plan = TrainingPlan.scripted(totalSteps, evaluation: evaluation)
        #expect(plan.evaluationsLeft(after: step) == expected)
        let due = (step..<totalSteps).count {
            evaluation != .never
                && ($0 + 1 == totalSteps || evaluation.isDue(after: $0 + 1, stepsPerEpoch: 5))
        }
        #expect(due == expected)
    }
}
