import Model
import TestSupport
import Testing
import Training

@Suite struct MemoryEstimateTests {
    private static func demand(
        for purpose: MemoryDemand.Purpose = .training(validates: false), sequenceLength: Int = 64,
        threads: Int = 1, requestedTokens: Int? = nil, _ changes: [String: Int] = ["hidden_size": 64]
    ) throws -> MemoryDemand {
        MemoryDemand(
            try ModelConfiguration(json: SampleModel.configuration(changes).utf8), for: purpose,
            sequenceLength: sequenceLength, threads: threads, requestedTokens: requestedTokens)
    }

    private static func machine(_ available: Int) -> SystemMemory {
        SystemMemory(physical: 1 << 50, available: available)
    }

    @Test func partsAreThoseOfTheModel() throws {
        let small = try Self.demand().estimate(tokens: 128)
        #expect(small.gradients == small.parameters && small.optimizer == 2 * small.parameters)
        #expect(small.total == 4 * small.parameters + small.activations && small.evaluation == 0)
        let large = try Self.demand().estimate(tokens: 1280)
        #expect(large.activations > 8 * small.activations && large.activations < 10 * small.activations)
        #expect(
            "\(small)".hasPrefix("3.") && "\(small)".contains(" MB a rank: parameters 0.8 MB, gradients "),
            "\(small)")
    }

    @Test func evaluationTakesForwardMemoryForEachThread() throws {
        let one = try Self.demand(for: .evaluation).estimate(tokens: 128)
        let four = try Self.demand(for: .evaluation, threads: 4).estimate(tokens: 128)
        let configuration = try Self.demand().configuration
        let capacity = DistributedForward.capacity(longest: 64, microBatchTokens: nil)
        #expect(
            one.evaluation == SpanModel.activationBytes(configuration, capacity, threads: 1, .inference))
        #expect(four.evaluation == 4 * one.evaluation)
        #expect(four.total == four.parameters + four.evaluation)
        let training = try Self.demand(for: .training(validates: true), threads: 4).estimate(tokens: 128)
        #expect(training.evaluation == four.evaluation && training.gradients == four.parameters)
        let weights = try Self.demand(for: .weights).estimate(tokens: 128)
        #expect(weights.total == one.parameters && weights.parameters == one.parameters)
    }

    @Test func aCopyOfTheWeightsIsOneOfARankWhateverRanksShare() throws {
        for purpose in [MemoryDemand.Purpose.evaluation, .training(validates: true)] {
            var demand = try Self.demand(for: purpose, threads: 4)
            let single = demand.estimate(tokens: 128)
            #expect(single.weightCopy == 0)
            demand.precision = .brain
            let copy = SpanModel.weightCopyBytes(demand.configuration, .brain)
            #expect(demand.estimate(tokens: 128).weightCopy == copy)
            demand.sharing = 2
            #expect(demand.estimate(tokens: 128).weightCopy == copy)
            let capacity = DistributedForward.capacity(longest: 64, microBatchTokens: nil)
            #expect(
                demand.estimate(tokens: 128).evaluation
                    == 4
                    * SpanModel.activationBytes(
                        demand.configuration, capacity, threads: 1, .inference, precision: .brain))
        }
        var weights = try Self.demand(for: .weights)
        weights.precision = .brain
        #expect(weights.estimate(tokens: 128).weightCopy == 0)
        var estimate = try Self.demand().estimate(tokens: 128)
        let total = estimate.total
        #expect(!"\(estimate)".contains("bf16"))
        estimate.weightCopy = 5_000_000
        #expect(estimate.total == total + 5_000_000)
        #expect("\(estimate)".contains(", bf16 weights 5.0 MB, "))
    }

    @Test func whatDoesNotFitIsRefusedWithTheFlagsToChange() throws {
        let demand = try Self.demand()
        let estimate = demand.estimate(tokens: 128)
        let needed = estimate.total
        try demand.require(tokens: 128, in: Self.machine(needed))
        try demand.require(tokens: 128, in: Self.machine(needed * 3), ranksOnHost: 3)
        try demand.require(tokens: 128, in: Self.machine(needed - 100), held: 100)
        let error = try #require(
            TrainingError.thrown { try demand.require(tokens: 128, in: Self.machine(needed - 1)) })
        #expect(error.exitCode == 64)
        #expect(
            error.description.contains("(--micro-batch-tokens 128): give at most 127"))
        #expect(error.description.hasPrefix("not enough memory: a rank needs 3."))
        #expect(!error.description.contains("ranks on a host") && !error.description.contains("--threads"))
        let shared = try #require(
            TrainingError.thrown {
                try demand.require(tokens: 128, in: Self.machine(needed * 3 - 3), ranksOnHost: 3)
            })
        #expect(
            shared.description.hasSuffix("give at most 127, or run fewer ranks on a host"))
        #expect(
            TrainingError.thrown {
                try demand.require(tokens: 128, in: Self.machine(needed - 101), held: 100)
            }?
            .description.contains(" more, of (parameters") == true)
    }

    @Test func theMostThatFitsIsNamed() throws {
        let demand = try Self.demand(requestedTokens: 5000)
        for most in [64, 65, 1000, 4999] {
            let memory = Self.machine(demand.estimate(tokens: most).total)
            let error = try #require(
                TrainingError.thrown { try demand.require(tokens: 5000, in: memory, held: 0) })
            let said = try #require(error.description.split(separator: " ").last.flatMap { Int($0) })
            // Buffers are padded, so a token more may take no more.
            #expect(said >= most && said < most + 16)
            try demand.require(tokens: said, in: memory)
            #expect(throws: TrainingError.self) { try demand.require(tokens: said + 1, in: memory) }
        }
    }

    @Test func flagsThatWouldNotHelpAreNotNamed() throws {
        let demand = try Self.demand(for: .training(validates: true), threads: 2)
        func message(_ available: Int, ranks: Int = 1) throws -> String {
            try #require(
                TrainingError.thrown {
                    try demand.require(tokens: 64, in: Self.machine(available), ranksOnHost: ranks)
                }
            ).description
        }
        let parameters = demand.estimate(tokens: 64).parameters
        #expect(
            try message(4 * parameters).hasSuffix(
                "(--micro-batch-tokens 64): lower --max-seq-length or --threads"))
        let alone = try message(4 * parameters - 1)
        #expect(alone.hasSuffix("(1 rank on this host): use a machine with more memory, or a smaller model"))
        let together = try message(12 * parameters - 3, ranks: 3)
        #expect(together.contains("(3 ranks on this host): run fewer, with more --threads each, or"))
    }

    @Test func evaluationThatDoesNotFitNamesThreads() throws {
        let demand = try Self.demand(for: .evaluation, threads: 8)
        let available = demand.estimate(tokens: 1).total - 1
        let error = try #require(TrainingError.thrown { try demand.require(in: Self.machine(available)) })
        #expect(
            error.description.hasSuffix(
                "(--threads 8): lower --micro-batch-tokens or --max-seq-length or --threads"))
        #expect(error.exitCode == 64)
    }

    @Test func aModelBeyondTheMachineIsBadData() throws {
        for purpose in [MemoryDemand.Purpose.weights, .evaluation, .training(validates: true)] {
            let demand = try Self.demand(for: purpose, ["vocab_size": 2_147_483_647])
            let memory = SystemMemory(physical: 1 << 34, available: 1 << 33)
            let error = try #require(TrainingError.thrown { try demand.require(tokens: 256, in: memory) })
            #expect(error.exitCode == 65 && error.description.contains("vocab_size 2147483647"))
        }
    }

    @Test(arguments: [1 << 40, 1_000_000_000_000_000, Int.max])
    func hopelessNumbersAreRefusedRatherThanOverflow(tokens: Int) throws {
        let long = Int(Int32.max)
        for purpose in [MemoryDemand.Purpose.evaluation, .training(validates: true)] {
            for length in [64, long] {
                let demand = try Self.demand(
                    for: purpose, sequenceLength: length, threads: 1024, requestedTokens: tokens,
                    ["num_hidden_layers": 10_000])
                let memory = SystemMemory(physical: 1 << 40, available: 1 << 40)
                let error = try #require(
                    TrainingError.thrown { _ = try demand.fittingTokens(most: 1024, in: memory) })
                #expect(error.exitCode == 64)
                #expect(length == long || error.description.contains("(--micro-batch-tokens \(tokens))"))
            }
        }
    }

    @Test func evaluationTakesLessThanALargeBoundAllows() throws {
        let demand = try Self.demand(for: .evaluation, requestedTokens: 1 << 20)
        let available = demand.estimate(tokens: 1 << 20).total
        #expect(try demand.fittingTokens(most: 1024, in: Self.machine(available)) == 1 << 20)
    }

    /// The largest of the default's halves that fits, whatever the memory.
    @Test func microBatchesAreAsLargeAsMemoryAllows() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let length = Int.random(in: 8...700, using: &generator)
            let demand = try Self.demand(
                for: .training(validates: Bool.random(using: &generator)), sequenceLength: length,
                threads: Int.random(in: 1...4, using: &generator))
            let most = max([1024, 2048].randomElement(using: &generator) ?? 1024, length)
            let ranks = Int.random(in: 1...5, using: &generator)
            let held = Bool.random(using: &generator) ? demand.estimate(tokens: 1).parameters : 0
            let largest = demand.estimate(tokens: most).total - held
            let available = Int.random(in: 0...(largest * 5 / 4), using: &generator) * ranks
            func fits(_ tokens: Int) -> Bool {
                (demand.estimate(tokens: tokens).total - held) * ranks <= available
            }
            let least = max(length, 256)
            let halves = (0..<4).map { max(most >> $0, least) }
            let chosen = try? demand.fittingTokens(
                most: most, in: Self.machine(available), ranksOnHost: ranks, held: held)
            #expect(chosen == halves.first(where: fits))
        }
    }

    @Test func tokensThatWereAskedForStand() throws {
        let demand = try Self.demand(requestedTokens: 1000)
        let needed = demand.estimate(tokens: 1000).total
        #expect(try demand.fittingTokens(most: 1024, in: Self.machine(needed)) == 1000)
        let error = TrainingError.thrown {
            _ = try demand.fittingTokens(most: 1024, in: Self.machine(needed - 1))
        }
        #expect(error?.description.contains("(--micro-batch-tokens 1000)") == true)
    }
}
