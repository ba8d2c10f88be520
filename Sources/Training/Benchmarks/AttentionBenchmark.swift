import Kernels
import Model

/// Rates of attention with dropout over sequences of one length, in GFLOP/s of the model's operations (what the
/// backward computes again does not count), beside that of a dense product of the same width.
struct AttentionBenchmark {
    private let configuration: ModelConfiguration
    private let pool: WorkerPool
    private let precision: Precision
    private let length: Int
    private let sequences: Int

    init(configuration: ModelConfiguration, tokens: Int, pool: WorkerPool, precision: Precision = .single) {
        self.configuration = configuration
        self.pool = pool
        self.precision = precision
        length = min(256, configuration.maxSequenceLength, tokens)
        sequences = tokens / length
    }

    func run() -> [BenchmarkRow] {
        let product = product()
        let (forward, backward) = measure()
        // Two products a pair of tokens and hidden unit forward, four backward.
        let operations = 4 * Double(sequences * configuration.hiddenSize) * Double(length * length)
        let shape =
            "\(sequences) × \(length) tokens, \(configuration.headCount) heads"
            + (precision == .brain ? ", \(precision.rawValue)" : "")
        return [
            product, row("attention, \(shape)", forward, operations, limit: product.rate),
            row("attention, backward, \(shape)", backward, 2 * operations, limit: product.rate),
        ]
    }

    private func row(
        _ name: String, _ measurement: Measurement, _ operations: Double, limit: Double?
    ) -> BenchmarkRow {
        BenchmarkRow(
            name: name, measurement: measurement, rate: operations / measurement.median / 1e9,
            unit: "GFLOP/s", limit: limit)
    }

    private func product() -> BenchmarkRow {
        let (tokens, hidden) = (sequences * length, configuration.hiddenSize)
        let (a, b) = (
            RandomNumbers(tokens * hidden, precision), RandomNumbers(hidden * hidden, precision)
        )
        let c = FloatBuffer(count: tokens * hidden)
        let measurement = Measurement(runs: 7, atLeast: 0.2) {
            Kernels.product(
                pool, Operand(a.numbers, rows: tokens, columns: hidden),
                Operand(b.numbers, rows: hidden, columns: hidden), transposeB: true,
                into: Matrix(c.pointer, rows: tokens, columns: hidden))
        }
        return row(
            "product, \(tokens)×\(hidden)×\(hidden)" + (precision == .brain ? ", \(precision.rawValue)" : ""),
            measurement,
            2 * Double(tokens) * Double(hidden * hidden), limit: nil)
    }

    private func measure() -> (forward: Measurement, backward: Measurement) {
        let (tokens, hidden) = (sequences * length, configuration.hiddenSize)
        let queryKeyValue = RandomNumbers(3 * tokens * hidden, precision)
        let context = RandomNumbers(tokens * hidden, precision)
        let contextGradient = FloatBuffer(randomCount: tokens * hidden)
        let gradient = RandomNumbers(3 * tokens * hidden, precision)
        let logSumExp = FloatBuffer(count: tokens * configuration.headCount)
        let room = AttentionShape.scratch(length: length, headSize: configuration.headSize, precision)
        let scratch = FloatBuffer(count: room * pool.threadCount)
        let starts = (0...sequences).map { Int32($0 * length) }
        let features = (0..<sequences).map { UInt32($0) }
        return starts.withUnsafeBufferPointer { starts in
            features.withUnsafeBufferPointer { features in
                guard let starts = starts.baseAddress, let features = features.baseAddress else {
                    return (Measurement([]), Measurement([]))
                }
                let shape = AttentionShape(
                    starts: starts, sequences: sequences, heads: configuration.headCount,
                    headSize: configuration.headSize)
                let dropout = AttentionDropout(
                    stream: DropoutStream(seed: 1, step: 0), layer: 0, probability: 0.1, features: features)
                let forward = Measurement(runs: 7, atLeast: 0.2) {
                    attentionForward(
                        pool, shape, queryKeyValue: queryKeyValue.numbers, dropout: dropout,
                        context: context.numbers, logSumExp: logSumExp.pointer, scratch: scratch.pointer,
                        scratchPerWorker: room)
                }
                let backward = Measurement(runs: 7, atLeast: 0.2) {
                    attentionBackward(
                        pool, shape, queryKeyValue: queryKeyValue.numbers, dropout: dropout,
                        logSumExp: logSumExp.pointer, context: context.numbers,
                        contextGradient: contextGradient.pointer, queryKeyValueGradient: gradient.numbers,
                        scratch: scratch.pointer, scratchPerWorker: room)
                }
                return (forward, backward)
            }
        }
    }
}
