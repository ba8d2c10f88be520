import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// What a rank computes with: its threads, and the micro-batches its memory is laid out for.
package struct ComputePlan {
    package let pool: WorkerPool
    package let microBatchTokens: Int
    /// What the user asked for, nil when it was chosen here.
    private let requestedTokens: Int?
    /// What keeps the machine from computing as fast as it could, to be told to the user.
    package fileprivate(set) var notices: [String] = []

    /// - sequenceLength: tokens of the longest feature there may be.
    /// - Throws: `TrainingError.setting` when a micro-batch cannot hold that feature, or memory the micro-batch.
    package init(
        _ settings: ComputeSettings, configuration: ModelConfiguration, sequenceLength: Int, threads: Int
    ) throws {
        let tokens = settings.microBatchTokens ?? Self.defaultTokens(configuration, sequenceLength)
        guard tokens >= sequenceLength else {
            throw TrainingError.setting(
                flag: "--micro-batch-tokens \(tokens)",
                problem: "a micro-batch cannot hold one window of \(sequenceLength) tokens",
                remedy: "give at least \(sequenceLength), or lower --max-seq-length")
        }
        try Self.requireMemory(
            configuration, BatchCapacity(tokens: tokens, sequenceLength: sequenceLength), threads: threads)
        microBatchTokens = tokens
        requestedTokens = settings.microBatchTokens
        useSingleThreadedBLAS()
        pool = WorkerPool(threadCount: threads)
    }

    /// Memory that cannot be had ends the process without a word, so ask before.
    private static func requireMemory(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int
    ) throws {
        let limit = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        // Every token takes some bytes; with as many tokens as bytes there is no need to count.
        let isHopeless = capacity.tokens > limit
        let bytes = isHopeless ? limit : SpanModel.activationBytes(configuration, capacity, threads: threads)
        guard isHopeless || bytes > limit else { return }
        throw TrainingError.setting(
            flag: "--micro-batch-tokens \(capacity.tokens)",
            problem: "a micro-batch would take more than the \(limit >> 20) MiB of memory there are",
            remedy: "give fewer tokens, or lower --max-seq-length")
    }

    /// Enough rows for products to run at their full rate, and no more memory than that takes; narrow models
    /// need more rows for the same work.
    private static func defaultTokens(_ configuration: ModelConfiguration, _ sequenceLength: Int) -> Int {
        max(configuration.hiddenSize >= 512 ? 1024 : 2048, sequenceLength)
    }

    /// A model over `parameters` with memory for these micro-batches, and no more than `longest` a feature.
    package func model(_ loaded: LoadedModel, longest: Int) -> SpanModel {
        SpanModel(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: BatchCapacity(tokens: microBatchTokens, sequenceLength: longest), pool: pool)
    }

    /// Forward passes over `parameters`, of features of up to `longest` tokens.
    package func forward(
        _ loaded: LoadedModel, longest: Int, communicator: any Communicator
    ) -> DistributedForward {
        DistributedForward(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: DistributedForward.capacity(longest: longest, microBatchTokens: requestedTokens),
            pool: pool, communicator: communicator)
    }
}

extension Communicator {
    /// The compute plan of a command that meets windows of up to `features.maxSequenceLength` tokens.
    package func planCompute(
        _ settings: ComputeSettings, _ loaded: LoadedModel, _ features: FeatureSettings
    ) throws -> ComputePlan {
        try planCompute(settings, loaded.configuration, sequenceLength: features.maxSequenceLength)
    }

    /// The compute plan for features of up to `sequenceLength` tokens.
    func planCompute(
        _ settings: ComputeSettings, _ configuration: ModelConfiguration, sequenceLength: Int
    ) throws -> ComputePlan {
        let budget = try ThreadBudget(communicator: self, requested: settings.threads)
        var plan = try together {
            try ComputePlan(
                settings, configuration: configuration, sequenceLength: sequenceLength,
                threads: budget.threads)
        }
        plan.notices = budget.notices + blasNotices()
        return plan
    }
}

/// Warns of an OpenBLAS that is slower than the processor.
package func blasNotices() -> [String] {
    let warning = slowBLASWarning(
        core: blasCoreName(), processor: .ofProcessor,
        coreVariable: ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"])
    return warning.map { [$0] } ?? []
}
