import Kernels

/// What the forward pass of one block keeps for its backward.
struct LayerActivations {
    fileprivate let inside: LayerInside
    fileprivate let result: LayerResult

    /// `[tokens, 3 · hidden]`.
    var queryKeyValue: NumberPointer { inside.queryKeyValue }
    /// `[heads, tokens]`.
    var logSumExp: UnsafeMutablePointer<Float> { inside.logSumExp }
    /// `[tokens, hidden]`: attention's result before its output layer.
    var context: NumberPointer { inside.context }
    /// `[tokens, hidden]`: what the first LayerNorm's backward reads, and its statistics.
    var attentionNormalized: NumberPointer { inside.attentionNormalized }
    var attentionStatistics: LayerNormStatistics { inside.attentionStatistics }
    /// `[tokens, intermediate]`: before the activation.
    var intermediate: NumberPointer { inside.intermediate }
    /// `[tokens, hidden]`: what the second LayerNorm's backward reads, and its statistics.
    var outputNormalized: NumberPointer { result.normalized }
    /// `[tokens, hidden]`: what the second LayerNorm normalised, where that is kept.
    var outputSum: UnsafeMutablePointer<Float>? { result.sum }
    var outputStatistics: LayerNormStatistics { result.statistics }
}

/// The part of a block's activations that its backward alone needs.
private struct LayerInside {
    let queryKeyValue: NumberPointer
    let logSumExp: UnsafeMutablePointer<Float>
    let context: NumberPointer
    let attentionNormalized: NumberPointer
    let attentionStatistics: LayerNormStatistics
    let intermediate: NumberPointer

    init(_ sizes: Sizes, _ arena: inout Arena) {
        queryKeyValue = arena.take(3 * sizes.hidden, sizes.precision)
        logSumExp = arena.take(sizes.logSumExp)
        context = arena.take(sizes.hidden, sizes.precision)
        attentionNormalized = arena.take(sizes.hidden, sizes.precision)
        attentionStatistics = sizes.statistics(&arena)
        intermediate = arena.take(sizes.wide, sizes.precision)
    }
}

/// The part of a block's activations from which the next block's input comes.
private struct LayerResult {
    let normalized: NumberPointer
    let sum: UnsafeMutablePointer<Float>?
    let statistics: LayerNormStatistics

