import Kernels

/// Dropout of one training step: where its random numbers come from and how much is dropped.
package struct DropoutSettings: Sendable {
    package let stream: DropoutStream
    package let hiddenProbability: Float
    package let attentionProbability: Float

    package init(stream: DropoutStream, hiddenProbability: Float, attentionProbability: Float) {
        self.stream = stream
        self.hiddenProbability = hiddenProbability
        self.attentionProbability = attentionProbability
    }
}

/// What a micro-batch contributed to a step.
package struct SpanLoss: Sendable, Equatable {
    /// Σ over features of (CE(start) + CE(end)) / 2.
    package var total = 0.0
    /// Features whose largest start (end) logit was the right one.
    package var correctStarts = 0
    package var correctEnds = 0
    package var features = 0

    package init() {}

    package static func += (left: inout SpanLoss, right: SpanLoss) {
        left.total += right.total
        left.correctStarts += right.correctStarts
        left.correctEnds += right.correctEnds
        left.features += right.features
    }
}

/// An encoder with a span head, as transformers' BertForQuestionAnswering, ElectraForQuestionAnswering and
/// RobertaForQuestionAnswering, over packed batches.
///
/// Parameters and gradients are flat buffers in the order of `layout`. One micro-batch is in flight at a time:
/// `forward`, then `loss`, then `backward`.
package final class SpanModel {
    package let configuration: ModelConfiguration
    package let layout: ParameterLayout
    package let parameters: FloatBuffer
    package let capacity: BatchCapacity
    package let scope: TrainingScope
    /// What products multiply activations by, and in which precision.
    package let productWeights: ProductWeights
    /// Where a step's time goes, kernel by kernel; nil does not measure.
    package var profile: StepProfile?
    /// Looks at what every operation of forward and backward makes; nil does not look.
    package var inspect: ((IntermediateResult) -> Void)?
    package let pool: WorkerPool
    let weights: ParameterViews
    let memory: ActivationMemory

    /// - purpose: `.inference` takes a fraction of the memory and does not allow `backward`.
    /// - scope: what backward leaves out, and what it computes again.
    /// - productWeights: shared by models of the same parameters; nil makes some for singles.
    package init(
        configuration: ModelConfiguration, layout: ParameterLayout, parameters: FloatBuffer,
        capacity: BatchCapacity, pool: WorkerPool, purpose: ModelPurpose = .training,
        scope: TrainingScope = TrainingScope(), productWeights: ProductWeights? = nil
    ) {
        precondition(parameters.count == layout.count)
        self.configuration = configuration
        self.layout = layout
        self.parameters = parameters
        self.capacity = capacity
        self.pool = pool
        self.scope = scope
        let productWeights =
            productWeights ?? ProductWeights(configuration, layout, parameters, .single)
        self.productWeights = productWeights
        weights = ParameterViews(configuration, layout, parameters.pointer)
        memory = ActivationMemory(
            configuration, capacity, threads: pool.threadCount, purpose, scope, productWeights.precision)
    }

    /// Bytes of activations that a model with this capacity takes.
    package static func activationBytes(
        _ configuration: ModelConfiguration, _ capacity: BatchCapacity, threads: Int,
        _ purpose: ModelPurpose = .training, _ scope: TrainingScope = TrainingScope(),
        precision: Precision = .single
    ) -> Int {
        ActivationMemory.bytes(configuration, capacity, threads: threads, purpose, scope, precision)
    }

    /// Bytes of the copies of dense layers' weights that products multiply; none of singles, where they take the
    /// parameters themselves.
    package static func weightCopyBytes(_ configuration: ModelConfiguration, _ precision: Precision) -> Int {
        ProductWeights.bytes(configuration, precision)
    }

    /// Computes the logits of every token; `dropout` is nil in evaluation.
    ///
    /// - watch: is asked for parameters before they are read.
    /// - isUpdated: whether parameters may have changed since the forward before, of any model with the same
    ///   `productWeights`.
    package func forward(
        _ batch: PackedBatch, dropout: DropoutSettings?, watch: ForwardWatch? = nil, isUpdated: Bool = true
    ) {
        precondition(batch.tokens <= capacity.tokens)
        if isUpdated { productWeights.parametersChanged() }
        let pass = Pass(self, batch, dropout, isBetweenKernels: watch?.isBetweenKernels)
        // Every part of the model ends where the next begins.
        let starts = weights.layers.map(\.queryKeyValueWeight) + [weights.spanWeight]
        func ask(_ end: UnsafeMutablePointer<Float>) { watch?.isNeeded(end - parameters.pointer) }
        ask(starts[0])
        pass.embed()
        for layer in 0..<configuration.layerCount {
            pass.forward(layer, before: starts[layer + 1], ask)
        }
        watch?.isNeeded(layout.count)
        pass.spanLogits()
    }

    /// The encoder's output for every token after `forward`: `[tokens, hidden]`.
    package var lastHidden: UnsafePointer<Float> { UnsafePointer(memory.blockInput.singles) }

    /// Start and end logits of every token after `forward`: `[tokens]` each.
    package var logits: (start: UnsafePointer<Float>, end: UnsafePointer<Float>) {
        (UnsafePointer(memory.startLogits), UnsafePointer(memory.endLogits))
    }

    /// Sums the loss over the labelled sequences and overwrites the logits by the gradient of `weight` · loss,
    /// which `backward` goes on from. `weight` is 1 / features of the global batch; `smoothing` as
    /// `crossEntropyRow`'s.
    package func loss(_ batch: PackedBatch, weight: Float, smoothing: Float = 0) -> SpanLoss {
        var result = SpanLoss()
        for (index, label) in batch.labels.enumerated() {
            guard let label else { preconditionFailure("sequence \(index) has no label") }
            let range = batch.range(index)
            let start = crossEntropyRow(
                memory.startLogits + range.lowerBound, range.count, label: label.start, weight: weight / 2,
                smoothing: smoothing)
            let end = crossEntropyRow(
                memory.endLogits + range.lowerBound, range.count, label: label.end, weight: weight / 2,
                smoothing: smoothing)
            result.total += (start.loss + end.loss) / 2
            result.correctStarts += start.correct ? 1 : 0
            result.correctEnds += end.correct ? 1 : 0
            result.features += 1
        }
        return result
    }

    /// Adds the gradient of every parameter that is trained to `gradients`, laid out as the parameters. `batch` and
    /// `dropout` are those of the `forward` before.
    ///
    /// - products: `.overwrite` writes the gradients of kind `.product`, whatever stood there, instead of adding
    ///   to them: for the first micro-batch of a step, which then needs no zeros there.
    /// - watch: is told how far backward has come.
    package func backward(
        _ batch: PackedBatch, dropout: DropoutSettings?, into gradients: FloatBuffer,
        products: Accumulation = .add, watch: BackwardWatch? = nil
    ) {
        precondition(gradients.count == layout.count)
        guard let scratch = memory.gradients else { preconditionFailure("a model for inference") }
        let pass = Pass(
            self, batch, dropout, products: products, isBetweenKernels: watch?.isBetweenKernels)
        let views = ParameterViews(configuration, layout, gradients.pointer)
        func tell(_ start: UnsafeMutablePointer<Float>) { watch?.isFinal(start - gradients.pointer) }
        pass.spanBackward(gradients: views, scratch)
        tell(views.spanWeight)
        for layer in (min(scope.detachedLayers, configuration.layerCount)..<configuration.layerCount)
            .reversed()
        {
            pass.backward(layer, gradients: views.layers[layer], scratch, tell)
        }
        if scope.freezesEmbeddings {
            tell(gradients.pointer)
        } else {
            pass.embedBackward(gradients: views, scratch, tell)
        }
    }
}

/// What forward calls as it goes.
package struct ForwardWatch {
    /// Parameters before this element are about to be read.
    package let isNeeded: (_ upper: Int) -> Void
    /// Between two kernels, every few milliseconds.
    package let isBetweenKernels: () -> Void

    package init(isNeeded: @escaping (_ upper: Int) -> Void, isBetweenKernels: @escaping () -> Void) {
        self.isNeeded = isNeeded
        self.isBetweenKernels = isBetweenKernels
    }
}

/// What backward calls as it goes.
package struct BackwardWatch {
    /// Gradients from this element to the end have their value, unless another micro-batch adds to them.
    package let isFinal: (_ lower: Int) -> Void
    /// Between two kernels, every few milliseconds.
    package let isBetweenKernels: () -> Void

    package init(isFinal: @escaping (_ lower: Int) -> Void, isBetweenKernels: @escaping () -> Void) {
        self.isFinal = isFinal
        self.isBetweenKernels = isBetweenKernels
    }
}
