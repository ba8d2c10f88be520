import TestSupport
import Testing
import Training

@Suite struct LearningRateScheduleTests {
    private struct Case: Decodable {
        let warmupSteps: Int
        let totalSteps: Int
        let factors: [Double]

        enum CodingKeys: String, CodingKey {
            case factors
            case warmupSteps = "warmup_steps"
            case totalSteps = "total_steps"
        }
    }

    private struct Cases: Decodable {
        let linear: [Case]
        let constant: [Case]
        let constantWithWarmup: [Case]

        enum CodingKeys: String, CodingKey {
            case linear, constant
            case constantWithWarmup = "constant_with_warmup"
        }
    }

    @Test(arguments: ScheduleKind.allCases) func ratesEqualTransformers(kind: ScheduleKind) throws {
        let cases = try fixture("model/schedule.json", as: Cases.self)
        let ofKind =
            switch kind {
            case .linear: cases.linear
            case .constant: cases.constant
            case .constantWithWarmup: cases.constantWithWarmup
            }
        #expect(ofKind.count == 8)
        for item in ofKind {
            let schedule = LearningRateSchedule(
                kind: kind, peak: 5e-5, warmupSteps: item.warmupSteps, totalSteps: item.totalSteps)
            for (step, factor) in item.factors.enumerated() {
                #expect(abs(schedule.rate(step) - 5e-5 * factor) <= 1e-12 * 5e-5, "\(item), step \(step)")
            }
        }
    }

    @Test func namesAreThoseOfTransformers() {
        #expect(ScheduleKind.allCases.map(\.rawValue) == ["linear", "constant", "constant_with_warmup"])
    }
}
