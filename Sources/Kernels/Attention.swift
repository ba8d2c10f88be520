/// The sequences of a packed batch and the shape of attention over them.
package struct AttentionShape {
    /// First token of each sequence, and at the end the number of tokens: `[sequences + 1]`.
    let starts: UnsafePointer<Int32>
    let sequences: Int
    let heads: Int
    let headSize: Int

    package init(starts: UnsafePointer<Int32>, sequences: Int, heads: Int, headSize: Int) {
        self.starts = starts
        self.sequences = sequences
        self.heads = heads
        self.headSize = headSize
    }

    var width: Int { heads * headSize }
    var tokens: Int { Int(starts[sequences]) }

    func range(_ sequence: Int) -> Range<Int> { Int(starts[sequence])..<Int(starts[sequence + 1]) }

    var scale: Float { 1 / Float(headSize).squareRoot() }

    /// Floats of scratch memory a thread needs when no sequence is longer than `length`.
    package static func scratch(
        length: Int, headSize: Int, _ precision: Precision = .single
    ) -> Int {
        switch precision {
        case .single: HeadScratch.floats(length: length, headSize: headSize)
        case .brain: BrainHeadScratch.floats(length: length, headSize: headSize)
        }
    }
}

/// Dropout of attention probabilities; the mask's row is head · length + query.
package struct AttentionDropout {
    let stream: DropoutStream
    let layer: Int
    let probability: Float
    /// For each sequence, its feature's position in the global batch.
    let features: UnsafePointer<UInt32>

    package init(
        stream: DropoutStream, layer: Int, probability: Float, features: UnsafePointer<UInt32>
    ) {
        self.stream = stream
        self.layer = layer
        self.probability = probability
        self.features = features
    }

    func mask(_ sequence: Int) -> DropoutMask {
        stream.mask(
            .attentionProbabilities, layer: layer, feature: features[sequence], probability: probability)
    }
}

/// context = dropout(softmax(Q · Kᵀ / √headSize)) · V for every sequence and head.
///
/// - queryKeyValue: `[tokens, 3 · width]`, the three side by side, each `[heads, headSize]`.
/// - context: `[tokens, width]`, overwritten, of the same precision.
/// - logSumExp: `[heads, tokens]`, overwritten: the logarithm of each softmax row's denominator, from which the
///   backward computes the probabilities again.
/// - scratch: `AttentionShape.scratch` floats for each thread.
package func attentionForward(
    _ pool: WorkerPool, _ shape: AttentionShape, queryKeyValue: NumberPointer, dropout: AttentionDropout?,
    context: NumberPointer, logSumExp: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    scratchPerWorker: Int
) {
    let memory = AttentionMemory(
        dropout: dropout, logSumExp: logSumExp, scratch: scratch, scratchPerWorker: scratchPerWorker)
    switch context.precision {
    case .single: forward(pool, shape, queryKeyValue.numbers(Float.self), context.numbers(), memory)
    case .brain: forward(pool, shape, queryKeyValue.numbers(BrainFloat.self), context.numbers(), memory)
    }
}

/// What attention needs of either precision.
struct AttentionMemory {
    let dropout: AttentionDropout?
    /// `[heads, tokens]`.
    let logSumExp: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>
    private let scratchPerWorker: Int

    init(
        dropout: AttentionDropout?, logSumExp: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, scratchPerWorker: Int
    ) {
        self.dropout = dropout
        self.logSumExp = logSumExp
        self.scratch = scratch
        self.scratchPerWorker = scratchPerWorker
    }

    func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> { scratch + worker * scratchPerWorker }

    /// A head's denominators.
    func denominators(_ head: HeadOfSequence, _ shape: AttentionShape) -> UnsafeMutablePointer<Float> {
        logSumExp + head.index * shape.tokens + head.firstToken
    }

    func mask(_ head: HeadOfSequence) -> DropoutMask? { dropout?.mask(head.sequence) }
}

