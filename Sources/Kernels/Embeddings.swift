/// The three tables a token's embedding is summed from, or their gradients: `[entries, width]` each.
package struct EmbeddingTables {
    package let word: UnsafeMutablePointer<Float>
    package let position: UnsafeMutablePointer<Float>
    package let tokenType: UnsafeMutablePointer<Float>

    package init(
        word: UnsafeMutablePointer<Float>, position: UnsafeMutablePointer<Float>,
        tokenType: UnsafeMutablePointer<Float>
    ) {
        self.word = word
        self.position = position
        self.tokenType = tokenType
    }
}

/// What selects a row of each table: `[tokens]` each, within the tables.
package struct EmbeddingIndices {
    package let word: UnsafePointer<Int32>
    package let position: UnsafePointer<Int32>
    package let tokenType: UnsafePointer<Int32>

    package init(
        word: UnsafePointer<Int32>, position: UnsafePointer<Int32>, tokenType: UnsafePointer<Int32>
    ) {
        self.word = word
        self.position = position
        self.tokenType = tokenType
    }
}

/// output = dropout(LayerNorm(word + position + token type)).
///
/// - normalized: `[tokens, width]`, overwritten by the sum, which the backward needs.
/// - output: `[tokens, width]`, overwritten; rounded: likewise, as products take it, or nil.
package func embeddingForward(
    _ pool: WorkerPool, tokens: Int, width: Int, indices: EmbeddingIndices, tables: EmbeddingTables,
    weights: LayerNormWeights, epsilon: Float, statistics: LayerNormStatistics, dropout: TokenDropout?,
    normalized: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>,
    rounded: UnsafeMutablePointer<BrainFloat>? = nil
) {
    forEachToken(pool, tokens, width: width) { token, _, bits in
        let x = normalized + token * width
        let y = output + token * width
        let word = tables.word + Int(indices.word[token]) * width
        let position = tables.position + Int(indices.position[token]) * width
        let tokenType = tables.tokenType + Int(indices.tokenType[token]) * width
        for column in 0..<width { x[column] = word[column] + tokenType[column] + position[column] }
        layerNormRow(
            x, token: token, width: width, weights: weights, epsilon: epsilon, statistics: statistics,
            output: y)
        dropout?.apply(token: token, width: width, bits: bits, source: y, target: y)
        roundRow(token, of: output, width: width, into: rounded)
    }
}

/// Backward of `embeddingForward`.
///
/// - normalized: `[tokens, width]`, what the forward left there.
/// - gradient: `[tokens, width]`, of the output; overwritten by that of the summed embedding.
/// - paddingID, paddingPosition: the word and the position whose row gets no gradient, as of torch's Embedding with a
///   `padding_idx`; negative for none.
/// - tablesGradient, weightsGradient: accumulated into. scratch: `TokenBlocks.scratch(width: 2 · width)`.
package func embeddingBackward(
    _ pool: WorkerPool, tokens: Int, width: Int, indices: EmbeddingIndices, paddingID: Int32,
    paddingPosition: Int32 = -1, normalized: UnsafePointer<Float>, weights: LayerNormWeights,
    statistics: LayerNormStatistics,
    dropout: TokenDropout?,
    gradient: UnsafeMutablePointer<Float>, tablesGradient: EmbeddingTables,
    weightsGradient: LayerNormWeights, scratch: UnsafeMutablePointer<Float>
) {
    let blocks = TokenBlocks.count(tokens)
    scratch.update(repeating: 0, count: blocks * 2 * width)
    forEachToken(pool, tokens, width: width) { token, block, bits in
        let partial = scratch + block * 2 * width
        let dy = gradient + token * width
        dropout?.apply(token: token, width: width, bits: bits, source: dy, target: dy)
        layerNormRowBackward(
            normalized + token * width, token: token, width: width, gamma: weights.gamma,
            statistics: statistics, gradient: dy, gammaPartial: partial, betaPartial: partial + width)
    }
    for (index, target) in [weightsGradient.gamma, weightsGradient.beta].enumerated() {
        addPartialSums(
            pool, scratch + index * width, blocks: blocks, width: width, stride: 2 * width, into: target)
    }
    scatterEmbeddingGradient(
        pool, tokens: tokens, width: width, indices: indices, paddingID: paddingID,
        paddingPosition: paddingPosition, gradient: gradient, tables: tablesGradient)
}

/// Adds every token's gradient to its rows of the tables. Threads share columns, not tokens: two tokens may
/// select one row, and their order of addition must not depend on the threads.
private func scatterEmbeddingGradient(
    _ pool: WorkerPool, tokens: Int, width: Int, indices: EmbeddingIndices, paddingID: Int32,
    paddingPosition: Int32, gradient: UnsafePointer<Float>, tables: EmbeddingTables
) {
    func add(_ row: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ columns: Range<Int>) {
        for column in columns { target[column] += row[column] }
    }
    #if DURE_TEST_FAULTS
        let isBroken = PlantedFault.strikes(.repeatedWord)
    #else
        let isBroken = false
    #endif
    let slice = 128
    pool.run((width + slice - 1) / slice) { task, _ in
        let columns = task * slice..<min((task + 1) * slice, width)
        for token in 0..<tokens {
            let row = gradient + token * width
            let isLeftOut = isBroken && (0..<token).contains { indices.word[$0] == indices.word[token] }
            if indices.word[token] != paddingID, !isLeftOut {
                add(row, to: tables.word + Int(indices.word[token]) * width, columns)
            }
            if indices.position[token] != paddingPosition {
                add(row, to: tables.position + Int(indices.position[token]) * width, columns)
            }
            add(row, to: tables.tokenType + Int(indices.tokenType[token]) * width, columns)
        }
    }
}
