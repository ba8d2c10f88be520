import Distributed
import Model
import QuestionAnswering
import Testing
import Training

@Suite struct ComputePlanTests {
    private static func configuration(hidden: Int = 16) throws -> ModelConfiguration {
        try ModelConfiguration(json: SampleModel.configuration(["hidden_size": hidden]).utf8)
    }

    private static func plan(
        tokens: Int?, sequenceLength: Int = 128, hidden: Int = 16, threads: Int = 1
    ) throws -> ComputePlan {
        try ComputePlan(
            ComputeSettings(microBatchTokens: tokens), configuration: configuration(hidden: hidden),
            sequenceLength: sequenceLength, threads: threads)
    }

    @Test func aMicroBatchHoldsAtLeastOneFeature() throws {
        #expect(try Self.plan(tokens: 128).microBatchTokens == 128)
        let error = try #require(TrainingError.thrown { _ = try Self.plan(tokens: 100) })
        #expect(
            error.description
                == "a micro-batch cannot hold one window of 128 tokens (--micro-batch-tokens 100): "
                + "give at least 128, or lower --max-seq-length")
        #expect(error.exitCode == 64)
    }

    @Test(arguments: [1 << 40, Int.max]) func moreThanTheMemoryIsRefused(tokens: Int) throws {
        let error = try #require(TrainingError.thrown { _ = try Self.plan(tokens: tokens) })
        #expect(error.exitCode == 64)
        #expect(error.description.contains("(--micro-batch-tokens \(tokens))"))
    }

    @Test func theModelChoosesOtherwise() throws {
        #expect(try Self.plan(tokens: nil).microBatchTokens == 2048)
        #expect(try Self.plan(tokens: nil, hidden: 768).microBatchTokens == 1024)
        #expect(try Self.plan(tokens: nil, sequenceLength: 5000).microBatchTokens == 5000)
    }

    @Test func threadsAreThoseAskedFor() throws {
        #expect(try Self.plan(tokens: nil, threads: 3).pool.threadCount == 3)
    }

    @Test func aRankThatCannotPlanStopsAll() throws {
        let outcomes = onRanks(2) { communicator in
            let loaded = try SampleModel.load(communicator)
            _ = try communicator.planCompute(
                ComputeSettings(microBatchTokens: 9, threads: 1), loaded, FeatureSettings())
        }
        for outcome in outcomes {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 64 && failure.description.contains("9") && failure.rank == 0)
        }
    }
}
