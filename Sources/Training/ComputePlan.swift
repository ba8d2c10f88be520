import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// What a rank computes with: its threads, and the micro-batches its memory is laid out for.
package struct ComputePlan {
    package let pool: WorkerPool
    /// The same on every rank.
    package let microBatchTokens: Int
    /// What keeps the machine from computing as fast as it could, to be told to the user.
    package let notices: [String]
    fileprivate let demand: MemoryDemand
    /// What `microBatchTokens` would be with memory for anything; the same on every rank.
    fileprivate let wantedTokens: Int
    fileprivate let savesState: Bool

    fileprivate init(
        _ demand: MemoryDemand, tokens: Int, wanted: Int, savesState: Bool, copiesState: Bool,
        pool: WorkerPool, notices: [String]
    ) {
        self.demand = demand
        self.savesState = savesState
        self.copiesState = copiesState
        wantedTokens = wanted
        self.pool = pool
        microBatchTokens = tokens
        self.notices = notices
    }

    /// What a rank's memory is to hold.
    package var memory: MemoryEstimate { demand.estimate(tokens: microBatchTokens) }

    /// Whether checkpoints are written from a copy, while training goes on.
    package let copiesState: Bool

    /// What to tell the user where memory decided.
    package var memoryNotices: [String] {
        var notices: [String] = []
        if demand.requestedTokens == nil, microBatchTokens < wantedTokens {
            notices.append(
                "micro-batches of \(microBatchTokens) tokens instead of \(wantedTokens), for which "
                    + "there is not enough memory")
        }
        if savesState, !copiesState {
            notices.append(
                "not enough memory for a copy of the training state: training waits while a checkpoint is written"
            )
        }
        return notices
    }

    /// Of the numbers that products multiply.
    package var precision: Precision { demand.precision }

    /// A model over `parameters` with memory for these micro-batches, and no more than `longest` a feature.
    package func model(_ loaded: LoadedModel, longest: Int) -> SpanModel {
        SpanModel(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: BatchCapacity(tokens: microBatchTokens, sequenceLength: longest), pool: pool,
            scope: demand.scope, productWeights: productWeights(loaded))
    }

    /// Forward passes over `parameters`, of features of up to `longest` tokens.
    ///
    /// - productWeights: of the same parameters, to share them.
    package func forward(
        _ loaded: LoadedModel, longest: Int, communicator: any Communicator,
        productWeights: ProductWeights? = nil
    ) -> DistributedForward {
        DistributedForward(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: DistributedForward.capacity(longest: longest, microBatchTokens: demand.requestedTokens),
            pool: pool, communicator: communicator,
            productWeights: productWeights ?? self.productWeights(loaded))
    }

    private func productWeights(_ loaded: LoadedModel) -> ProductWeights {
        ProductWeights(loaded.configuration, loaded.layout, loaded.parameters, precision)
    }
}

extension MemoryDemand {
    /// Enough rows for every thread's products to run at their full rate, and no more memory than that takes;
    /// narrow models need more rows for the same work.
    package var defaultTokens: Int { tokens(threads: threads) }

    /// As many as these features of a step have, up to three times the default: what ranks send hides behind the last
    /// micro-batch's backward and the first one's forward, which had better be one and the same.
    func defaultTokens(features: Int) -> Int {
        let (share, isHuge) = features.multipliedReportingOverflow(by: sequenceLength)
        return max(defaultTokens, min(isHuge ? .max : share, 3 * defaultTokens))
    }

    func tokens(threads: Int) -> Int {
        max((configuration.hiddenSize >= 512 ? 1024 : 2048) * min(threads, 8), sequenceLength)
    }
}