private func forward(
    _ pool: WorkerPool, _ shape: AttentionShape, _ queryKeyValue: UnsafeMutablePointer<Float>,
    _ context: UnsafeMutablePointer<Float>, _ memory: AttentionMemory
) {
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let work = HeadScratch(memory.scratch(worker), length: head.length, headSize: shape.headSize)
        work.pack(head.part(queryKeyValue, 0), scale: shape.scale, into: work.query)
        work.pack(head.part(queryKeyValue, 1), into: work.key)
        work.pack(head.part(queryKeyValue, 2), into: work.value)
        work.transpose(work.key, into: work.keyPanels)
        let denominators = memory.denominators(head, shape)
        let target = head.slice(context)
        let mask = memory.mask(head)
        withMaskBits(head.length) { bits in
            for block in work.queries.all {
                work.products(of: work.query, block, with: work.keyPanels, into: work.queries.scores)
                for row in block {
                    mask?.draw(row: head.index * head.length + row, width: head.length, into: bits)
                    let result = softmaxRow(
                        work.queries.score(row, of: block), work.queries.width, mask: mask, bits: bits)
                    denominators[row] = result.logSumExp
                    work.queries.factors[row - block.lowerBound] = result.factor
                }
                work.weighted(block, work.queries.scores, work.value)
                for row in block {
                    work.unpack(
                        row, of: block, scale: work.queries.factors[row - block.lowerBound], into: target)
                }
            }
        }
    }
}

/// Backward of `attentionForward`.
///
/// - context: what the forward made, `[tokens, width]`; contextGradient: `[tokens, width]`.
/// - queryKeyValueGradient: `[tokens, 3 · width]`, overwritten, of the precision of what the forward had.
package func attentionBackward(
    _ pool: WorkerPool, _ shape: AttentionShape, queryKeyValue: NumberPointer, dropout: AttentionDropout?,
    logSumExp: UnsafeMutablePointer<Float>, context: NumberPointer, contextGradient: UnsafePointer<Float>,
    queryKeyValueGradient: NumberPointer, scratch: UnsafeMutablePointer<Float>, scratchPerWorker: Int
) {
    let memory = AttentionMemory(
        dropout: dropout, logSumExp: logSumExp, scratch: scratch, scratchPerWorker: scratchPerWorker)
    switch context.precision {
    case .single:
        backward(
            pool, shape, queryKeyValue.numbers(Float.self), context.numbers(), contextGradient,
            queryKeyValueGradient.numbers(), memory)
    case .brain:
        backward(
            pool, shape, queryKeyValue.numbers(BrainFloat.self), contextGradient,
            queryKeyValueGradient.numbers(), memory)
    }
}

private func backward(
    _ pool: WorkerPool, _ shape: AttentionShape, _ queryKeyValue: UnsafeMutablePointer<Float>,
    _ context: UnsafeMutablePointer<Float>, _ contextGradient: UnsafePointer<Float>,
    _ queryKeyValueGradient: UnsafeMutablePointer<Float>, _ memory: AttentionMemory
) {
    #if DURE_TEST_FAULTS
        let isBroken = PlantedFault.strikes(.attentionProjection)
    #else
        let isBroken = false
    #endif
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let work = HeadScratch(memory.scratch(worker), length: head.length, headSize: shape.headSize)
        let upstream = head.slice(UnsafeMutablePointer(mutating: contextGradient))
        let output = head.slice(context)
        work.pack(head.part(queryKeyValue, 0), scale: shape.scale, into: work.query)
        work.pack(head.part(queryKeyValue, 1), into: work.key)
        work.pack(head.part(queryKeyValue, 2), into: work.value)
        work.pack(upstream, into: work.upstream)
        work.transpose(work.key, into: work.keyPanels)
        work.transpose(work.value, into: work.valuePanels)
        let denominators = memory.denominators(head, shape)
        let queryGradient = head.part(queryKeyValueGradient, 0)
        let mask = memory.mask(head)
        withMaskBits(head.length) { bits in
            for block in work.queries.all {
                work.products(of: work.query, block, with: work.keyPanels, into: work.queries.scores)
                work.products(of: work.upstream, block, with: work.valuePanels, into: work.queries.gradients)
                for row in block {
                    mask?.draw(row: head.index * head.length + row, width: head.length, into: bits)
                    attentionRowBackward(
                        scores: work.queries.score(row, of: block),
                        gradient: work.queries.gradient(row, of: block),
                        width: work.queries.width, logSumExp: denominators[row],
                        projection: isBroken
                            ? 0 : dot(upstream.row(row), output.row(row), shape.headSize),
                        mask: mask, bits: bits)
                }
                work.weighted(block, work.queries.gradients, work.key)
                for row in block { work.unpack(row, of: block, scale: shape.scale, into: queryGradient) }
                work.addTransposed(block, work.queries.scores, work.upstream, to: work.valueGradient)
                work.addTransposed(block, work.queries.gradients, work.query, to: work.keyGradient)
            }
        }
        work.unpack(work.keyGradient, into: head.part(queryKeyValueGradient, 1))
        work.unpack(work.valueGradient, into: head.part(queryKeyValueGradient, 2))
    }
    #if DURE_TEST_FAULTS
        if PlantedFault.strikes(.attentionNotANumber) { queryKeyValueGradient[0] = .nan }
    #endif
}

