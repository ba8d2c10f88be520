import Kernels

/// What the forward pass of one block keeps for its backward.
struct LayerActivations {
    /// `[tokens, 3 · hidden]`.
    let queryKeyValue: UnsafeMutablePointer<Float>
    /// `[heads, tokens]`.
    let logSumExp: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: attention's result before its output layer.
    let context: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: what the first LayerNorm normalised, and its statistics.
    let attentionSum: UnsafeMutablePointer<Float>
    let attentionStatistics: LayerNormStatistics
    /// `[tokens, intermediate]`: before the activation.
    let intermediate: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: what the second LayerNorm normalised, and its statistics.
    let outputSum: UnsafeMutablePointer<Float>
    let outputStatistics: LayerNormStatistics
}

/// The most a micro-batch may hold.
package struct BatchCapacity: Sendable, Equatable {
    /// Tokens over all sequences.
    package let tokens: Int
    /// Tokens of the longest sequence.
    package let sequenceLength: Int

    package init(tokens: Int, sequenceLength: Int) {
        self.tokens = tokens
        self.sequenceLength = sequenceLength
    }
}

/// What a model's memory is laid out for.
package enum ModelPurpose: Sendable {
    /// Every block keeps what its backward needs.
    case training
    /// All blocks share the memory of one.
    case inference
}

/// All memory that forward and backward of a micro-batch touch, laid out once.
///
/// LayerNorm's results are not kept: computing them again from what was normalised costs a pass over memory,
/// keeping them a sixth of a block's memory.
final class ActivationMemory {
    let capacity: BatchCapacity
    /// Embeddings before LayerNorm, and its statistics: `[tokens, embedding]`.
    let embeddingSum: UnsafeMutablePointer<Float>
    let embeddingStatistics: LayerNormStatistics
    /// `[tokens, embedding]`: embeddings as the projection reads them. Without one, the first block's input.
    let embeddingOutput: UnsafeMutablePointer<Float>
    let layers: [LayerActivations]
    /// `[tokens, hidden]` each: what a block reads and, last, the encoder's result; and the first LayerNorm's
    /// result. Forward, and again backward.
    let blockInput: UnsafeMutablePointer<Float>
    let attentionOutput: UnsafeMutablePointer<Float>
    /// `[tokens]` each; overwritten by their gradients.
    let startLogits: UnsafeMutablePointer<Float>
    let endLogits: UnsafeMutablePointer<Float>
    /// `[tokens, intermediate]`: the activation's result forward; backward, computed again.
    let wide: UnsafeMutablePointer<Float>
    let gradients: GradientMemory?
    /// Per-thread scores of one head.
    let attentionScratch: UnsafeMutablePointer<Float>
    let attentionScratchPerWorker: Int
    private let memory: FloatBuffer

    init(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose
    ) {
        self.capacity = capacity
        let sizes = Sizes(configuration, capacity, threads: threads, purpose)
        memory = FloatBuffer(count: sizes.total)
        var arena = Arena(memory)
        embeddingSum = arena.take(sizes.embedding)
        embeddingStatistics = sizes.statistics(&arena)
        let projected = sizes.projected > 0 ? arena.take(sizes.projected) : nil
        let kept = (0..<sizes.keptLayers).map { _ in
            LayerActivations(
                queryKeyValue: arena.take(3 * sizes.hidden), logSumExp: arena.take(sizes.logSumExp),
                context: arena.take(sizes.hidden), attentionSum: arena.take(sizes.hidden),
                attentionStatistics: sizes.statistics(&arena), intermediate: arena.take(sizes.wide),
                outputSum: arena.take(sizes.hidden), outputStatistics: sizes.statistics(&arena))
        }
        layers = (0..<configuration.layerCount).map { kept[$0 % max(kept.count, 1)] }
        blockInput = arena.take(sizes.hidden)
        embeddingOutput = projected ?? blockInput
        attentionOutput = arena.take(sizes.hidden)
        startLogits = arena.take(capacity.tokens)
        endLogits = arena.take(capacity.tokens)
        wide = arena.take(sizes.wide)
        gradients = purpose == .training ? GradientMemory(sizes, &arena) : nil
        attentionScratchPerWorker = sizes.attentionScratchPerWorker
        attentionScratch = arena.take(sizes.attentionScratchPerWorker * threads)
    }

    /// Bytes this would take, without taking them.
    static func bytes(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose
    ) -> Int {
        Sizes(configuration, capacity, threads: threads, purpose).total * MemoryLayout<Float>.stride
    }
}

/// Memory that only the backward pass touches.
struct GradientMemory {
    /// `[tokens, intermediate]`, `[tokens, 3 · hidden]`, `[tokens, hidden]`.
    let wide: UnsafeMutablePointer<Float>
    let queryKeyValue: UnsafeMutablePointer<Float>
    let hidden: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`, or `[tokens, embedding]` of what went into the projection.
    let dense: UnsafeMutablePointer<Float>
    /// For sums over tokens.
    let sumScratch: UnsafeMutablePointer<Float>

    fileprivate init(_ sizes: Sizes, _ arena: inout Arena) {
        wide = arena.take(sizes.wide)
        queryKeyValue = arena.take(3 * sizes.hidden)
        hidden = arena.take(sizes.hidden)
        dense = arena.take(sizes.dense)
        sumScratch = arena.take(sizes.sumScratch)
    }
}

/// Floats that the parts of the memory take.
private struct Sizes {
    let tokens: Int
    let embedding: Int
    /// Embeddings that a projection reads; 0 without one.
    let projected: Int
    let hidden: Int
    let dense: Int
    let wide: Int
    let logSumExp: Int
    let attentionScratchPerWorker: Int
    let sumScratch: Int
    let keptLayers: Int
    let total: Int

    init(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose
    ) {
        tokens = capacity.tokens
        embedding = Arena.padded(tokens * configuration.embeddingSize)
        projected = configuration.projectsEmbeddings ? embedding : 0
        hidden = Arena.padded(tokens * configuration.hiddenSize)
        dense = max(hidden, embedding)
        // Attention's backward borrows the wide buffers for `[tokens, hidden]`.
        wide = Arena.padded(tokens * max(configuration.intermediateSize, configuration.hiddenSize))
        logSumExp = Arena.padded(tokens * configuration.headCount)
        attentionScratchPerWorker = AttentionShape.scratch(
            length: capacity.sequenceLength, headSize: configuration.headSize)
        let widest = max(
            3 * configuration.hiddenSize, 2 * configuration.embeddingSize, configuration.intermediateSize)
        sumScratch = Arena.padded(TokenBlocks.scratch(tokens: tokens, width: widest))
        keptLayers = purpose == .training ? configuration.layerCount : min(configuration.layerCount, 1)
        let statistics = 2 * Arena.padded(tokens)
        let layer = 6 * hidden + wide + logSumExp + 2 * statistics
        // Logits take as much as the statistics of one LayerNorm.
        let shared = embedding + projected + 2 * hidden + 2 * statistics + wide
        let backward = purpose == .training ? wide + 4 * hidden + dense + sumScratch : 0
        total =
            keptLayers * layer + shared + backward + Arena.padded(attentionScratchPerWorker * threads)
    }

    func statistics(_ arena: inout Arena) -> LayerNormStatistics {
        LayerNormStatistics(mean: arena.take(tokens), inverseDeviation: arena.take(tokens))
    }
}
