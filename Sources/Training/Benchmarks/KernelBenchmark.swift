import Kernels
import Model

/// Rates of the kernels around the products, beside the rate at which memory is copied; and of attention, beside
/// that of a product.
package struct KernelBenchmark {
    private let configuration: ModelConfiguration
    private let tokens: Int
    private let pool: WorkerPool

    package init(configuration: ModelConfiguration, tokens: Int, pool: WorkerPool) {
        self.configuration = configuration
        self.tokens = tokens
        self.pool = pool
    }

    /// A row a kernel: bytes that it must read and write, in GB/s, against copying.
    package func run() -> [BenchmarkRow] {
        let copy = copyRate()
        let hidden = configuration.hiddenSize
        let wide = configuration.intermediateSize
        return [copy] + [
            activation(wide, copy.rate), activationGradient(wide, copy.rate), layerNorm(hidden, copy.rate),
            bias(3 * hidden, copy.rate), optimizer(copy.rate),
        ]
            + (Precision.slowBrain == nil ? Precision.allCases : [.single]).flatMap {
                AttentionBenchmark(configuration: configuration, tokens: tokens, pool: pool, precision: $0)
                    .run()
            }
    }

    private func row(_ name: String, bytes: Int, limit: Double?, _ body: () -> Void) -> BenchmarkRow {
        let measurement = Measurement(runs: 7, atLeast: 0.2, body)
        return BenchmarkRow(
            name: name, measurement: measurement, rate: Double(bytes) / measurement.median / 1e9,
            unit: "GB/s", limit: limit)
    }

    private func copyRate() -> BenchmarkRow {
        let count = 1 << 25
        let source = FloatBuffer(count: count)
        let target = FloatBuffer(count: count)
        return row("memory copy", bytes: 8 * count, limit: nil) {
            let part = count / pool.threadCount
            pool.run(pool.threadCount) { task, _ in
                (target.pointer + task * part).update(from: source.pointer + task * part, count: part)
            }
        }
    }

    private func activation(_ width: Int, _ limit: Double) -> BenchmarkRow {
        let (input, output, bias) = (
            random(tokens * width), FloatBuffer(count: tokens * width), random(width)
        )
        return row("bias and GELU, \(tokens)×\(width)", bytes: 12 * tokens * width, limit: limit) {
            bias.fill(0)
            activationForward(
                pool, .gelu, tokens: tokens, width: width, bias: bias.pointer, input: input.pointer,
                kept: NumberPointer(input.pointer), output: NumberPointer(output.pointer))
        }
    }

    private func activationGradient(_ width: Int, _ limit: Double) -> BenchmarkRow {
        let (input, gradient) = (random(tokens * width), random(tokens * width))
        let (output, bias) = (FloatBuffer(count: tokens * width), FloatBuffer(count: width))
        let scratch = FloatBuffer(count: TokenBlocks.scratch(tokens: tokens, width: width))
        return row(
            "GELU again, backward, bias, \(tokens)×\(width)", bytes: 16 * tokens * width, limit: limit
        ) {
            activationBackward(
                pool, .gelu, tokens: tokens, width: width, kept: NumberPointer(input.pointer),
                gradient: gradient.pointer, output: NumberPointer(output.pointer),
                inputGradient: NumberPointer(gradient.pointer), biasGradient: bias.pointer,
                scratch: scratch.pointer)
        }
    }

    private func layerNorm(_ width: Int, _ limit: Double) -> BenchmarkRow {
        let (input, residual, output) = (
            random(tokens * width), random(tokens * width), FloatBuffer(count: tokens * width)
        )
        let (bias, gamma, beta) = (random(width), random(width), random(width))
        let statistics = FloatBuffer(count: 2 * tokens)
        return row("bias, residual, LayerNorm, \(tokens)×\(width)", bytes: 16 * tokens * width, limit: limit)
        {
            residualLayerNormForward(
                pool, tokens: tokens, width: width, input: input.pointer, bias: bias.pointer, dropout: nil,
                residual: residual.pointer,
                weights: LayerNormWeights(gamma: gamma.pointer, beta: beta.pointer), epsilon: 1e-12,
                statistics: LayerNormStatistics(
                    mean: statistics.pointer, inverseDeviation: statistics.pointer + tokens),
                kept: NumberPointer(input.pointer), output: output.pointer)
        }
    }

    private func bias(_ width: Int, _ limit: Double) -> BenchmarkRow {
        let (target, bias) = (random(tokens * width), random(width))
        return row("bias, \(tokens)×\(width)", bytes: 8 * tokens * width, limit: limit) {
            biasForward(
                pool, tokens: tokens, width: width, bias: bias.pointer, source: target.pointer,
                target: NumberPointer(target.pointer))
        }
    }

    private func optimizer(_ limit: Double) -> BenchmarkRow {
        let count = 1 << 24
        let (parameters, gradients) = (random(count), random(count))
        let (first, second) = (FloatBuffer(count: count), FloatBuffer(count: count))
        let step = AdamWStep(
            learningRate: 1e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, gradientScale: 1,
            step: 1)
        return row("AdamW, \(count >> 20) M parameters", bytes: 28 * count, limit: limit) {
            adamWUpdate(
                pool, step, decays: true, count: count, parameters: parameters.pointer,
                gradients: gradients.pointer, firstMoment: first.pointer, secondMoment: second.pointer)
        }
    }

    private func random(_ count: Int) -> FloatBuffer { FloatBuffer(randomCount: count) }
}

extension FloatBuffer {
    /// Uniform in ±0.5.
    convenience init(randomCount count: Int) {
        self.init(count: count)
        var generator = PhiloxGenerator(seed: 3, purpose: .sampling)
        for index in 0..<count { pointer[index] = Float(generator.nextUniform()) - 0.5 }
    }
}
