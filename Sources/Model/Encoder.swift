import Kernels

/// One trip of one micro-batch through the encoder, forward or backward.
struct Pass {
    let pool: WorkerPool
    let configuration: ModelConfiguration
    let weights: ParameterViews
    let memory: ActivationMemory
    private let scope: TrainingScope
    let batch: PackedBatch
    private let dropout: DropoutSettings?
    private let profile: StepProfile?
    /// Whether gradients of dense layers' weights are added to what stands there.
    private let products: Accumulation
    private let isBetweenKernels: (() -> Void)?
    private let inspect: ((IntermediateResult) -> Void)?
    let tokens: Int
    let hidden: Int
    private let intermediate: Int

    init(
        _ model: SpanModel, _ batch: PackedBatch, _ dropout: DropoutSettings?, products: Accumulation = .add,
        isBetweenKernels: (() -> Void)? = nil
    ) {
        pool = model.pool
        configuration = model.configuration
        weights = model.weights
        memory = model.memory
        scope = model.scope
        self.batch = batch
        self.dropout = dropout
        profile = model.profile
        self.products = products
        self.isBetweenKernels = isBetweenKernels
        inspect = model.inspect
        tokens = batch.tokens
        hidden = configuration.hiddenSize
        intermediate = configuration.intermediateSize
    }

    // MARK: Span head

    func spanLogits() {
        timed(.span) {
            spanLogitsForward(
                pool, tokens: tokens, width: hidden, hidden: memory.blockInput, weight: weights.spanWeight,
                bias: weights.spanBias, start: memory.startLogits, end: memory.endLogits)
        }
        show(.startLogits, memory.startLogits, 1)
        show(.endLogits, memory.endLogits, 1)
    }

    func spanBackward(gradients: ParameterViews, _ scratch: GradientMemory) {
        showGradient(.startLogits, memory.startLogits, 1)
        showGradient(.endLogits, memory.endLogits, 1)
        timed(.span) {
            spanLogitsBackward(
                pool, tokens: tokens, width: hidden, hidden: memory.blockInput, weight: weights.spanWeight,
                startGradient: memory.startLogits, endGradient: memory.endLogits,
                hiddenGradient: scratch.hidden, weightGradient: gradients.spanWeight,
                biasGradient: gradients.spanBias)
        }
        showGradient(.output, layer: configuration.layerCount - 1, scratch.hidden, hidden)
    }

    // MARK: Blocks, forward

    /// Turns `memory.blockInput` from this block's input into its output: attention, then feed-forward, each
    /// followed by residual and LayerNorm.
    ///
    /// - willRead: is told that the parameters before this place are about to be read.
    /// - end: of the block's parameters.
    func forward(
        _ layer: Int, before end: UnsafeMutablePointer<Float>,
        _ willRead: (UnsafeMutablePointer<Float>) -> Void
    ) {
        willRead(weights.layers[layer].intermediateWeight)
        attend(layer)
        willRead(weights.layers[layer].outputWeight)
        expand(layer)
        activate(layer)
        willRead(end)
        contract(layer)
    }

    private func attend(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        dense(memory.blockInput, hidden, view.queryKeyValueWeight, 3 * hidden, into: kept.queryKeyValue)
        timed(.bias) {
            biasForward(
                pool, tokens: tokens, width: 3 * hidden, bias: view.queryKeyValueBias,
                target: kept.queryKeyValue)
        }
        show(.queryKeyValue, layer: layer, kept.queryKeyValue, 3 * hidden)
        timed(.attentionForward) {
            attentionForward(
                pool, attention, queryKeyValue: kept.queryKeyValue, dropout: attentionDropout(layer),
                context: kept.context, logSumExp: kept.logSumExp, scratch: memory.attentionScratch,
                scratchPerWorker: memory.attentionScratchPerWorker)
        }
        show(.context, layer: layer, kept.context, hidden)
        dense(kept.context, hidden, view.attentionOutputWeight, hidden, into: kept.attentionSum)
        timed(.layerNormForward) {
            residualLayerNormForward(
                pool, tokens: tokens, width: hidden, input: kept.attentionSum,
                bias: view.attentionOutputBias,
                dropout: hiddenDropout(.attentionOutput, layer: layer), residual: memory.blockInput,
                weights: view.attentionNorm, epsilon: configuration.layerNormEpsilon,
                statistics: kept.attentionStatistics, output: memory.attentionOutput)
        }
        show(.attentionSum, layer: layer, kept.attentionSum, hidden)
        show(.attentionOutput, layer: layer, memory.attentionOutput, hidden)
    }

