import TestSupport
import Testing
import Training

/// Against the schedules of transformers and PyTorch.
@Suite struct LearningRateScheduleTests {
    private struct ByLength: Decodable {
        let warmupSteps: Int
        let totalSteps: Int
        let restarts: Int?
        let factors: [Double]

        enum CodingKeys: String, CodingKey {
            case factors, restarts
            case warmupSteps = "warmup_steps"
            case totalSteps = "total_steps"
        }
    }

    private struct ByEpoch: Decodable {
        let stepsPerEpoch: Int
        let first: Int?
        let multiplier: Int?
        let gamma: Double?
        let factors: [Double]

        enum CodingKeys: String, CodingKey {
            case factors, first, multiplier, gamma
            case stepsPerEpoch = "steps_per_epoch"
        }
    }

    private struct Cases: Decodable {
        let linear: [ByLength]
        let cosine: [ByLength]
        let cosineWithRestarts: [ByLength]
        let constant: [ByLength]
        let constantWithWarmup: [ByLength]
        let exponential: [ByEpoch]
        let cosineAnnealingWarmRestarts: [ByEpoch]

        enum CodingKeys: String, CodingKey {
            case linear, cosine, constant, exponential
            case cosineWithRestarts = "cosine_with_restarts"
            case constantWithWarmup = "constant_with_warmup"
            case cosineAnnealingWarmRestarts = "cosine_annealing_warm_restarts"
        }

        func byLength(_ kind: ScheduleKind) -> [ByLength] {
            switch kind {
            case .linear: linear
            case .cosine: cosine
            case .cosineWithRestarts: cosineWithRestarts
            case .constant: constant
            case .constantWithWarmup: constantWithWarmup
            case .exponential: []
            }
        }
    }