/// One head over one sequence: which rows and columns of the packed matrices are its own.
struct HeadOfSequence {
    let sequence: Int
    let index: Int
    let firstToken: Int
    let length: Int
    private let headSize: Int
    private let width: Int

    init(_ shape: AttentionShape, task: Int) {
        sequence = task / shape.heads
        index = task % shape.heads
        let range = shape.range(sequence)
        firstToken = range.lowerBound
        length = range.count
        headSize = shape.headSize
        width = shape.width
    }

    /// Query (0), key (1) or value (2): `[length, headSize]`.
    func part<Number>(_ queryKeyValue: UnsafeMutablePointer<Number>, _ which: Int) -> HeadRows<Number> {
        HeadRows(
            pointer: queryKeyValue + firstToken * 3 * width + which * width + index * headSize, count: length,
            stride: 3 * width)
    }

    /// This head's columns of a `[tokens, width]` matrix.
    func slice<Number>(_ matrix: UnsafeMutablePointer<Number>) -> HeadRows<Number> {
        HeadRows(pointer: matrix + firstToken * width + index * headSize, count: length, stride: width)
    }
}

/// One head's rows in a matrix of all tokens and heads.
struct HeadRows<Number> {
    let pointer: UnsafeMutablePointer<Number>
    let count: Int
    let stride: Int

    func row(_ index: Int) -> UnsafeMutablePointer<Number> { pointer + index * stride }
}

func withMaskBits(_ length: Int, _ body: (UnsafeMutablePointer<UInt16>) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: DropoutMask.capacity(length)) { bits in
        guard let bits = bits.baseAddress else { return }
        body(bits)
    }
}

/// Overwrites a row of scores by e^(scale · (score − maximum)), dropped out where `mask` says so, and returns by what
/// to multiply to make probabilities of them, and the logarithm of the softmax's denominator.
@inline(__always)
func softmaxRow(
    _ row: UnsafeMutablePointer<Float>, _ width: PaddedWidth, scale: Float = 1, mask: DropoutMask?,
    bits: UnsafePointer<UInt16>
) -> (factor: Float, logSumExp: Float) {
    // What stands beyond the row must not count.
    for column in width.count..<width.padded { row[column] = -.greatestFiniteMagnitude }
    let largest = maximum(row, width.padded)
    for column in 0..<width.padded { row[column] = exponential((row[column] - largest) * scale) }
    let total = sum(row, width.padded)
    if let mask {
        let threshold = mask.threshold
        for column in 0..<width.padded { row[column] = bits[column] >= threshold ? row[column] : 0 }
    }
    return ((mask?.scale ?? 1) / total, largest * scale + logarithm(total))
}

/// For one query, whose scores are yet to be scaled: `scores` becomes the dropped-out probabilities, and `gradient`, of those, becomes the
/// gradient of the scores: dS = P · (dP − Σ P · dP). The sum, `projection`, is also that of the row's context
/// times its gradient (Dao et al., "FlashAttention", NeurIPS 2022, appendix B.2).
@inline(__always)
func attentionRowBackward(
    scores: UnsafeMutablePointer<Float>, scale: Float = 1, gradient: UnsafeMutablePointer<Float>,
    width: PaddedWidth, logSumExp: Float, projection: Float, mask: DropoutMask?, bits: UnsafePointer<UInt16>
) {
    guard let mask else {
        for column in 0..<width.padded {
            let probability = exponential(multiplyAdd(scores[column], scale, -logSumExp))
            gradient[column] = probability * (gradient[column] - projection)
            scores[column] = probability
        }
        return
    }
    let (threshold, keptScale) = (mask.threshold, mask.scale)
    for column in 0..<width.padded {
        let probability = exponential(multiplyAdd(scores[column], scale, -logSumExp))
        let factor = bits[column] >= threshold ? keptScale : 0
        gradient[column] = probability * multiplyAdd(gradient[column], factor, -projection)
        scores[column] = probability * factor
    }
}
