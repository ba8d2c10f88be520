import Kernels

/// Backward through the encoder's blocks.
extension Pass {
    /// Turns `scratch.hidden` from the gradient of this block's output into that of its input.
    ///
    /// - isFinal: is told that gradients from this place on have their value.
    func backward(
        _ layer: Int, gradients view: LayerView, _ scratch: GradientMemory,
        _ isFinal: (UnsafeMutablePointer<Float>) -> Void
    ) {
        let gradients = LayerGradients(
            view, discarded: scope.trains(.layer(layer)) ? nil : scratch.discarded)
        // Forward has left the last block as it is.
        if scope.recomputesLayers, layer < memory.layers.count - 1 { recompute(layer) }
        backwardContract(layer, gradients: gradients, scratch)
        isFinal(view.outputWeight)
        backwardExpand(layer, gradients: gradients, scratch)
        isFinal(view.intermediateWeight)
        backwardAttention(layer, gradients: gradients, scratch)
        isFinal(view.queryKeyValueWeight)
    }

    /// Computes what a block keeps for its backward again, to the same bits.
    private func recompute(_ layer: Int) {
        restoreInput(layer)
        attend(layer)
        expand(layer)
        // In forward the activation adds it.
        let target = memory.layers[layer].intermediate
        timed(.bias) {
            biasForward(
                pool, tokens: tokens, width: intermediate, bias: weights.layers[layer].intermediateBias,
                source: memory.product(for: target), target: target)
        }
    }

    /// The second half of feed-forward: `scratch.wide` becomes the gradient of what went into it.
    private func backwardContract(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.layerNormBackward) {
            residualLayerNormBackward(
                pool, tokens: tokens, width: hidden, kept: kept.outputNormalized, weights: view.outputNorm,
                statistics: kept.outputStatistics, dropout: hiddenDropout(.feedForwardOutput, layer: layer),
                gradient: scratch.hidden, inputGradient: scratch.dense,
                weightsGradient: gradients.sums.outputNorm, biasGradient: gradients.sums.outputBias,
                scratch: scratch.sumScratch)
            recomputeNorm(
                kept.attentionNormalized, kept.attentionStatistics, view.attentionNorm,
                into: memory.attentionOutput)
        }
        showGradient(.outputSum, layer: layer, scratch.dense, hidden)
        inputGradient(
            scratch.dense, hidden, weight: productWeights.layers[layer].output, intermediate,
            into: scratch.wide)
        showGradient(.activation, layer: layer, scratch.wide, intermediate)
        timed(.activationBackward) {
            activationBackward(
                pool, activation, tokens: tokens, width: intermediate, kept: kept.intermediate,
                gradient: scratch.wide, output: memory.wide, inputGradient: scratch.intermediate,
                biasGradient: gradients.sums.intermediateBias, scratch: scratch.sumScratch)
        }
        showGradient(.intermediate, layer: layer, scratch.intermediate, intermediate)
        weightGradient(
            scratch.dense, hidden, input: memory.wide, intermediate, into: gradients.products?.outputWeight)
    }

    private func backwardExpand(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        denseBackward(
            scratch.intermediate, intermediate, input: memory.attentionOutput.operand, hidden,
            weightGradient: gradients.products?.intermediateWeight,
            weight: productWeights.layers[layer].intermediate, inputGradient: scratch.hidden, .add)
        showGradient(.attentionOutput, layer: layer, scratch.hidden, hidden)
    }

    private func backwardAttention(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.layerNormBackward) {
            residualLayerNormBackward(
                pool, tokens: tokens, width: hidden, kept: kept.attentionNormalized,
                weights: view.attentionNorm, statistics: kept.attentionStatistics,
                dropout: hiddenDropout(.attentionOutput, layer: layer), gradient: scratch.hidden,
                inputGradient: scratch.dense, weightsGradient: gradients.sums.attentionNorm,
                biasGradient: gradients.sums.attentionOutputBias, scratch: scratch.sumScratch)
        }
        showGradient(.attentionSum, layer: layer, scratch.dense, hidden)
        // The gradient of attention's context takes the place that the feed-forward part is done with.
        let contextGradient = scratch.wide
        denseBackward(
            scratch.dense, hidden, input: kept.context, hidden,
            weightGradient: gradients.products?.attentionOutputWeight,
            weight: productWeights.layers[layer].attentionOutput, inputGradient: contextGradient)
        showGradient(.context, layer: layer, contextGradient, hidden)
        timed(.attentionBackward) {
            attentionBackward(
                pool, attention, queryKeyValue: kept.queryKeyValue, dropout: attentionDropout(layer),
                logSumExp: kept.logSumExp, context: kept.context, contextGradient: contextGradient,
                queryKeyValueGradient: scratch.queryKeyValue, scratch: memory.attentionScratch,
                scratchPerWorker: memory.attentionScratchPerWorker)
        }
        showGradient(.queryKeyValue, layer: layer, scratch.queryKeyValue, 3 * hidden)
        timed(.bias) {
            biasBackward(
                pool, gradient: scratch.queryKeyValue, tokens: tokens, width: 3 * hidden,
                bias: gradients.sums.queryKeyValueBias, scratch: scratch.sumScratch)
        }
        recomputeInput(layer)
        weightGradient(
            scratch.queryKeyValue, 3 * hidden, input: memory.blockInput.operand, hidden,
            into: gradients.products?.queryKeyValueWeight)
        guard scope.needsInputGradient(ofLayer: layer) else { return }
        inputGradient(
            scratch.queryKeyValue, 3 * hidden, weight: productWeights.layers[layer].queryKeyValue, hidden,
            into: scratch.hidden, .add)
        if layer > 0 {
            showGradient(.output, layer: layer - 1, scratch.hidden, hidden)
        } else {
            showGradient(projects ? .projection : .embeddings, scratch.hidden, hidden)
        }
    }

    /// Puts what products of block `layer` took of its input into `memory.blockInput` again.
    private func recomputeInput(_ layer: Int) {
        guard layer > 0 else { return recomputeEmbeddings() }
        let previous = memory.layers[layer - 1]
        timed(.layerNormBackward) {
            recomputeNorm(
                previous.outputNormalized, previous.outputStatistics, weights.layers[layer - 1].outputNorm,
                into: memory.blockInput)
        }
    }

    /// Puts what block `layer` read into `memory.blockInput` again, as forward had it.
    private func restoreInput(_ layer: Int) {
        guard layer > 0, let sum = memory.layers[layer - 1].outputSum else { return recomputeInput(layer) }
        timed(.layerNormBackward) {
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, normalized: sum,
                weights: weights.layers[layer - 1].outputNorm,
                statistics: memory.layers[layer - 1].outputStatistics, output: memory.blockInput.singles,
                rounded: memory.blockInput.brainFloats)
        }
    }

    /// What products took of a LayerNorm's output, from what was kept.
    private func recomputeNorm(
        _ kept: NumberPointer, _ statistics: LayerNormStatistics, _ norm: LayerNormWeights,
        into target: Rounded
    ) {
        if let sum = kept.singles {
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, normalized: sum, weights: norm, statistics: statistics,
                output: target.singles)
        } else if let normalized = kept.brainFloats, let rounded = target.brainFloats {
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, kept: normalized, weights: norm, rounded: rounded)
        }
    }
}
