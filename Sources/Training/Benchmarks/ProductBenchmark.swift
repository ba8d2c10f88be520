import Kernels
import Model

/// The rate of matrix products in the shapes of a model's training step, in one precision and by the pool's library:
/// the limit of a step.
package struct ProductBenchmark {
    private let configuration: ModelConfiguration
    private let tokens: Int
    private let pool: WorkerPool
    private let precision: Precision

    package init(
        configuration: ModelConfiguration, tokens: Int, pool: WorkerPool, precision: Precision = .single
    ) {
        self.configuration = configuration
        self.tokens = tokens
        self.pool = pool
        self.precision = precision
    }

    /// One product of a block: `[m, k]` times `[k, n]`.
    private struct Shape {
        let name: String
        let rows: Int
        let columns: Int
        let depth: Int
        let transposeA: Bool
        let transposeB: Bool
        /// In the form of the model, accumulating into the target.
        let accumulation: Accumulation

        var operations: Double { 2 * Double(rows) * Double(columns) * Double(depth) }
    }

    /// Forward, input gradient and weight gradient of the four dense layers of a block.
    private var shapes: [Shape] {
        let hidden = configuration.hiddenSize
        let layers = [
            ("query, key, value", 3 * hidden, hidden), ("attention output", hidden, hidden),
            ("intermediate", configuration.intermediateSize, hidden),
            ("output", hidden, configuration.intermediateSize),
        ]
        return layers.flatMap { name, output, input in
            [
                Shape(
                    name: "\(name), forward", rows: tokens, columns: output, depth: input, transposeA: false,
                    transposeB: true, accumulation: .overwrite),
                Shape(
                    name: "\(name), input gradient", rows: tokens, columns: input, depth: output,
                    transposeA: false, transposeB: false, accumulation: .overwrite),
                Shape(
                    name: "\(name), weight gradient", rows: output, columns: input, depth: tokens,
                    transposeA: true, transposeB: false, accumulation: .add),
            ]
        }
    }

    /// One row a shape, and last all of a block together, whose rate (GFLOP/s) is the limit of a step.
    ///
    /// - baseline: rows of the same shapes to compare with; label: what follows the name.
    package func run(baseline: [BenchmarkRow] = [], label: String = "") -> [BenchmarkRow] {
        rows(label).enumerated().map { index, row in
            guard index < baseline.count else { return row }
            return BenchmarkRow(
                name: row.name, measurement: row.measurement, rate: row.rate, unit: row.unit,
                limit: baseline[index].rate)
        }
    }

    private func rows(_ label: String) -> [BenchmarkRow] {
        var rows: [BenchmarkRow] = []
        var seconds: [Double] = []
        for shape in shapes {
            let measurement = measure(shape)
            seconds.append(measurement.median)
            rows.append(
                BenchmarkRow(
                    name: "\(shape.name) \(shape.rows)×\(shape.columns)×\(shape.depth)\(label)",
                    measurement: measurement, rate: shape.operations / measurement.median / 1e9,
                    unit: "GFLOP/s", limit: nil))
        }
        let total = seconds.reduce(0, +)
        let operations = shapes.reduce(0) { $0 + $1.operations }
        rows.append(
            BenchmarkRow(
                name: "a block's dense products\(label)", measurement: Measurement([total]),
                rate: operations / total / 1e9, unit: "GFLOP/s", limit: nil))
        return rows
    }

    private func measure(_ shape: Shape) -> Measurement {
        let a = RandomNumbers(shape.rows * shape.depth, precision)
        let b = RandomNumbers(shape.columns * shape.depth, precision)
        let c = FloatBuffer(count: shape.rows * shape.columns)
        return Measurement(runs: 5, atLeast: 0.1) {
            product(
                pool,
                shape.transposeA
                    ? Operand(a.numbers, rows: shape.depth, columns: shape.rows)
                    : Operand(a.numbers, rows: shape.rows, columns: shape.depth),
                transposeA: shape.transposeA,
                shape.transposeB
                    ? Operand(b.numbers, rows: shape.columns, columns: shape.depth)
                    : Operand(b.numbers, rows: shape.depth, columns: shape.columns),
                transposeB: shape.transposeB,
                into: Matrix(c.pointer, rows: shape.rows, columns: shape.columns), shape.accumulation)
        }
    }
}

/// Random numbers for products.
final class RandomNumbers {
    let numbers: NumberPointer
    private let memory: FloatBuffer

    init(_ count: Int, _ precision: Precision) {
        let singles = FloatBuffer(randomCount: count)
        switch precision {
        case .single:
            memory = singles
            numbers = NumberPointer(singles.pointer)
        case .brain:
            memory = FloatBuffer(count: Arena.padded(Arena.floats(count, .brain)))
            var arena = Arena(memory)
            numbers = arena.take(count, .brain)
            if let target = numbers.brainFloats {
                roundToBrainFloat(singles.pointer, into: target, count: count)
            }
        }
    }
}
