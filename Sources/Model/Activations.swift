import Kernels

/// What the forward pass of one block keeps for its backward.
struct LayerActivations {
    fileprivate let inside: LayerInside
    fileprivate let result: LayerResult

    /// `[tokens, 3 · hidden]`.
    var queryKeyValue: UnsafeMutablePointer<Float> { inside.queryKeyValue }
    /// `[heads, tokens]`.
    var logSumExp: UnsafeMutablePointer<Float> { inside.logSumExp }
    /// `[tokens, hidden]`: attention's result before its output layer.
    var context: UnsafeMutablePointer<Float> { inside.context }
    /// `[tokens, hidden]`: what the first LayerNorm normalised, and its statistics.
    var attentionSum: UnsafeMutablePointer<Float> { inside.attentionSum }
    var attentionStatistics: LayerNormStatistics { inside.attentionStatistics }
    /// `[tokens, intermediate]`: before the activation.
    var intermediate: UnsafeMutablePointer<Float> { inside.intermediate }
    /// `[tokens, hidden]`: what the second LayerNorm normalised, and its statistics.
    var outputSum: UnsafeMutablePointer<Float> { result.sum }
    var outputStatistics: LayerNormStatistics { result.statistics }
}

/// The part of a block's activations that its backward alone needs.
private struct LayerInside {
    let queryKeyValue: UnsafeMutablePointer<Float>
    let logSumExp: UnsafeMutablePointer<Float>
    let context: UnsafeMutablePointer<Float>
    let attentionSum: UnsafeMutablePointer<Float>
    let attentionStatistics: LayerNormStatistics
    let intermediate: UnsafeMutablePointer<Float>

    init(_ sizes: Sizes, _ arena: inout Arena) {
        queryKeyValue = arena.take(3 * sizes.hidden)
        logSumExp = arena.take(sizes.logSumExp)
        context = arena.take(sizes.hidden)
        attentionSum = arena.take(sizes.hidden)
        attentionStatistics = sizes.statistics(&arena)
        intermediate = arena.take(sizes.wide)
    }
}

/// The part of a block's activations from which the next block's input comes.
private struct LayerResult {
    let sum: UnsafeMutablePointer<Float>
    let statistics: LayerNormStatistics

    init(_ sizes: Sizes, _ arena: inout Arena) {
        sum = arena.take(sizes.hidden)
        statistics = sizes.statistics(&arena)
    }
}

/// Which blocks have memory of their own, and which share it with those before.
private struct LayerSlots {
    let insides: Int
    let results: Int
    /// Blocks, from the first on, that share all their memory.
    private let sharing: Int
    /// Whether all blocks share what only a block's own backward needs.
    private let sharesInsides: Bool

    init(_ configuration: ModelConfiguration, _ purpose: ModelPurpose, _ scope: TrainingScope) {
        let layers = configuration.layerCount
        // What blocks before the first one with a backward leave is not read but for the last one's result.
        sharing = purpose == .training ? min(scope.detachedLayers, layers) : layers
        sharesInsides = purpose == .training && scope.recomputesLayers
        results = min(sharing, 1) + layers - sharing
        insides = sharesInsides ? min(layers, 1) : results
    }

    func result(_ layer: Int) -> Int { layer < sharing ? 0 : min(sharing, 1) + layer - sharing }
    func inside(_ layer: Int) -> Int { sharesInsides ? 0 : result(layer) }
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
    /// Every block that is trained, or has one before it that is, keeps what its backward needs.
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
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope = TrainingScope()
    ) {
        self.capacity = capacity
        let sizes = Sizes(configuration, capacity, threads: threads, purpose, scope)
        memory = FloatBuffer(count: sizes.total)
        var arena = Arena(memory)
        embeddingSum = arena.take(sizes.embedding)
        embeddingStatistics = sizes.statistics(&arena)
        let projected = sizes.projected > 0 ? arena.take(sizes.projected) : nil
        let insides = (0..<sizes.slots.insides).map { _ in LayerInside(sizes, &arena) }
        let results = (0..<sizes.slots.results).map { _ in LayerResult(sizes, &arena) }
        layers = (0..<configuration.layerCount).map { layer in
            LayerActivations(
                inside: insides[sizes.slots.inside(layer)], result: results[sizes.slots.result(layer)])
        }
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
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope = TrainingScope()
    ) -> Int {
        Sizes(configuration, capacity, threads: threads, purpose, scope).total * MemoryLayout<Float>.stride
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
    /// For gradients of biases and LayerNorms that nobody wants; nil where there are none.
    let discarded: UnsafeMutablePointer<Float>?

    fileprivate init(_ sizes: Sizes, _ arena: inout Arena) {
        wide = arena.take(sizes.wide)
        queryKeyValue = arena.take(3 * sizes.hidden)
        hidden = arena.take(sizes.hidden)
        dense = arena.take(sizes.dense)
        sumScratch = arena.take(sizes.sumScratch)
        discarded = sizes.discarded > 0 ? arena.take(sizes.discarded) : nil
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
    let slots: LayerSlots
    /// The most that a block's gradient of a bias or LayerNorm takes.
    let discarded: Int
    let total: Int

    init(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope
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
        slots = LayerSlots(configuration, purpose, scope)
        discarded = scope.frozenLayers > scope.detachedLayers ? Arena.padded(widest) : 0
        let statistics = 2 * Arena.padded(tokens)
        let inside = 5 * hidden + wide + logSumExp + statistics
        let result = hidden + statistics
        // Logits take as much as the statistics of one LayerNorm.
        let shared = embedding + projected + 2 * hidden + 2 * statistics + wide
        let backward = purpose == .training ? wide + 4 * hidden + dense + sumScratch + discarded : 0
        total =
            slots.insides * inside + slots.results * result + shared + backward
            + Arena.padded(attentionScratchPerWorker * threads)
    }

    func statistics(_ arena: inout Arena) -> LayerNormStatistics {
        LayerNormStatistics(mean: arena.take(tokens), inverseDeviation: arena.take(tokens))
    }
}
