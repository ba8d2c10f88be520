import Distributed
import Kernels
import Model
import TestSupport
import Testing
import Training

@Suite struct ComputePlanTests {
    private static func configuration(hidden: Int = 16) throws -> ModelConfiguration {
        try ModelConfiguration(json: SampleModel.configuration(["hidden_size": hidden]).utf8)
    }

    private static func plan(
        tokens: Int?, sequenceLength: Int = 128, hidden: Int = 16, threads: Int = 1,
        memory: SystemMemory = SystemMemory(), _ communicator: any Communicator = SingleProcess()
    ) throws -> ComputePlan {
        var separate = ExchangeSettings()
        separate.sharesMemory = false
        separate.buckets.keepsTotalsWithOwners = false
        return try communicator.planCompute(
            ComputeSettings(microBatchTokens: tokens, threads: threads), configuration(hidden: hidden),
            sequenceLength: sequenceLength, for: .training(validates: false), exchange: separate,
            memory: memory)
    }

    /// A machine on which a rank's micro-batches may have `tokens` tokens.
    private static func memory(tokens: Int, ranks: Int = 1) throws -> SystemMemory {
        let demand = MemoryDemand(
            try configuration(), for: .training(validates: false), sequenceLength: 128)
        let available = ranks * demand.estimate(tokens: tokens).total
        return SystemMemory(physical: 1 << 40, available: available)
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

    @Test func productsAreThoseAskedFor() throws {
        var settings = ComputeSettings(microBatchTokens: 128, threads: 2)
        settings.precision = .brain
        settings.allowsSlowPrecision = true
        settings.productLibrary = ProductLibrary.oneDNN.isBuiltIn ? .oneDNN : .openBLAS
        let communicator = SingleProcess()
        let plan = try communicator.planCompute(
            settings, Self.configuration(), sequenceLength: 128, for: .training(validates: false))
        let confirmed = try communicator.confirm(plan, longest: 100)
        for plan in [plan, confirmed] {
            #expect(plan.precision == .brain && plan.pool.library == settings.productLibrary)
            #expect(
                plan.memory.weightCopy == SpanModel.weightCopyBytes(try Self.configuration(), .brain))
        }
        #expect(try Self.plan(tokens: nil).precision == .single)
        #expect(try Self.plan(tokens: nil).pool.library == .openBLAS)
    }

    @Test func shortMemoryMakesMicroBatchesSmallerAndSaysSo() throws {
        let plan = try Self.plan(tokens: nil, memory: Self.memory(tokens: 1000))
        #expect(plan.microBatchTokens == 512)
        #expect(
            plan.memoryNotices == [
                "micro-batches of 512 tokens instead of 2048, for which there is not enough memory"
            ])
        #expect(try Self.plan(tokens: nil).memoryNotices.isEmpty)
        #expect(try Self.plan(tokens: 128).memoryNotices.isEmpty)
        let error = try #require(
            TrainingError.thrown { _ = try Self.plan(tokens: nil, memory: Self.memory(tokens: 255)) })
        #expect(error.description.contains("(--micro-batch-tokens 256)"))
    }

    @Test func allRanksTakeWhatTheOneWithTheLeastMemoryCan() throws {
        let tokens = try valuesOnRanks(3, hosts: [0, 0, 0]) { communicator in
            let memory = try Self.memory(tokens: [2048, 700, 1024][communicator.rank], ranks: 3)
            return try Self.plan(tokens: nil, memory: memory, communicator).microBatchTokens
        }
        #expect(tokens == [512, 512, 512])
    }

    @Test func aRankWithoutMemoryStopsAll() throws {
        let outcomes = onRanks(2, hosts: [0, 0]) { communicator in
            let memory = try Self.memory(tokens: [2048, 100][communicator.rank], ranks: 2)
            _ = try Self.plan(tokens: nil, memory: memory, communicator)
        }
        for outcome in outcomes {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 64 && failure.rank == 1)
            #expect(failure.description.contains("not enough memory"))
        }
    }

    @Test func dataThatTookMemoryMakesMicroBatchesSmaller() throws {
        let communicator = SingleProcess()
        let plan = try Self.plan(tokens: nil, memory: Self.memory(tokens: 1024))
        var memory = try Self.memory(tokens: 1024)
        memory.available -= plan.memory.parameters
        #expect(try communicator.confirm(plan, longest: 128, memory: memory).microBatchTokens == 1024)
        memory.available -= 1
        let confirmed = try communicator.confirm(plan, longest: 128, memory: memory)
        #expect(confirmed.microBatchTokens == 512 && confirmed.memoryNotices.count == 1)
        memory.available = try Self.memory(tokens: 100).available - plan.memory.parameters
        #expect(throws: TrainingError.self) {
            _ = try communicator.confirm(plan, longest: 128, memory: memory)
        }
        let given = try Self.plan(tokens: 1024)
        #expect(throws: TrainingError.self) {
            _ = try communicator.confirm(given, longest: 128, memory: memory)
        }
    }

    @Test func aCopyOfTheStateIsDoneWithoutWhereThereIsNoMemoryForIt() throws {
        let communicator = SingleProcess()
        let configuration = try Self.configuration()
        var demand = MemoryDemand(
            configuration, for: .training(validates: false), sequenceLength: 128, threads: 1)
        demand.checkpointSharing = 1
        let needed = demand.estimate(tokens: 128)
        #expect(needed.checkpoint == 12 * ParameterLayout(configuration).count)
        for (available, copies) in [(needed.total, true), (needed.total - 1, false)] {
            let plan = try communicator.planCompute(
                ComputeSettings(microBatchTokens: 128, threads: 1), configuration, sequenceLength: 128,
                for: .training(validates: false), savesState: true,
                memory: SystemMemory(physical: 1 << 40, available: available))
            #expect(plan.copiesState == copies)
            #expect(plan.memoryNotices.contains { $0.contains("training waits") } == !copies)
        }
    }

    @Test func noMicroBatchIsLargerThanAStep() throws {
        let communicator = SingleProcess()
        let memory = try Self.memory(tokens: 4096)
        let plan = try Self.plan(tokens: nil, memory: memory)
        let confirmed = try communicator.confirm(plan, longest: 100, features: 7, memory: memory)
        #expect(confirmed.microBatchTokens == 700 && confirmed.memoryNotices.isEmpty)
        #expect(
            try communicator.confirm(plan, longest: 128, features: 1000, memory: memory).microBatchTokens
                == 2048)
    }

    @Test func aRankThatCannotPlanStopsAll() throws {
        let outcomes = onRanks(2) { communicator in
            _ = try Self.plan(tokens: 9, communicator)
        }
        for outcome in outcomes {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 64 && failure.description.contains("9") && failure.rank == 0)
        }
    }
}
