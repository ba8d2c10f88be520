import Kernels

/// One trip of one micro-batch through the encoder, forward or backward.
struct Pass {
    let pool: WorkerPool
    let configuration: ModelConfiguration
    let weights: ParameterViews
    let productWeights: ProductWeights
    let memory: ActivationMemory
    let scope: TrainingScope
    let batch: PackedBatch
    private let dropout: DropoutSettings?
    private let profile: StepProfile?
    /// Whether gradients of dense layers' weights are added to what stands there.
    private let products: Accumulation
    private let isBetweenKernels: (() -> Void)?
    private let inspect: ((IntermediateResult) -> Void)?
    let tokens: Int
    let hidden: Int
    let intermediate: Int

    init(
        _ model: SpanModel, _ batch: PackedBatch, _ dropout: DropoutSettings?, products: Accumulation = .add,
        isBetweenKernels: (() -> Void)? = nil
    ) {
        pool = model.pool
        configuration = model.configuration
        weights = model.weights
        productWeights = model.productWeights
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
                pool, tokens: tokens, width: hidden, hidden: memory.blockInput.singles,
                weight: weights.spanWeight,
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
                pool, tokens: tokens, width: hidden, hidden: memory.blockInput.singles,
                weight: weights.spanWeight,
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
        round(.attention(layer))
        attend(layer)
        willRead(weights.layers[layer].outputWeight)
        round(.intermediate(layer))
        expand(layer)
        activate(layer)
        willRead(end)
        round(.output(layer))
        contract(layer)
    }

    /// Brings what products take of parameters up to date.
    func round(_ part: ProductWeights.Part) {
        guard productWeights.precision == .brain else { return }
        timed(.rounding) { productWeights.update(part, pool) }
    }