    /// The first layer of feed-forward, before bias and activation.
    private func expand(_ layer: Int) {
        dense(
            memory.attentionOutput, hidden, weights.layers[layer].intermediateWeight, intermediate,
            into: memory.layers[layer].intermediate)
    }

    /// The activation, into `memory.wide`.
    private func activate(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.activationForward) {
            activationForward(
                pool, activation, tokens: tokens, width: intermediate, bias: view.intermediateBias,
                input: kept.intermediate, output: memory.wide)
        }
        show(.intermediate, layer: layer, kept.intermediate, intermediate)
        show(.activation, layer: layer, memory.wide, intermediate)
    }

    private func contract(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        dense(memory.wide, intermediate, view.outputWeight, hidden, into: kept.outputSum)
        timed(.layerNormForward) {
            residualLayerNormForward(
                pool, tokens: tokens, width: hidden, input: kept.outputSum, bias: view.outputBias,
                dropout: hiddenDropout(.feedForwardOutput, layer: layer), residual: memory.attentionOutput,
                weights: view.outputNorm, epsilon: configuration.layerNormEpsilon,
                statistics: kept.outputStatistics, output: memory.blockInput)
        }
        show(.outputSum, layer: layer, kept.outputSum, hidden)
        show(.output, layer: layer, memory.blockInput, hidden)
    }

    // MARK: Blocks, backward

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
        recomputeInput(layer)
        attend(layer)
        expand(layer)
        // In forward the activation adds it.
        timed(.bias) {
            biasForward(
                pool, tokens: tokens, width: intermediate, bias: weights.layers[layer].intermediateBias,
                target: memory.layers[layer].intermediate)
        }
    }

    /// The second half of feed-forward: `scratch.wide` becomes the gradient of what went into it.
    private func backwardContract(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.layerNormBackward) {
            residualLayerNormBackward(
                pool, tokens: tokens, width: hidden, normalized: kept.outputSum, weights: view.outputNorm,
                statistics: kept.outputStatistics, dropout: hiddenDropout(.feedForwardOutput, layer: layer),
                gradient: scratch.hidden, inputGradient: scratch.dense,
                weightsGradient: gradients.sums.outputNorm, biasGradient: gradients.sums.outputBias,
                scratch: scratch.sumScratch)
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, normalized: kept.attentionSum,
                weights: view.attentionNorm, statistics: kept.attentionStatistics,
                output: memory.attentionOutput)
        }
        showGradient(.outputSum, layer: layer, scratch.dense, hidden)
        inputGradient(
            scratch.dense, hidden, weight: view.outputWeight, intermediate, into: scratch.wide)
        showGradient(.activation, layer: layer, scratch.wide, intermediate)
        timed(.activationBackward) {
            activationBackward(
                pool, activation, tokens: tokens, width: intermediate, input: kept.intermediate,
                gradient: scratch.wide, output: memory.wide, biasGradient: gradients.sums.intermediateBias,
                scratch: scratch.sumScratch)
        }
        showGradient(.intermediate, layer: layer, scratch.wide, intermediate)
        weightGradient(
            scratch.dense, hidden, input: memory.wide, intermediate, into: gradients.products?.outputWeight)
    }

    private func backwardExpand(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        let view = weights.layers[layer]
        denseBackward(
            scratch.wide, intermediate, input: memory.attentionOutput, hidden,
            weightGradient: gradients.products?.intermediateWeight, weight: view.intermediateWeight,
            inputGradient: scratch.hidden, .add)
        showGradient(.attentionOutput, layer: layer, scratch.hidden, hidden)
    }

    private func backwardAttention(_ layer: Int, gradients: LayerGradients, _ scratch: GradientMemory) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.layerNormBackward) {
            residualLayerNormBackward(
                pool, tokens: tokens, width: hidden, normalized: kept.attentionSum,
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
            weightGradient: gradients.products?.attentionOutputWeight, weight: view.attentionOutputWeight,
            inputGradient: contextGradient)
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
            scratch.queryKeyValue, 3 * hidden, input: memory.blockInput, hidden,
            into: gradients.products?.queryKeyValueWeight)
        guard scope.needsInputGradient(ofLayer: layer) else { return }
        inputGradient(
            scratch.queryKeyValue, 3 * hidden, weight: view.queryKeyValueWeight, hidden, into: scratch.hidden,
            .add)
        if layer > 0 {
            showGradient(.output, layer: layer - 1, scratch.hidden, hidden)
        } else {
            showGradient(projects ? .projection : .embeddings, scratch.hidden, hidden)
        }
    }

    /// Puts what block `layer` read into `memory.blockInput` again.
    private func recomputeInput(_ layer: Int) {
        guard layer > 0 else { return recomputeEmbeddings() }
        let previous = memory.layers[layer - 1]
        timed(.layerNormBackward) {
            layerNormRecompute(
                pool, tokens: tokens, width: hidden, normalized: previous.outputSum,
                weights: weights.layers[layer - 1].outputNorm, statistics: previous.outputStatistics,
                output: memory.blockInput)
        }
    }

    // MARK: Pieces

    private var projects: Bool { weights.projection != nil }

    /// Lets whoever watches the model look at what an operation made: `[tokens, width]`.
    func show(
        _ operation: Operation, layer: Int? = nil, _ values: UnsafePointer<Float>, _ width: Int,
        isGradient: Bool = false
    ) {
        inspect?(
            IntermediateResult(
                operation: operation, layer: layer, isGradient: isGradient, values: values, tokens: tokens,
                width: width, features: batch.tokenFeatures))
    }

    func showGradient(
        _ operation: Operation, layer: Int? = nil, _ values: UnsafePointer<Float>, _ width: Int
    ) {
        show(operation, layer: layer, values, width, isGradient: true)
    }

    func timed(_ section: StepSection, _ body: () -> Void) {
        profile.measure(section, body)
        isBetweenKernels?()
    }

    /// target = input · weightᵀ: `[tokens, out]` from `[tokens, in]` and `[out, in]`.
    func dense(
        _ input: UnsafePointer<Float>, _ inputWidth: Int, _ weight: UnsafePointer<Float>, _ outputWidth: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        timed(.denseForward) {
            product(
                pool, Matrix(reading: input, rows: tokens, columns: inputWidth),
                Matrix(reading: weight, rows: outputWidth, columns: inputWidth), transposeB: true,
                into: Matrix(target, rows: tokens, columns: outputWidth))
        }
    }

    /// Both gradients of a dense layer whose output's gradient is `gradient`.
    func denseBackward(
        _ gradient: UnsafePointer<Float>, _ outputWidth: Int, input: UnsafePointer<Float>, _ inputWidth: Int,
        weightGradient: UnsafeMutablePointer<Float>?, weight: UnsafePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>, _ accumulation: Accumulation = .overwrite
    ) {
        self.weightGradient(gradient, outputWidth, input: input, inputWidth, into: weightGradient)
        self.inputGradient(
            gradient, outputWidth, weight: weight, inputWidth, into: inputGradient, accumulation)
    }

    /// target = (or +=) gradientᵀ · input; nothing where there is no target.
    func weightGradient(
        _ gradient: UnsafePointer<Float>, _ outputWidth: Int, input: UnsafePointer<Float>, _ inputWidth: Int,
        into target: UnsafeMutablePointer<Float>?
    ) {
        guard let target else { return }
        timed(.denseBackward) {
            product(
                pool, Matrix(reading: gradient, rows: tokens, columns: outputWidth), transposeA: true,
                Matrix(reading: input, rows: tokens, columns: inputWidth),
                into: Matrix(target, rows: outputWidth, columns: inputWidth), products)
        }
    }

    /// target = (or +=) gradient · weight.
    func inputGradient(
        _ gradient: UnsafePointer<Float>, _ outputWidth: Int, weight: UnsafePointer<Float>,
        _ inputWidth: Int, into target: UnsafeMutablePointer<Float>, _ accumulation: Accumulation = .overwrite
    ) {
        timed(.denseBackward) {
            product(
                pool, Matrix(reading: gradient, rows: tokens, columns: outputWidth),
                Matrix(reading: weight, rows: outputWidth, columns: inputWidth),
                into: Matrix(target, rows: tokens, columns: inputWidth), accumulation)
        }
    }

    var indices: EmbeddingIndices {
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

    func hiddenDropout(_ site: DropoutSite, layer: Int) -> TokenDropout? {
        guard let dropout, dropout.hiddenProbability > 0 else { return nil }
        return TokenDropout(
            stream: dropout.stream, site: site, layer: layer, probability: dropout.hiddenProbability,
            features: batch.tokenFeatures, rows: batch.places)
    }

    private func attentionDropout(_ layer: Int) -> AttentionDropout? {
        guard let dropout, dropout.attentionProbability > 0 else { return nil }
        return AttentionDropout(
            stream: dropout.stream, layer: layer, probability: dropout.attentionProbability,
            features: batch.sequenceFeatures)
    }
}
