import Kernels

/// What the forward pass of one block keeps for its backward.
struct LayerActivations {
    /// `[tokens, 3 · hidden]`.
    let queryKeyValue: UnsafeMutablePointer<Float>
    /// `[heads, tokens]`.
    let logSumExp: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: attention's result before its output layer.
    let context: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: what the first LayerNorm normalised, its statistics, and its result.
    let attentionSum: UnsafeMutablePointer<Float>
    let attentionStatistics: LayerNormStatistics
    let attentionOutput: UnsafeMutablePointer<Float>
    /// `[tokens, intermediate]`: before the activation.
    let intermediate: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: what the second LayerNorm normalised, its statistics, and the block's result.
    let outputSum: UnsafeMutablePointer<Float>
    let outputStatistics: LayerNormStatistics
    let output: UnsafeMutablePointer<Float>
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

/// All memory that forward and backward of a micro-batch touch, laid out once.
final class ActivationMemory {
    let capacity: BatchCapacity
    /// Embeddings before and after LayerNorm and dropout: `[tokens, hidden]`.
    let embeddingSum: UnsafeMutablePointer<Float>
    let embeddingStatistics: LayerNormStatistics
    let embeddingOutput: UnsafeMutablePointer<Float>
    let layers: [LayerActivations]
    /// `[tokens]` each; overwritten by their gradients.
    let startLogits: UnsafeMutablePointer<Float>
    let endLogits: UnsafeMutablePointer<Float>
    /// `[tokens, intermediate]`: the activation's result forward; backward, computed again.
    let wide: UnsafeMutablePointer<Float>
    /// Backward only: `[tokens, intermediate]`, `[tokens, 3 · hidden]`, and twice `[tokens, hidden]`.
    let wideGradient: UnsafeMutablePointer<Float>
    let queryKeyValueGradient: UnsafeMutablePointer<Float>
    let hiddenGradient: UnsafeMutablePointer<Float>
    let denseGradient: UnsafeMutablePointer<Float>
    /// Per-thread scores of one head, and sums over tokens.
    let attentionScratch: UnsafeMutablePointer<Float>
    let attentionScratchPerWorker: Int
    let sumScratch: UnsafeMutablePointer<Float>
    private let memory: FloatBuffer

    init(_ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int) {
        self.capacity = capacity
        let sizes = Sizes(configuration, capacity, threads: threads)
        memory = FloatBuffer(count: sizes.total)
        var arena = Arena(memory)
        embeddingSum = arena.take(sizes.hidden)
        embeddingStatistics = sizes.statistics(&arena)
        embeddingOutput = arena.take(sizes.hidden)
        layers = (0..<configuration.layerCount).map { _ in
            LayerActivations(
                queryKeyValue: arena.take(3 * sizes.hidden), logSumExp: arena.take(sizes.logSumExp),
                context: arena.take(sizes.hidden), attentionSum: arena.take(sizes.hidden),
                attentionStatistics: sizes.statistics(&arena), attentionOutput: arena.take(sizes.hidden),
                intermediate: arena.take(sizes.wide), outputSum: arena.take(sizes.hidden),
                outputStatistics: sizes.statistics(&arena), output: arena.take(sizes.hidden))
        }
        startLogits = arena.take(capacity.tokens)
        endLogits = arena.take(capacity.tokens)
        wide = arena.take(sizes.wide)
        wideGradient = arena.take(sizes.wide)
        queryKeyValueGradient = arena.take(3 * sizes.hidden)
        hiddenGradient = arena.take(sizes.hidden)
        denseGradient = arena.take(sizes.hidden)
        attentionScratchPerWorker = sizes.attentionScratchPerWorker
        attentionScratch = arena.take(sizes.attentionScratchPerWorker * threads)
        sumScratch = arena.take(sizes.sumScratch)
    }

    /// Bytes this would take, without taking them.
    static func bytes(_ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int) -> Int {
        Sizes(configuration, capacity, threads: threads).total * MemoryLayout<Float>.stride
    }

    private struct Sizes {
        let tokens: Int
        let hidden: Int
        let wide: Int
        let logSumExp: Int
        let attentionScratchPerWorker: Int
        let sumScratch: Int
        let total: Int

        init(_ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int) {
            tokens = capacity.tokens
            hidden = Arena.padded(tokens * configuration.hiddenSize)
            // Attention's backward borrows the wide buffers for `[tokens, hidden]`.
            wide = Arena.padded(tokens * max(configuration.intermediateSize, configuration.hiddenSize))
            logSumExp = Arena.padded(tokens * configuration.headCount)
            attentionScratchPerWorker = AttentionShape.scratch(length: capacity.sequenceLength)
            let widest = max(3 * configuration.hiddenSize, configuration.intermediateSize)
            sumScratch = Arena.padded(TokenBlocks.scratch(tokens: tokens, width: widest))
            let statistics = 2 * Arena.padded(tokens)
            let layer = 8 * hidden + wide + logSumExp + 2 * statistics
            let shared = 2 * hidden + 2 * statistics + 2 * wide + 5 * hidden
            total =
                configuration.layerCount * layer + shared
                + Arena.padded(attentionScratchPerWorker * threads) + sumScratch
        }

        func statistics(_ arena: inout Arena) -> LayerNormStatistics {
            LayerNormStatistics(mean: arena.take(tokens), inverseDeviation: arena.take(tokens))
        }
    }
}
