import Distributed
import Kernels
import Model
import QuestionAnswering

/// What a rank computes with: its threads, and the micro-batches its memory is laid out for.
package struct ComputePlan {
    package let pool: WorkerPool
    package let microBatchTokens: Int

    /// - sequenceLength: tokens of the longest feature there may be.
    /// - Throws: `TrainingError.setting` when a micro-batch cannot hold that feature.
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
        microBatchTokens = tokens
        useSingleThreadedBLAS()
        pool = WorkerPool(threadCount: threads)
    }

    /// Enough rows for products to run at their full rate; narrow models need more for the same work.
    private static func defaultTokens(_ configuration: ModelConfiguration, _ sequenceLength: Int) -> Int {
        max(configuration.hiddenSize >= 512 ? 2048 : 4096, sequenceLength)
    }

    /// A model over `parameters` with memory for these micro-batches, and no more than `longest` a feature.
    package func model(_ loaded: LoadedModel, longest: Int) -> SpanModel {
        SpanModel(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: BatchCapacity(tokens: microBatchTokens, sequenceLength: longest), pool: pool)
    }
}

extension Communicator {
    /// The compute plan of a command that meets windows of up to `features.maxSequenceLength` tokens.
    package func planCompute(
        _ settings: ComputeSettings, _ loaded: LoadedModel, _ features: FeatureSettings
    ) throws -> ComputePlan {
        let threads = try settings.threads ?? ThreadBudget.threads(communicator: self)
        return try together {
            try ComputePlan(
                settings, configuration: loaded.configuration, sequenceLength: features.maxSequenceLength,
                threads: threads)
        }
    }
}
