/// `attentionForward` of bfloat16: scores, softmax and what is summed up are singles; the operands of products are
/// rounded.
func forward(
    _ pool: WorkerPool, _ shape: AttentionShape, _ queryKeyValue: UnsafeMutablePointer<BrainFloat>,
    _ context: UnsafeMutablePointer<BrainFloat>, _ memory: AttentionMemory
) {
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let work = BrainHeadScratch(memory.scratch(worker), length: head.length, headSize: shape.headSize)
        work.pack(head.part(queryKeyValue, 0), into: work.query)
        work.packPanels(head.part(queryKeyValue, 1), into: work.keyPanels)
        work.packPairs(head.part(queryKeyValue, 2), into: work.valuePairs)
        let denominators = memory.denominators(head, shape)
        let target = head.slice(context)
        let mask = memory.mask(head)
        withMaskBits(head.length) { bits in
            for block in work.queries.all {
                work.products(of: work.query, block, with: work.keyPanels, into: work.queries.scores)
                for row in block {
                    mask?.draw(row: head.index * head.length + row, width: head.length, into: bits)
                    let scores = work.queries.score(row, of: block)
                    let result = softmaxRow(
                        scores, work.queries.width, scale: shape.scale, mask: mask, bits: bits)
                    work.setWeights(row, of: block, scores)
                    denominators[row] = result.logSumExp
                    work.queries.factors[row - block.lowerBound] = result.factor
                }
                work.weighted(block, work.valuePairs)
                for row in block {
                    work.unpack(
                        row, of: block, scale: work.queries.factors[row - block.lowerBound], into: target)
                }
            }
        }
    }
}

/// `attentionBackward` of bfloat16.
func backward(
    _ pool: WorkerPool, _ shape: AttentionShape, _ queryKeyValue: UnsafeMutablePointer<BrainFloat>,
    _ contextGradient: UnsafePointer<Float>, _ queryKeyValueGradient: UnsafeMutablePointer<BrainFloat>,
    _ memory: AttentionMemory
) {
    pool.run(shape.sequences * shape.heads) { task, worker in
        let head = HeadOfSequence(shape, task: task)
        let work = BrainHeadScratch(memory.scratch(worker), length: head.length, headSize: shape.headSize)
        let upstream = head.slice(UnsafeMutablePointer(mutating: contextGradient))
        work.pack(head.part(queryKeyValue, 0), into: work.query)
        work.packPairs(head.part(queryKeyValue, 0), into: work.queryPairs)
        work.packPanels(head.part(queryKeyValue, 1), into: work.keyPanels)
        work.packPairs(head.part(queryKeyValue, 1), into: work.keyPairs)
        work.packPanels(head.part(queryKeyValue, 2), into: work.valuePanels)
        work.pack(upstream, into: work.upstream)
        work.packPairs(of: work.upstream, into: work.upstreamPairs)
        let denominators = memory.denominators(head, shape)
        let queryGradient = head.part(queryKeyValueGradient, 0)
        let mask = memory.mask(head)
        withMaskBits(head.length) { bits in
            for block in work.queries.all {
                work.products(of: work.query, block, with: work.keyPanels, into: work.queries.scores)
                work.products(of: work.upstream, block, with: work.valuePanels, into: work.queries.gradients)
                for row in block {
                    mask?.draw(row: head.index * head.length + row, width: head.length, into: bits)
                    let gradient = work.queries.gradient(row, of: block)
                    rowBackward(
                        scores: work.queries.score(row, of: block), scale: shape.scale, gradient: gradient,
                        width: work.queries.width, logSumExp: denominators[row], mask: mask, bits: bits)
                    work.setWeights(row, of: block, gradient)
                }
                for row in stride(from: block.lowerBound, to: block.upperBound, by: 2) {
                    work.setPairs(row, of: block, work.queries.scores, into: work.scorePairs)
                    work.setPairs(row, of: block, work.queries.gradients, into: work.gradientPairs)
                }
                work.weighted(block, work.keyPairs)
                for row in block { work.unpack(row, of: block, scale: shape.scale, into: queryGradient) }
                work.addTransposed(block, work.scorePairs, work.upstreamPairs, to: work.valueGradient)
                work.addTransposed(block, work.gradientPairs, work.queryPairs, to: work.keyGradient)
            }
        }
        work.unpack(work.keyGradient, scale: shape.scale, into: head.part(queryKeyValueGradient, 1))
        work.unpack(work.valueGradient, into: head.part(queryKeyValueGradient, 2))
    }
}

/// As `attentionRowBackward`, with Σ P · dP over the row itself: the context is rounded, and what that changes in the sum
/// would be in every score's gradient.
@inline(__always)
private func rowBackward(
    scores: UnsafeMutablePointer<Float>, scale: Float, gradient: UnsafeMutablePointer<Float>,
    width: PaddedWidth, logSumExp: Float, mask: DropoutMask?, bits: UnsafePointer<UInt16>
) {
    for column in 0..<width.padded {
        scores[column] = exponential(multiplyAdd(scores[column], scale, -logSumExp))
    }
    if let mask { dropOut(gradient, width, mask, bits) }
    // Beyond the row gradients are zero.
    let projection = dot(scores, gradient, width.padded)
    for column in 0..<width.padded { gradient[column] = scores[column] * (gradient[column] - projection) }
    if let mask { dropOut(scores, width, mask, bits) }
}

@inline(__always)
private func dropOut(
    _ row: UnsafeMutablePointer<Float>, _ width: PaddedWidth, _ mask: DropoutMask,
    _ bits: UnsafePointer<UInt16>
) {
    let (threshold, scale) = (mask.threshold, mask.scale)
    for column in 0..<width.padded { row[column] = bits[column] >= threshold ? row[column] * scale : 0 }
}
