import Model
import Testing
import Training

@Suite struct MemoryEstimateTests {
    private static func estimate(tokens: Int) throws -> MemoryEstimate {
        let configuration = try ModelConfiguration(json: SampleModel.configuration(["hidden_size": 64]).utf8)
        return .training(
            configuration, capacity: BatchCapacity(tokens: tokens, sequenceLength: 64), threads: 1)
    }

    @Test func partsAreThoseOfTheModel() throws {
        let small = try Self.estimate(tokens: 128)
        #expect(small.gradients == small.parameters && small.optimizer == 2 * small.parameters)
        #expect(small.total == 4 * small.parameters + small.activations)
        let large = try Self.estimate(tokens: 1280)
        #expect(large.activations > 8 * small.activations && large.activations < 10 * small.activations)
    }

    @Test func whatDoesNotFitIsRefusedWithTheFlagToChange() throws {
        let estimate = try Self.estimate(tokens: 128)
        let needed = estimate.total - estimate.parameters
        try estimate.require(available: needed, tokens: 128)
        let error = try #require(
            TrainingError.thrown { try estimate.require(available: needed - 1, tokens: 128) })
        #expect(error.exitCode == 64 && error.description.contains("--micro-batch-tokens 128"))
    }

    @Test func theMachineHasSomeMemoryLeft() { #expect(SystemMemory.available > 1 << 20) }
}
