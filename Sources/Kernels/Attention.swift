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

    /// Floats of scratch memory a thread needs when no sequence is longer than `length`.
    package static func scratch(length: Int) -> Int { 2 * Arena.padded(length * length) }
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
/// - context: `[tokens, width]`, overwritten.
/// - logSumExp: `[heads, tokens]`, overwritten: the logarithm of each softmax row's denominator, from which the
///   backward computes the probabilities again.
/// - scratch: `AttentionShape.scratch` floats for each thread.
package func attentionForward(
    _ pool: WorkerPool, _ shape: AttentionShape, queryKeyValue: UnsafePointer<Float>,
    dropout: AttentionDropout?, context: UnsafeMutablePointer<Float>, logSumExp: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, scratchPerWorker: Int
) {
    let scale = 1 / Float(shape.headSize).squareRoot()
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let length = head.length
        let probabilities = scratch + worker * scratchPerWorker
        let scores = Matrix(probabilities, rows: length, columns: length)
        product(head.part(queryKeyValue, 0), head.part(queryKeyValue, 1), transposeB: true, into: scores)
        let denominators = logSumExp + head.index * shape.tokens + head.firstToken
        let mask = dropout?.mask(head.sequence)
        withMaskBits(length) { bits in
            for row in 0..<length {
                let p = probabilities + row * length
                denominators[row] = softmaxRow(p, length, scale: scale)
                if let mask {
                    dropoutRow(
                        mask, row: head.index * length + row, width: length, bits: bits, source: p, target: p)
                }
            }
        }
        product(scores, head.part(queryKeyValue, 2), into: head.slice(context))
    }
}

/// Backward of `attentionForward`.
///
/// - contextGradient: `[tokens, width]`.
/// - queryKeyValueGradient: `[tokens, 3 · width]`, overwritten.
package func attentionBackward(
    _ pool: WorkerPool, _ shape: AttentionShape, queryKeyValue: UnsafePointer<Float>,
    dropout: AttentionDropout?, logSumExp: UnsafePointer<Float>, contextGradient: UnsafePointer<Float>,
    queryKeyValueGradient: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    scratchPerWorker: Int
) {
    let scale = 1 / Float(shape.headSize).squareRoot()
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let length = head.length
        let first = scratch + worker * scratchPerWorker
        let second = first + scratchPerWorker / 2
        let probabilities = Matrix(first, rows: length, columns: length)
        let scoresGradient = Matrix(second, rows: length, columns: length)
        let query = head.part(queryKeyValue, 0)
        let key = head.part(queryKeyValue, 1)
        let value = head.part(queryKeyValue, 2)
        let upstream = head.slice(UnsafeMutablePointer(mutating: contextGradient))
        product(query, key, transposeB: true, into: probabilities)
        product(upstream, value, transposeB: true, into: scoresGradient)
        let denominators = logSumExp + head.index * shape.tokens + head.firstToken
        let mask = dropout?.mask(head.sequence)
        withMaskBits(length) { bits in
            for row in 0..<length {
                mask?.draw(row: head.index * length + row, width: length, into: bits)
                attentionRowBackward(
                    scores: first + row * length, gradient: second + row * length, length: length,
                    scale: scale, logSumExp: denominators[row], mask: mask, bits: bits)
            }
        }
        let gradient = UnsafePointer(queryKeyValueGradient)
        product(probabilities, transposeA: true, upstream, into: head.part(gradient, 2))
        product(scoresGradient, key, into: head.part(gradient, 0))
        product(scoresGradient, transposeA: true, query, into: head.part(gradient, 1))
    }
}

/// One head over one sequence: which rows and columns of the packed matrices are its own.
private struct HeadOfSequence {
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
    func part(_ queryKeyValue: UnsafePointer<Float>, _ which: Int) -> Matrix {
        Matrix(
            reading: queryKeyValue + firstToken * 3 * width + which * width + index * headSize, rows: length,
            columns: headSize, stride: 3 * width)
    }

    /// This head's columns of a `[tokens, width]` matrix.
    func slice(_ matrix: UnsafeMutablePointer<Float>) -> Matrix {
        Matrix(
            matrix + firstToken * width + index * headSize, rows: length, columns: headSize, stride: width)
    }
}

private func withMaskBits(_ length: Int, _ body: (UnsafeMutablePointer<UInt16>) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: DropoutMask.capacity(length)) { bits in
        guard let bits = bits.baseAddress else { return }
        body(bits)
    }
}

/// Overwrites a row of scores by softmax(scale · scores) and returns the logarithm of the denominator, with
/// the maximum added back.
@inline(__always)
func softmaxRow(_ row: UnsafeMutablePointer<Float>, _ count: Int, scale: Float) -> Float {
    let largest = maximum(row, count) * scale
    for column in 0..<count { row[column] = exponential(row[column] * scale - largest) }
    let total = sum(row, count)
    let factor = 1 / total
    for column in 0..<count { row[column] *= factor }
    return largest + logarithm(total)
}

/// For one query: `scores` becomes the dropped-out probabilities, and `gradient`, of those, becomes the
/// gradient of the unscaled scores: dS = scale · P · (dP − Σ P · dP).
@inline(__always)
private func attentionRowBackward(
    scores: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>, length: Int, scale: Float,
    logSumExp: Float, mask: DropoutMask?, bits: UnsafePointer<UInt16>
) {
    for column in 0..<length { scores[column] = exponential(scores[column] * scale - logSumExp) }
    if let mask {
        let threshold = mask.threshold
        let keep = mask.scale
        for column in 0..<length {
            gradient[column] = bits[column] >= threshold ? gradient[column] * keep : 0
        }
    }
    let projection = dot(scores, gradient, length)
    for column in 0..<length {
        gradient[column] = scores[column] * (gradient[column] - projection) * scale
    }
    if let mask {
        let threshold = mask.threshold
        let keep = mask.scale
        for column in 0..<length {
            scores[column] = bits[column] >= threshold ? scores[column] * keep : 0
        }
    }
}