    init(_ sizes: Sizes, _ arena: inout Arena) {
        normalized = arena.take(sizes.hidden, sizes.precision)
        sum = normalized.singles ?? (sizes.extraSum > 0 ? arena.take(sizes.extraSum) : nil)
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
///
/// With products of bfloat16, what they multiply is kept as such, and so are what the activation reads and what a
/// LayerNorm has normalised. What goes on from block to block is of singles.
final class ActivationMemory {
    let capacity: BatchCapacity
    /// Embeddings before LayerNorm, and its statistics: `[tokens, embedding]`.
    let embeddingSum: UnsafeMutablePointer<Float>
    let embeddingStatistics: LayerNormStatistics
    /// `[tokens, embedding]`: embeddings as the projection reads them. Without one, the first block's input.
    let embeddingOutput: Rounded
    let layers: [LayerActivations]
    /// `[tokens, hidden]` each: what a block reads and, last, the encoder's result; and the first LayerNorm's
    /// result. Forward, and again backward.
    let blockInput: Rounded
    let attentionOutput: Rounded
    /// `[tokens]` each; overwritten by their gradients.
    let startLogits: UnsafeMutablePointer<Float>
    let endLogits: UnsafeMutablePointer<Float>
    /// `[tokens, intermediate]`: the activation's result forward; backward, computed again.
    let wide: NumberPointer
    /// `[tokens, widest]`: products that are to be rounded; nil where none is.
    private let unrounded: UnsafeMutablePointer<Float>?
    let gradients: GradientMemory?
    /// Per-thread scores of one head.
    let attentionScratch: UnsafeMutablePointer<Float>
    let attentionScratchPerWorker: Int
    private let memory: FloatBuffer

    init(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope = TrainingScope(), _ precision: Precision = .single
    ) {
        self.capacity = capacity
        let sizes = Sizes(configuration, capacity, threads: threads, purpose, scope, precision)
        memory = FloatBuffer(count: sizes.total)
        var arena = Arena(memory)
        embeddingSum = arena.take(sizes.embedding)
        embeddingStatistics = sizes.statistics(&arena)
        let projected = sizes.projected > 0 ? sizes.rounded(sizes.projected, &arena) : nil
        let insides = (0..<sizes.slots.insides).map { _ in LayerInside(sizes, &arena) }
        let results = (0..<sizes.slots.results).map { _ in LayerResult(sizes, &arena) }
        layers = (0..<configuration.layerCount).map { layer in
            LayerActivations(
                inside: insides[sizes.slots.inside(layer)], result: results[sizes.slots.result(layer)])
        }
        blockInput = sizes.rounded(sizes.hidden, &arena)
        embeddingOutput = projected ?? blockInput
        attentionOutput = sizes.rounded(sizes.hidden, &arena)
        startLogits = arena.take(capacity.tokens)
        endLogits = arena.take(capacity.tokens)
        wide = arena.take(sizes.wide, precision)
        unrounded = sizes.unrounded > 0 ? arena.take(sizes.unrounded) : nil
        gradients = purpose == .training ? GradientMemory(sizes, unrounded, &arena) : nil
        attentionScratchPerWorker = sizes.attentionScratchPerWorker
        attentionScratch = arena.take(sizes.attentionScratchPerWorker * threads)
    }

    /// Where a product goes that ends in `target`: there, or where it is rounded from.
    func product(for target: NumberPointer) -> UnsafeMutablePointer<Float> {
        guard let place = target.singles ?? unrounded else { preconditionFailure("nowhere to round from") }
        return place
    }

    /// Bytes this would take, without taking them.
    static func bytes(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope = TrainingScope(), _ precision: Precision = .single
    ) -> Int {
        Sizes(configuration, capacity, threads: threads, purpose, scope, precision).total
            * MemoryLayout<Float>.stride
    }
}

/// Singles, and the same as products take them.
struct Rounded {
    let singles: UnsafeMutablePointer<Float>
    /// Nil where products take the singles.
    let brainFloats: UnsafeMutablePointer<BrainFloat>?

    /// What products take.
    var operand: NumberPointer { brainFloats.map { NumberPointer($0) } ?? NumberPointer(singles) }
}

/// Memory that only the backward pass touches.
struct GradientMemory {
    /// `[tokens, intermediate]`, of the activation's result; then `[tokens, hidden]`, of attention's.
    let wide: UnsafeMutablePointer<Float>
    /// `[tokens, intermediate]`: of what the activation read.
    let intermediate: NumberPointer
    /// `[tokens, 3 · hidden]`; may be the memory of `intermediate`, with which a block is done then.
    let queryKeyValue: NumberPointer
    /// `[tokens, hidden]`.
    let hidden: UnsafeMutablePointer<Float>
    /// `[tokens, hidden]`: of what a dense layer made, as products take it.
    let dense: NumberPointer
    /// `[tokens, embedding]`, of what went into the projection, if there is one; may be the memory of `dense`.
    let embedding: UnsafeMutablePointer<Float>
    /// For sums over tokens.
    let sumScratch: UnsafeMutablePointer<Float>
    /// For gradients of biases and LayerNorms that nobody wants; nil where there are none.
    let discarded: UnsafeMutablePointer<Float>?

    /// - unrounded: free between a forward and its backward's end but for products that are rounded at once.
    fileprivate init(_ sizes: Sizes, _ unrounded: UnsafeMutablePointer<Float>?, _ arena: inout Arena) {
        wide = unrounded ?? arena.take(sizes.wide)
        switch sizes.precision {
        case .single:
            intermediate = NumberPointer(wide)
            queryKeyValue = arena.take(3 * sizes.hidden, .single)
        case .brain:
            intermediate = arena.take(sizes.unrounded, .brain)
            queryKeyValue = intermediate
        }
        hidden = arena.take(sizes.hidden)
        dense = arena.take(sizes.dense, sizes.precision)
        embedding = dense.singles ?? arena.take(sizes.projected)
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
    /// Products that are to be rounded; 0 where none is.
    let unrounded: Int
    /// Sums that are kept beside what is rounded of them, so that the next block can be computed again.
    let extraSum: Int
    let logSumExp: Int
    let attentionScratchPerWorker: Int
    let sumScratch: Int
    let slots: LayerSlots
    /// The most that a block's gradient of a bias or LayerNorm takes.
    let discarded: Int
    let precision: Precision
    private(set) var total = 0

    init(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose,
        _ scope: TrainingScope, _ precision: Precision
    ) {
        self.precision = precision
        tokens = capacity.tokens
        embedding = Arena.padded(tokens * configuration.embeddingSize)
        projected = configuration.projectsEmbeddings ? embedding : 0
        hidden = Arena.padded(tokens * configuration.hiddenSize)
        // Where both are singles, the embeddings' gradient takes the place that dense layers are done with.
        dense = precision == .single ? max(hidden, projected) : hidden
        // Attention's backward borrows the wide buffers for `[tokens, hidden]`.
        wide = Arena.padded(tokens * max(configuration.intermediateSize, configuration.hiddenSize))
        logSumExp = Arena.padded(tokens * configuration.headCount)
        attentionScratchPerWorker = AttentionShape.scratch(
            length: capacity.sequenceLength, headSize: configuration.headSize, precision)
        let widest = max(
            3 * configuration.hiddenSize, 2 * configuration.embeddingSize, configuration.intermediateSize)
        sumScratch = Arena.padded(TokenBlocks.scratch(tokens: tokens, width: widest))
        slots = LayerSlots(configuration, purpose, scope)
        discarded = scope.frozenLayers > scope.detachedLayers ? Arena.padded(widest) : 0
        unrounded = precision == .single ? 0 : max(wide, 3 * hidden)
        extraSum = precision == .brain && purpose == .training && scope.recomputesLayers ? hidden : 0
        total =
            slots.insides * inside + slots.results * result + shared + (purpose == .training ? backward : 0)
            + Arena.padded(attentionScratchPerWorker * threads)
    }

    private var statistics: Int { 2 * Arena.padded(tokens) }

    private var inside: Int {
        stored(3 * hidden) + 2 * stored(hidden) + stored(wide) + logSumExp + statistics
    }

    private var result: Int { stored(hidden) + extraSum + statistics }

    /// Logits take as much as the statistics of one LayerNorm.
    private var shared: Int {
        embedding + rounded(projected) + 2 * rounded(hidden) + 2 * statistics + stored(wide) + unrounded
    }

    private var backward: Int {
        let shared = hidden + stored(dense) + sumScratch + discarded
        switch precision {
        case .single: return shared + wide + 3 * hidden
        case .brain: return shared + stored(unrounded) + projected
        }
    }

    /// Of `count` numbers in the products' precision.
    private func stored(_ count: Int) -> Int { Arena.padded(Arena.floats(count, precision)) }

    /// Of `count` singles, and what products take of them.
    private func rounded(_ count: Int) -> Int { count + (precision == .single ? 0 : stored(count)) }

    func rounded(_ count: Int, _ arena: inout Arena) -> Rounded {
        let singles = arena.take(count)
        switch precision {
        case .single: return Rounded(singles: singles, brainFloats: nil)
        case .brain: return Rounded(singles: singles, brainFloats: arena.take(count, .brain).brainFloats)
        }
    }

    func statistics(_ arena: inout Arena) -> LayerNormStatistics {
        LayerNormStatistics(mean: arena.take(tokens), inverseDeviation: arena.take(tokens))
    }
}