extension Communicator {
    /// The compute plan of a command that meets windows of up to `sequenceLength` tokens. To be asked for before
    /// the model's weights are in memory.
    ///
    /// - batchSize: features of a step.
    /// - savesState: whether rank 0 is to write checkpoints.
    /// - Throws: `TrainingError` when products cannot be as they were asked for, when a micro-batch cannot hold such a
    ///   window, or memory what is to be computed.
    package func planCompute(
        _ settings: ComputeSettings, _ configuration: ModelConfiguration, sequenceLength: Int,
        for purpose: MemoryDemand.Purpose, exchange: ExchangeSettings = ExchangeSettings(),
        batchSize: Int = 1, scope: TrainingScope = TrainingScope(), savesState: Bool = false,
        memory: SystemMemory = SystemMemory()
    ) throws -> ComputePlan {
        let productNotices = try ProductChoice(settings).agree(over: self)
        let budget = try ThreadBudget(communicator: self, requested: settings.threads)
        var demand = MemoryDemand(
            configuration, for: purpose, sequenceLength: sequenceLength, threads: budget.threads,
            requestedTokens: settings.microBatchTokens)
        demand.scope = scope
        demand.precision = settings.precision
        var trains = false
        if case .training = purpose { trains = true }
        demand.sharing =
            exchange.sharesMemory ? ranksSharing(ParameterLayout(configuration), trains: trains) : 1
        demand.optimizerSharing = exchange.buckets.keepsTotalsWithOwners ? size : demand.sharing
        if savesState, host(of: 0) == host(of: rank) { demand.checkpointSharing = ranksOnHost }
        if exchange.isDeterministic {
            demand.gradientBuffers = try together {
                try BatchSplit(batchSize: batchSize, dealtTo: self).buffers
            }
        }
        // Ranks may have different threads, but all cut a batch alike; if bits count, whatever their threads.
        let sendsMessages = ranksOnHost < size || (size > 1 && !exchange.sharesMemory)
        let wanted = try minimum(
            exchange.isDeterministic
                ? demand.tokens(threads: 1)
                : demand.defaultTokens(features: sendsMessages ? (batchSize - 1) / size + 1 : 1))
        let copiesState = try agreeOnCopy(&demand, savesState: savesState, memory, held: 0)
        let tokens = try agree(demand, most: wanted, memory, held: 0)
        useSingleThreadedBLAS()
        return ComputePlan(
            demand, tokens: tokens, wanted: wanted, savesState: savesState, copiesState: copiesState,
            pool: WorkerPool(
                threadCount: budget.threads,
                productParts: exchange.isDeterministic ? ExchangeSettings.productParts : nil,
                library: settings.productLibrary),
            notices: budget.notices + blasNotices() + productNotices)
    }

    /// `plan` with the memory that is left now that the weights and the data are loaded, and windows turned out
    /// to have no more than `longest` tokens.
    ///
    /// - Parameters:
    ///   - features: of a step: more tokens than they have no micro-batch needs.
    ///   - data: bytes that the data took on this rank.
    package func confirm(
        _ plan: ComputePlan, longest: Int, features: Int = .max, data: Int = 0,
        memory: SystemMemory = SystemMemory()
    ) throws -> ComputePlan {
        var demand = plan.demand
        demand.sequenceLength = min(demand.sequenceLength, max(longest, 1))
        let (needed, isHuge) = features.multipliedReportingOverflow(by: max(longest, 1))
        let wanted = min(plan.wantedTokens, isHuge ? .max : max(needed, demand.sequenceLength))
        let held = plan.memory.parameters + data
        demand.data = data
        let copiesState = try agreeOnCopy(&demand, savesState: plan.copiesState, memory, held: held)
        let tokens = try agree(demand, most: min(plan.microBatchTokens, wanted), memory, held: held)
        demand.sequenceLength = plan.demand.sequenceLength
        return ComputePlan(
            demand, tokens: tokens, wanted: wanted, savesState: plan.savesState, copiesState: copiesState,
            pool: plan.pool, notices: plan.notices)
    }

    /// Whether there is memory for a copy of the training state, with micro-batches as small as they may be; where
    /// there is not, `demand` does without.
    private func agreeOnCopy(
        _ demand: inout MemoryDemand, savesState: Bool, _ memory: SystemMemory, held: Int
    ) throws -> Bool {
        guard savesState else { return false }
        let least = try? demand.fittingTokens(
            most: demand.sequenceLength, in: memory, ranksOnHost: ranksOnHost, held: held)
        guard try minimum(least == nil ? 0 : 1) == 0 else { return true }
        demand.checkpointSharing = nil
        return false
    }

    /// Tokens that fit on every rank. All have looked at the memory there is before any takes some.
    private func agree(
        _ demand: MemoryDemand, most: Int, _ memory: SystemMemory, held: Int
    ) throws -> Int {
        let tokens = try together {
            try demand.requireWindowFits()
            return try demand.fittingTokens(most: most, in: memory, ranksOnHost: ranksOnHost, held: held)
        }
        return try minimum(tokens)
    }
}

extension MemoryDemand {
    fileprivate func requireWindowFits() throws {
        guard let tokens = requestedTokens, tokens < sequenceLength else { return }
        throw TrainingError.setting(
            flag: "--micro-batch-tokens \(tokens)",
            problem: "a micro-batch cannot hold one window of \(sequenceLength) tokens",
            remedy: "give at least \(sequenceLength), or lower --max-seq-length")
    }
}

/// Warns of an OpenBLAS that is slower than the processor.
package func blasNotices() -> [String] {
    let warning = slowBLASWarning(
        core: blasCoreName(), processor: .ofProcessor,
        coreVariable: ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"])
    return warning.map { [$0] } ?? []
}
