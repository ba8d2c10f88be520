import Kernels

/// One trip of one micro-batch through the encoder, forward or backward.
struct Pass {
    private let pool: WorkerPool
    private let configuration: ModelConfiguration
    private let weights: ParameterViews
    private let memory: ActivationMemory
    private let batch: PackedBatch
    private let dropout: DropoutSettings?
    private let tokens: Int
    private let hidden: Int
    private let intermediate: Int

    init(_ model: SpanModel, _ batch: PackedBatch, _ dropout: DropoutSettings?) {
        pool = model.pool
        configuration = model.configuration
        weights = model.weights
        memory = model.memory
        self.batch = batch
        self.dropout = dropout
        tokens = batch.tokens
        hidden = configuration.hiddenSize
        intermediate = configuration.intermediateSize
    }

    // MARK: Embeddings

    func embed() {
        embeddingForward(
            pool, tokens: tokens, width: hidden, indices: indices, tables: weights.embeddings,
            weights: weights.embeddingsNorm, epsilon: configuration.layerNormEpsilon,
            statistics: memory.embeddingStatistics, dropout: hiddenDropout(.embeddings, layer: 0),
            normalized: memory.embeddingSum, output: memory.embeddingOutput)
    }

    func embedBackward(gradients: ParameterViews) {
        embeddingBackward(
            pool, tokens: tokens, width: hidden, indices: indices,
            paddingID: Int32(configuration.padTokenID), normalized: memory.embeddingSum,
            weights: weights.embeddingsNorm, statistics: memory.embeddingStatistics,
            dropout: hiddenDropout(.embeddings, layer: 0), gradient: memory.hiddenGradient,
            tablesGradient: gradients.embeddings, weightsGradient: gradients.embeddingsNorm,
            scratch: memory.sumScratch)
    }

    // MARK: Blocks

    /// Attention, feed-forward, each followed by residual and LayerNorm; reads the previous block's output.
    func forward(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        let input = self.input(layer)
        dense(input, hidden, view.queryKeyValueWeight, 3 * hidden, into: kept.queryKeyValue)
        addBias(view.queryKeyValueBias, width: 3 * hidden, to: kept.queryKeyValue)
        attentionForward(
            pool, attention, queryKeyValue: kept.queryKeyValue, dropout: attentionDropout(layer),
            context: kept.context, logSumExp: kept.logSumExp, scratch: memory.attentionScratch,
            scratchPerWorker: memory.attentionScratchPerWorker)
        dense(kept.context, hidden, view.attentionOutputWeight, hidden, into: kept.attentionSum)
        residualLayerNormForward(
            pool, tokens: tokens, width: hidden, input: kept.attentionSum, bias: view.attentionOutputBias,
            dropout: hiddenDropout(.attentionOutput, layer: layer), residual: input,
            weights: view.attentionNorm, epsilon: configuration.layerNormEpsilon,
            statistics: kept.attentionStatistics, output: kept.attentionOutput)
        dense(kept.attentionOutput, hidden, view.intermediateWeight, intermediate, into: kept.intermediate)
        activationForward(
            pool, activation, tokens: tokens, width: intermediate, bias: view.intermediateBias,
            input: kept.intermediate, output: memory.wide)
        dense(memory.wide, intermediate, view.outputWeight, hidden, into: kept.outputSum)
        residualLayerNormForward(
            pool, tokens: tokens, width: hidden, input: kept.outputSum, bias: view.outputBias,
            dropout: hiddenDropout(.feedForwardOutput, layer: layer), residual: kept.attentionOutput,
            weights: view.outputNorm, epsilon: configuration.layerNormEpsilon,
            statistics: kept.outputStatistics, output: kept.output)
    }

    /// Turns `memory.hiddenGradient` from the gradient of this block's output into that of its input.
    func backward(_ layer: Int, gradients: LayerView) {
        backwardFeedForward(layer, gradients: gradients)
        backwardAttention(layer, gradients: gradients)
    }