    private static func expect(
        _ schedule: LearningRateSchedule, _ factors: [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (step, factor) in factors.enumerated() {
            let expected = schedule.peak * factor
            // A cosine near its end is a difference of nearly equal numbers: no more digits than of the peak are right.
            let tolerance = 1e-12 * max(expected, schedule.peak * 1e-4)
            #expect(
                abs(schedule.rate(step) - expected) <= tolerance, "\(schedule), step \(step)",
                sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: ScheduleKind.allCases.filter { $0 != .exponential })
    func ratesEqualThoseOfTransformers(kind: ScheduleKind) throws {
        let cases = try fixture("model/schedule.json", as: Cases.self).byLength(kind)
        #expect(cases.count == (kind == .cosineWithRestarts ? 27 : 9))
        #expect(cases.contains { $0.totalSteps == 100 && $0.factors.count == 102 })
        for item in cases {
            Self.expect(
                LearningRateSchedule(
                    kind: kind, peak: 5e-5, warmupSteps: item.warmupSteps, totalSteps: item.totalSteps,
                    restarts: .parts(item.restarts ?? 1)), item.factors)
        }
    }

    @Test func ratesByEpochsEqualThoseOfPyTorch() throws {
        let cases = try fixture("model/schedule.json", as: Cases.self)
        #expect(cases.cosineAnnealingWarmRestarts.count == 8 && cases.exponential.count == 6)
        for item in cases.cosineAnnealingWarmRestarts {
            #expect(item.factors.count >= 100)
            Self.expect(
                LearningRateSchedule(
                    kind: .cosineWithRestarts, peak: 5e-5, warmupSteps: 0, totalSteps: 1,
                    stepsPerEpoch: item.stepsPerEpoch,
                    restarts: .epochs(try #require(item.first), multiplier: try #require(item.multiplier))),
                item.factors)
        }
        for item in cases.exponential {
            Self.expect(
                LearningRateSchedule(
                    kind: .exponential, peak: 5e-5, warmupSteps: 0, totalSteps: 1,
                    stepsPerEpoch: item.stepsPerEpoch, gamma: try #require(item.gamma)), item.factors)
        }
    }

    /// The rates that 50 and 100 steps are made with, stopped after the 37th and gone on from its checkpoint.
    @Test(arguments: ScheduleKind.allCases, [1, 2])
    func aResumedRunGoesOnWithTheRatesOfTransformers(kind: ScheduleKind, ranks: Int) throws {
        let cases = try fixture("model/schedule.json", as: Cases.self)
        var runs: [(training: TinyTraining, factors: [Double])] = []
        for item in cases.byLength(kind) where [50, 100].contains(item.totalSteps) {
            var tiny = try Self.training(kind)
            (tiny.warmupSteps, tiny.totalSteps) = (item.warmupSteps, item.totalSteps)
            tiny.restarts = .parts(item.restarts ?? 1)
            runs.append((tiny, item.factors))
        }
        let epochs =
            switch kind {
            case .exponential: cases.exponential
            case .cosineWithRestarts: cases.cosineAnnealingWarmRestarts
            default: [ByEpoch]()
            }
        for item in epochs {
            var tiny = try Self.training(kind)
            // Every feature a step.
            tiny.features.inputs = Array(tiny.features.inputs.prefix(item.stepsPerEpoch))
            guard tiny.features.count == item.stepsPerEpoch else { continue }
            tiny.batchSize = 1
            tiny.gamma = item.gamma ?? 0.5
            if let first = item.first, let multiplier = item.multiplier {
                tiny.restarts = .epochs(first, multiplier: multiplier)
            }
            runs.append((tiny, item.factors))
        }
        #expect(runs.count >= 2)
        for (tiny, factors) in runs {
            let saver = MemorySaver()
            let first = try valuesOnRanks(ranks) { communicator in
                try tiny.run(communicator, saver: saver) { trainer in
                    trainer.isAskedToStop = { [unowned trainer] in trainer.state.step >= 36 }
                }
            }
            let middle = try #require(saver.checkpoints.first)
            let rest = try valuesOnRanks(ranks) { try tiny.run($0, from: middle) }
            #expect(first[0].stoppedAfter == 37 && rest[0].steps.first?.step == 38)
            let rates = (first[0].steps + rest[0].steps).map(\.learningRate)
            #expect(rates.count == tiny.totalSteps)
            for (step, rate) in rates.enumerated() {
                let expected = tiny.optimizer.learningRate * factors[step]
                let tolerance = 1e-12 * max(expected, tiny.optimizer.learningRate * 1e-4)
                #expect(abs(rate - expected) <= tolerance, "\(kind), step \(step)")
            }
        }
    }

    private static func training(_ kind: ScheduleKind) throws -> TinyTraining {
        var tiny = try TinyTraining()
        tiny.schedule = kind
        tiny.warmupSteps = 0
        tiny.totalSteps = 100
        return tiny
    }

    @Test func namesAreThoseOfTransformers() {
        #expect(
            ScheduleKind.allCases.map(\.rawValue) == [
                "linear", "cosine", "cosine_with_restarts", "constant", "constant_with_warmup", "exponential",
            ])
    }

    @Test func schedulesKnowWhetherTheLengthMatters() {
        func depends(_ kind: ScheduleKind, warmup: Int = 0, _ restarts: Restarts = .parts(1)) -> Bool {
            LearningRateSchedule(
                kind: kind, peak: 1, warmupSteps: warmup, totalSteps: 10, restarts: restarts
            ).dependsOnLength
        }
        #expect(depends(.linear) && depends(.cosine) && depends(.cosineWithRestarts, .parts(2)))
        #expect(depends(.constantWithWarmup, warmup: 1) && !depends(.constantWithWarmup))
        #expect(!depends(.constant) && !depends(.exponential))
        #expect(!depends(.cosineWithRestarts, .epochs(1, multiplier: 2)))
    }

    /// Periods that grow beyond any number of steps end nothing.
    @Test func periodsMayGrowWithoutBound() {
        let schedule = LearningRateSchedule(
            kind: .cosineWithRestarts, peak: 1, warmupSteps: 0, totalSteps: 1,
            restarts: .epochs(2_147_483_647, multiplier: 2_147_483_647))
        #expect(schedule.rate(0) == 1 && schedule.rate(.max).isFinite)
    }
}
