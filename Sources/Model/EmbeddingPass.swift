import Kernels

/// From token ids to what the first block reads, and back: the sum of three tables, LayerNorm, dropout, and a dense
/// layer where embeddings are not as wide as the encoder.
extension Pass {
    func embed() {
        timed(.embeddings) {
            embeddingForward(
                pool, tokens: tokens, width: configuration.embeddingSize, indices: indices,
                tables: weights.embeddings, weights: weights.embeddingsNorm,
                epsilon: configuration.layerNormEpsilon, statistics: memory.embeddingStatistics,
                dropout: hiddenDropout(.embeddings, layer: 0), normalized: memory.embeddingSum,
                output: memory.embeddingOutput.singles, rounded: memory.embeddingOutput.brainFloats)
        }
        show(.embeddingSum, memory.embeddingSum, configuration.embeddingSize)
        show(.embeddings, memory.embeddingOutput.singles, configuration.embeddingSize)
        round(.projection)
        project()
        if weights.projection != nil { show(.projection, memory.blockInput.singles, hidden) }
    }

    /// Puts what the first block read into `memory.blockInput` again.
    func recomputeEmbeddings() {
        // What a projection reads was kept.
        guard weights.projection == nil else { return project() }
        timed(.layerNormBackward) {
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, normalized: memory.embeddingSum,
                weights: weights.embeddingsNorm, statistics: memory.embeddingStatistics,
                dropout: hiddenDropout(.embeddings, layer: 0), output: memory.blockInput.singles,
                rounded: memory.blockInput.brainFloats)
        }
    }

    private func project() {
        guard let projection = weights.projection, let weight = productWeights.projection else { return }
        let output = memory.blockInput
        dense(
            memory.embeddingOutput.operand, configuration.embeddingSize, weight, hidden, into: output.singles)
        timed(.bias) {
            biasForward(
                pool, tokens: tokens, width: hidden, bias: projection.bias, source: output.singles,
                target: NumberPointer(output.singles))
            if let rounded = output.brainFloats {
                roundToBrainFloat(pool, output.singles, into: rounded, count: tokens * hidden)
            }
        }
    }

    /// - isFinal: is told that gradients from this place on have their value.
    func embedBackward(
        gradients: ParameterViews, _ scratch: GradientMemory,
        _ isFinal: (UnsafeMutablePointer<Float>) -> Void
    ) {
        let gradient = projectBackward(gradients: gradients, scratch)
        if let projection = gradients.projection {
            showGradient(.embeddings, gradient, configuration.embeddingSize)
            isFinal(projection.weight)
        }
        timed(.embeddings) {
            embeddingBackward(
                pool, tokens: tokens, width: configuration.embeddingSize, indices: indices,
                paddingID: Int32(configuration.padTokenID),
                paddingPosition: configuration.paddingPosition.map(Int32.init) ?? -1,
                normalized: memory.embeddingSum, weights: weights.embeddingsNorm,
                statistics: memory.embeddingStatistics, dropout: hiddenDropout(.embeddings, layer: 0),
                gradient: gradient, tablesGradient: gradients.embeddings,
                weightsGradient: gradients.embeddingsNorm, scratch: scratch.sumScratch)
        }
        showGradient(.embeddingSum, gradient, configuration.embeddingSize)
        isFinal(gradients.embeddings.word)
    }

    /// The gradient of embeddings, `[tokens, embedding]`, from that of the first block's input in `scratch.hidden`.
    private func projectBackward(
        gradients: ParameterViews, _ scratch: GradientMemory
    ) -> UnsafeMutablePointer<Float> {
        guard let weight = productWeights.projection, let views = gradients.projection else {
            return scratch.hidden
        }
        timed(.bias) {
            biasBackward(
                pool, gradient: NumberPointer(scratch.hidden), tokens: tokens, width: hidden,
                bias: views.bias, scratch: scratch.sumScratch)
            if let rounded = scratch.dense.brainFloats {
                roundToBrainFloat(pool, scratch.hidden, into: rounded, count: tokens * hidden)
            }
        }
        denseBackward(
            scratch.dense.precision == .brain ? scratch.dense : NumberPointer(scratch.hidden), hidden,
            input: memory.embeddingOutput.operand, configuration.embeddingSize,
            weightGradient: views.weight, weight: weight, inputGradient: scratch.embedding)
        return scratch.embedding
    }
}