    private func backwardFeedForward(_ layer: Int, gradients: LayerView) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        residualLayerNormBackward(
            pool, tokens: tokens, width: hidden, normalized: kept.outputSum, weights: view.outputNorm,
            statistics: kept.outputStatistics, dropout: hiddenDropout(.feedForwardOutput, layer: layer),
            gradient: memory.hiddenGradient, inputGradient: memory.denseGradient,
            weightsGradient: gradients.outputNorm, biasGradient: gradients.outputBias,
            scratch: memory.sumScratch)
        activationRecompute(
            pool, activation, tokens: tokens, width: intermediate, input: kept.intermediate,
            output: memory.wide)
        denseBackward(
            memory.denseGradient, hidden, input: memory.wide, intermediate,
            weightGradient: gradients.outputWeight, weight: view.outputWeight,
            inputGradient: memory.wideGradient)
        activationBackward(
            pool, activation, tokens: tokens, width: intermediate, input: kept.intermediate,
            gradient: memory.wideGradient)
        biasBackward(
            pool, gradient: memory.wideGradient, tokens: tokens, width: intermediate,
            bias: gradients.intermediateBias, scratch: memory.sumScratch)
        denseBackward(
            memory.wideGradient, intermediate, input: kept.attentionOutput, hidden,
            weightGradient: gradients.intermediateWeight, weight: view.intermediateWeight,
            inputGradient: memory.hiddenGradient, .add)
    }

    private func backwardAttention(_ layer: Int, gradients: LayerView) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        residualLayerNormBackward(
            pool, tokens: tokens, width: hidden, normalized: kept.attentionSum, weights: view.attentionNorm,
            statistics: kept.attentionStatistics, dropout: hiddenDropout(.attentionOutput, layer: layer),
            gradient: memory.hiddenGradient, inputGradient: memory.denseGradient,
            weightsGradient: gradients.attentionNorm, biasGradient: gradients.attentionOutputBias,
            scratch: memory.sumScratch)
        // The gradient of attention's context takes the place that the feed-forward part is done with.
        let contextGradient = memory.wideGradient
        denseBackward(
            memory.denseGradient, hidden, input: kept.context, hidden,
            weightGradient: gradients.attentionOutputWeight, weight: view.attentionOutputWeight,
            inputGradient: contextGradient)
        attentionBackward(
            pool, attention, queryKeyValue: kept.queryKeyValue, dropout: attentionDropout(layer),
            logSumExp: kept.logSumExp, contextGradient: contextGradient,
            queryKeyValueGradient: memory.queryKeyValueGradient, scratch: memory.attentionScratch,
            scratchPerWorker: memory.attentionScratchPerWorker)
        biasBackward(
            pool, gradient: memory.queryKeyValueGradient, tokens: tokens, width: 3 * hidden,
            bias: gradients.queryKeyValueBias, scratch: memory.sumScratch)
        denseBackward(
            memory.queryKeyValueGradient, 3 * hidden, input: input(layer), hidden,
            weightGradient: gradients.queryKeyValueWeight, weight: view.queryKeyValueWeight,
            inputGradient: memory.hiddenGradient, .add)
    }

    // MARK: Pieces

    private func input(_ layer: Int) -> UnsafePointer<Float> {
        UnsafePointer(layer == 0 ? memory.embeddingOutput : memory.layers[layer - 1].output)
    }

    /// target = input · weightᵀ: `[tokens, out]` from `[tokens, in]` and `[out, in]`.
    private func dense(
        _ input: UnsafePointer<Float>, _ inputWidth: Int, _ weight: UnsafePointer<Float>, _ outputWidth: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        product(
            pool, Matrix(reading: input, rows: tokens, columns: inputWidth),
            Matrix(reading: weight, rows: outputWidth, columns: inputWidth), transposeB: true,
            into: Matrix(target, rows: tokens, columns: outputWidth))
    }

    /// weightGradient += gradientᵀ · input, and inputGradient = (or +=) gradient · weight.
    private func denseBackward(
        _ gradient: UnsafePointer<Float>, _ outputWidth: Int, input: UnsafePointer<Float>, _ inputWidth: Int,
        weightGradient: UnsafeMutablePointer<Float>, weight: UnsafePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>, _ accumulation: Accumulation = .overwrite
    ) {
        let upstream = Matrix(reading: gradient, rows: tokens, columns: outputWidth)
        product(
            pool, upstream, transposeA: true, Matrix(reading: input, rows: tokens, columns: inputWidth),
            into: Matrix(weightGradient, rows: outputWidth, columns: inputWidth), .add)
        product(
            pool, upstream, Matrix(reading: weight, rows: outputWidth, columns: inputWidth),
            into: Matrix(inputGradient, rows: tokens, columns: inputWidth), accumulation)
    }

    private func addBias(_ bias: UnsafePointer<Float>, width: Int, to target: UnsafeMutablePointer<Float>) {
        biasForward(pool, tokens: tokens, width: width, bias: bias, target: target)
    }

    private var indices: EmbeddingIndices {
        EmbeddingIndices(word: batch.wordIDs, position: batch.positionIDs, tokenType: batch.tokenTypeIDs)
    }

    private var attention: AttentionShape {
        AttentionShape(
            starts: batch.starts, sequences: batch.sequences, heads: configuration.headCount,
            headSize: configuration.headSize)
    }

    private var activation: ActivationKind {
        switch configuration.activation {
        case .gelu: .gelu
        case .geluNew: .geluTanh
        case .relu: .relu
        }
    }

    private func hiddenDropout(_ site: DropoutSite, layer: Int) -> TokenDropout? {
        guard let dropout, dropout.hiddenProbability > 0 else { return nil }
        return TokenDropout(
            stream: dropout.stream, site: site, layer: layer, probability: dropout.hiddenProbability,
            features: batch.tokenFeatures, rows: batch.positionIDs)
    }

    private func attentionDropout(_ layer: Int) -> AttentionDropout? {
        guard let dropout, dropout.attentionProbability > 0 else { return nil }
        return AttentionDropout(
            stream: dropout.stream, layer: layer, probability: dropout.attentionProbability,
            features: batch.sequenceFeatures)
    }
}