    func attend(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        let product = memory.product(for: kept.queryKeyValue)
        dense(
            memory.blockInput.operand, hidden, productWeights.layers[layer].queryKeyValue, 3 * hidden,
            into: product)
        timed(.bias) {
            biasForward(
                pool, tokens: tokens, width: 3 * hidden, bias: view.queryKeyValueBias, source: product,
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
        let sum = memory.product(for: kept.attentionNormalized)
        dense(kept.context, hidden, productWeights.layers[layer].attentionOutput, hidden, into: sum)
        timed(.layerNormForward) {
            residualLayerNormForward(
                pool, tokens: tokens, width: hidden, input: sum,
                bias: view.attentionOutputBias,
                dropout: hiddenDropout(.attentionOutput, layer: layer), residual: memory.blockInput.singles,
                weights: view.attentionNorm, epsilon: configuration.layerNormEpsilon,
                statistics: kept.attentionStatistics, kept: kept.attentionNormalized,
                output: memory.attentionOutput.singles, rounded: memory.attentionOutput.brainFloats)
        }
        show(.attentionSum, layer: layer, sum, hidden)
        show(.attentionOutput, layer: layer, memory.attentionOutput.singles, hidden)
    }

    /// The first layer of feed-forward, before bias and activation, to where the activation reads it.
    func expand(_ layer: Int) {
        dense(
            memory.attentionOutput.operand, hidden, productWeights.layers[layer].intermediate, intermediate,
            into: memory.product(for: memory.layers[layer].intermediate))
    }

    /// The activation, into `memory.wide`.
    private func activate(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        timed(.activationForward) {
            activationForward(
                pool, activation, tokens: tokens, width: intermediate, bias: view.intermediateBias,
                input: memory.product(for: kept.intermediate), kept: kept.intermediate, output: memory.wide)
        }
        show(.intermediate, layer: layer, kept.intermediate, intermediate)
        show(.activation, layer: layer, memory.wide, intermediate)
    }

    private func contract(_ layer: Int) {
        let kept = memory.layers[layer]
        let view = weights.layers[layer]
        let sum = kept.outputSum ?? memory.product(for: kept.outputNormalized)
        dense(memory.wide, intermediate, productWeights.layers[layer].output, hidden, into: sum)
        timed(.layerNormForward) {
            residualLayerNormForward(
                pool, tokens: tokens, width: hidden, input: sum, bias: view.outputBias,
                dropout: hiddenDropout(.feedForwardOutput, layer: layer),
                residual: memory.attentionOutput.singles, weights: view.outputNorm,
                epsilon: configuration.layerNormEpsilon, statistics: kept.outputStatistics,
                kept: kept.outputNormalized, output: memory.blockInput.singles,
                rounded: memory.blockInput.brainFloats)
        }
        show(.outputSum, layer: layer, sum, hidden)
        show(.output, layer: layer, memory.blockInput.singles, hidden)
    }

    // MARK: Pieces

    var projects: Bool { weights.projection != nil }

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

    /// The same of numbers that may be rounded.
    func show(
        _ operation: Operation, layer: Int? = nil, _ numbers: NumberPointer, _ width: Int,
        isGradient: Bool = false
    ) {
        guard inspect != nil else { return }
        numbers.withSingles(count: tokens * width) {
            show(operation, layer: layer, $0, width, isGradient: isGradient)
        }
    }

    func showGradient(
        _ operation: Operation, layer: Int? = nil, _ numbers: NumberPointer, _ width: Int
    ) {
        show(operation, layer: layer, numbers, width, isGradient: true)
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
        _ input: NumberPointer, _ inputWidth: Int, _ weight: NumberPointer, _ outputWidth: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        timed(.denseForward) {
            product(
                pool, Operand(input, rows: tokens, columns: inputWidth),
                Operand(weight, rows: outputWidth, columns: inputWidth), transposeB: true,
                into: Matrix(target, rows: tokens, columns: outputWidth))
        }
    }

    /// Both gradients of a dense layer whose output's gradient is `gradient`.
    func denseBackward(
        _ gradient: NumberPointer, _ outputWidth: Int, input: NumberPointer, _ inputWidth: Int,
        weightGradient: UnsafeMutablePointer<Float>?, weight: NumberPointer,
        inputGradient: UnsafeMutablePointer<Float>, _ accumulation: Accumulation = .overwrite
    ) {
        self.weightGradient(gradient, outputWidth, input: input, inputWidth, into: weightGradient)
        self.inputGradient(
            gradient, outputWidth, weight: weight, inputWidth, into: inputGradient, accumulation)
    }

    /// target = (or +=) gradientᵀ · input; nothing where there is no target.
    func weightGradient(
        _ gradient: NumberPointer, _ outputWidth: Int, input: NumberPointer, _ inputWidth: Int,
        into target: UnsafeMutablePointer<Float>?
    ) {
        guard let target else { return }
        timed(.denseBackward) {
            product(
                pool, Operand(gradient, rows: tokens, columns: outputWidth), transposeA: true,
                Operand(input, rows: tokens, columns: inputWidth),
                into: Matrix(target, rows: outputWidth, columns: inputWidth), products)
        }
    }

    /// target = (or +=) gradient · weight.
    func inputGradient(
        _ gradient: NumberPointer, _ outputWidth: Int, weight: NumberPointer, _ inputWidth: Int,
        into target: UnsafeMutablePointer<Float>, _ accumulation: Accumulation = .overwrite
    ) {
        timed(.denseBackward) {
            product(
                pool, Operand(gradient, rows: tokens, columns: outputWidth),
                Operand(weight, rows: outputWidth, columns: inputWidth),
                into: Matrix(target, rows: tokens, columns: inputWidth), accumulation)
        }
    }

    var indices: EmbeddingIndices {
        EmbeddingIndices(word: batch.wordIDs, position: batch.positionIDs, tokenType: batch.tokenTypeIDs)
    }

    var attention: AttentionShape {
        AttentionShape(
            starts: batch.starts, sequences: batch.sequences, heads: configuration.headCount,
            headSize: configuration.headSize)
    }

    var activation: ActivationKind {
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

    func attentionDropout(_ layer: Int) -> AttentionDropout? {
        guard let dropout, dropout.attentionProbability > 0 else { return nil }
        return AttentionDropout(
            stream: dropout.stream, layer: layer, probability: dropout.attentionProbability,
            features: batch.sequenceFeatures)
    }
}
