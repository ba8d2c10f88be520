import Kernels
import Testing

@Suite struct MatrixProductTests {
    struct Shape {
        let rows: Int
        let columns: Int
        let depth: Int

        init(_ rows: Int, _ columns: Int, _ depth: Int) {
            self.rows = rows
            self.columns = columns
            self.depth = depth
        }
    }

    /// Which operands are stored transposed, and whether the product is added.
    static let ways = [false, true].flatMap { a in
        [false, true].flatMap { b in [Accumulation.overwrite, .add].map { (a, b, $0) } }
    }

    @Test(
        "a product is that of Double on any number of threads, with the same bits each time",
        arguments: ways,
        [
            Shape(1, 1, 1), Shape(5, 17, 3), Shape(65, 7, 48), Shape(17, 33, 130), Shape(530, 5, 17),
            Shape(700, 96, 130),
            Shape(0, 3, 4), Shape(3, 0, 4), Shape(3, 4, 0), Shape(0, 0, 0),
        ])
    func agreesWithDouble(
        _ way: (transposeA: Bool, transposeB: Bool, accumulation: Accumulation), shape: Shape
    ) {
        let trial = ProductTrial(way.transposeA, way.transposeB, way.accumulation, shape)
        let expected = trial.expected()
        let result = trial.run(makePool())
        // Relative to the operands' norms rounding grows as √depth; sums here are short.
        #expect(largestDifference(result.doubles, expected) <= 1e-6 * Double(shape.depth + 1))
        for threads in [2, 3, 8] {
            let shared = trial.run(makePool(threads))
            #expect(
                largestDifference(shared.doubles, expected) <= 1e-6 * Double(shape.depth + 1),
                "\(threads) threads")
            #expect(trial.run(makePool(threads)).bits == shared.bits, "\(threads) threads")
        }
        #expect(trial.run(nil).bits == result.bits)
    }

    @Test(
        "products by oneDNN, and of bfloat16, are those of Double of the same operands", arguments: ways,
        [
            Shape(1, 1, 1), Shape(5, 17, 3), Shape(65, 7, 48), Shape(17, 33, 130), Shape(530, 96, 130),
            Shape(3, 4, 0),
        ])
    func otherLibraries(
        _ way: (transposeA: Bool, transposeB: Bool, accumulation: Accumulation), shape: Shape
    ) {
        for precision in Precision.allCases {
            let trial = ProductTrial(
                way.transposeA, way.transposeB, way.accumulation, shape, precision: precision)
            let expected = trial.expected()
            for threads in [1, 3] {
                _ = makePool()
                let pool = WorkerPool(threadCount: threads, library: .oneDNN)
                let result = trial.run(pool)
                #expect(
                    largestDifference(result.doubles, expected) <= 1e-6 * Double(shape.depth + 1),
                    "\(precision), \(threads) threads")
                #expect(trial.run(pool).bits == result.bits, "\(precision), \(threads) threads")
            }
        }
    }

    @Test("what stood in an overwritten target does not matter, even NaN")
    func overwrites() {
        for depth in [0, 1, 9] {
            let trial = ProductTrial(false, true, .overwrite, Shape(3, 5, depth), before: .nan)
            #expect(trial.run(nil).allSatisfy { $0.isFinite })
        }
    }

    @Test("rows of a matrix stand a stride apart")
    func rows() {
        let memory = Memory<Float>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        let matrix = Matrix(memory.pointer, rows: 3, columns: 2, stride: 4)
        #expect((0..<3).map { matrix.row($0)[1] } == [1, 5, 9])
        #expect(Matrix(memory.pointer, rows: 5, columns: 2).stride == 2)
        keep(memory)
    }

    @Test("OpenBLAS says what it is")
    func blasDescription() {
        #expect(!blasCoreName().isEmpty)
        #expect(blasConfiguration().contains("OpenBLAS") && blasConfiguration().last != " ")
    }
}

/// One product of random matrices that stand in wider rows.
private struct ProductTrial {
    private let shape: MatrixProductTests.Shape
    private let transposeA: Bool
    private let transposeB: Bool
    private let accumulation: Accumulation
    private let a: [Float]
    private let b: [Float]
    private let c: [Float]
    private let strides: (a: Int, b: Int, c: Int)
    private let precision: Precision

    init(
        _ transposeA: Bool, _ transposeB: Bool, _ accumulation: Accumulation,
        _ shape: MatrixProductTests.Shape, before: Float? = nil, precision: Precision = .single
    ) {
        self.precision = precision
        self.shape = shape
        self.transposeA = transposeA
        self.transposeB = transposeB
        self.accumulation = accumulation
        let (aRows, aColumns) = transposeA ? (shape.depth, shape.rows) : (shape.rows, shape.depth)
        let (bRows, bColumns) = transposeB ? (shape.columns, shape.depth) : (shape.depth, shape.columns)
        strides = (aColumns + 3, bColumns + 1, shape.columns + 2)
        var random = TestRandom(UInt64(shape.rows + 7 * shape.columns + 31 * shape.depth))
        let (a, b) = (random.normals(aRows * strides.a), random.normals(bRows * strides.b))
        self.a = precision == .single ? a : a.map(rounded)
        self.b = precision == .single ? b : b.map(rounded)
        let target = random.normals(shape.rows * strides.c)
        c = before.map { [Float](repeating: $0, count: target.count) } ?? target
    }

    /// The product alone; between its rows nothing may change.
    func run(_ pool: WorkerPool?) -> [Float] {
        let (left, right, target) = (Memory(a), Memory(b), Memory(c))
        let first = Matrix(
            left.pointer, rows: transposeA ? shape.depth : shape.rows,
            columns: transposeA ? shape.rows : shape.depth, stride: strides.a)
        let second = Matrix(
            reading: right.pointer, rows: transposeB ? shape.columns : shape.depth,
            columns: transposeB ? shape.depth : shape.columns, stride: strides.b)
        let result = Matrix(target.pointer, rows: shape.rows, columns: shape.columns, stride: strides.c)
        if let pool, precision == .brain {
            let operands = (Memory<UInt16>(rounding: a), Memory<UInt16>(rounding: b))
            product(
                pool,
                Operand(
                    operands.0.numbers, rows: first.rows, columns: first.columns, stride: first.stride),
                transposeA: transposeA,
                Operand(
                    operands.1.numbers, rows: second.rows, columns: second.columns, stride: second.stride),
                transposeB: transposeB, into: result, accumulation)
            keep(operands.0, operands.1)
        } else if let pool {
            product(
                pool, first, transposeA: transposeA, second, transposeB: transposeB, into: result,
                accumulation)
        } else {
            _ = makePool()
            product(
                first, transposeA: transposeA, second, transposeB: transposeB, into: result, accumulation)
        }
        #expect(left.values().bits == a.bits && right.values().bits == b.bits)
        let values = target.values()
        var product: [Float] = []
        for (index, value) in values.enumerated() {
            if index % strides.c < shape.columns {
                product.append(value)
            } else {
                #expect(value.bitPattern == c[index].bitPattern)
            }
        }
        return product
    }

    func expected() -> [Double] {
        (0..<shape.rows).flatMap { row in
            (0..<shape.columns).map { column in
                var total = accumulation == .add ? Double(c[row * strides.c + column]) : 0
                for index in 0..<shape.depth {
                    let left = transposeA ? a[index * strides.a + row] : a[row * strides.a + index]
                    let right = transposeB ? b[column * strides.b + index] : b[index * strides.b + column]
                    total += Double(left) * Double(right)
                }
                return total
            }
        }
    }
}
