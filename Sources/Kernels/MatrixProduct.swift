import COpenBLAS

/// A row-major matrix in memory owned elsewhere; rows stand `stride` floats apart.
package struct Matrix {
    package let pointer: UnsafeMutablePointer<Float>
    package let rows: Int
    package let columns: Int
    package let stride: Int

    @inline(__always)
    package init(_ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride ?? columns
    }

    @inline(__always)
    package init(reading pointer: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
        self.init(UnsafeMutablePointer(mutating: pointer), rows: rows, columns: columns, stride: stride)
    }

    package func row(_ index: Int) -> UnsafeMutablePointer<Float> { pointer + index * stride }
}

/// What a product does with what its target holds.
package enum Accumulation {
    case overwrite
    case add
}

/// The core whose kernels OpenBLAS picked, as `SkylakeX`.
package func blasCoreName() -> String { String(cString: openblas_get_corename()) }

/// The version and build of OpenBLAS.
package func blasConfiguration() -> String {
    String(cString: openblas_get_config()).trimmingTrailingSpaces()
}

extension String {
    fileprivate func trimmingTrailingSpaces() -> String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// Must be called once before any product: threads are ours, and OpenBLAS works inside one.
package func useSingleThreadedBLAS() { openblas_set_num_threads(1) }

/// What a product multiplies: a row-major matrix of either precision; rows stand `stride` numbers apart.
package struct Operand {
    package let numbers: NumberPointer
    package let rows: Int
    package let columns: Int
    package let stride: Int

    @inline(__always)
    package init(_ numbers: NumberPointer, rows: Int, columns: Int, stride: Int? = nil) {
        self.numbers = numbers
        self.rows = rows
        self.columns = columns
        self.stride = stride ?? columns
    }

    @inline(__always)
    package init(_ matrix: Matrix) {
        self.init(
            NumberPointer(matrix.pointer), rows: matrix.rows, columns: matrix.columns, stride: matrix.stride)
    }

    @inline(__always)
    fileprivate func factor<Number: StoredNumber>(_ isTransposed: Bool) -> Factor<Number> {
        Factor(pointer: numbers.numbers(), stride: stride, isTransposed: isTransposed)
    }

    /// Those rows, or, of a matrix that is read as its transpose, columns.
    fileprivate func part(_ range: Range<Int>, isTransposed: Bool) -> Operand {
        isTransposed
            ? Operand(numbers + range.lowerBound, rows: rows, columns: range.count, stride: stride)
            : Operand(
                numbers + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }
}

/// A factor as libraries take it.
struct Factor<Number> {
    let pointer: UnsafeMutablePointer<Number>
    let stride: Int
    let isTransposed: Bool
}

/// C's rows and columns, how many products each of its elements is the sum of, and what C's own value counts.
struct ProductShape {
    let rows: Int
    let columns: Int
    let depth: Int
    let addend: Float
}

/// C = A · B, or C += A · B, on the calling thread. `transposeA` and `transposeB` read the stored matrix as its
/// transpose. Shapes after transposition: A is m × k, B is k × n, C is m × n. C must not overlap A or B, which are of
/// one precision; products of bfloat16 add up in single precision.
///
/// - library: computes products of singles, where it can.
package func product(
    _ a: Operand, transposeA: Bool = false, _ b: Operand, transposeB: Bool = false, into c: Matrix,
    _ accumulation: Accumulation = .overwrite, library: ProductLibrary = .openBLAS
) {
    let depth = transposeA ? a.rows : a.columns
    guard c.rows > 0, c.columns > 0 else { return }
    guard depth > 0 else {
        // Libraries leave C alone when there is nothing to sum; an empty sum is zero.
        if accumulation == .overwrite {
            for row in 0..<c.rows { c.row(row).update(repeating: 0, count: c.columns) }
        }
        return
    }
    let shape = ProductShape(
        rows: c.rows, columns: c.columns, depth: depth, addend: accumulation == .add ? 1 : 0)
    switch (a.numbers.precision, library) {
    case (.single, .openBLAS):
        openBLASProduct(shape, a.factor(transposeA), b.factor(transposeB), into: c)
    case (.single, .oneDNN):
        if !OneDNN.product(shape, singles: a.factor(transposeA), b.factor(transposeB), into: c) {
            openBLASProduct(shape, a.factor(transposeA), b.factor(transposeB), into: c)
        }
    case (.brain, _):
        if !OneDNN.product(shape, brainFloats: a.factor(transposeA), b.factor(transposeB), into: c) {
            widenedProduct(shape, a, transposeA, b, transposeB, into: c)
        }
    }
}

/// The same of singles.
@inline(__always)
package func product(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false, into c: Matrix,
    _ accumulation: Accumulation = .overwrite
) {
    product(
        Operand(a), transposeA: transposeA, Operand(b), transposeB: transposeB, into: c, accumulation)
}

private func openBLASProduct(
    _ shape: ProductShape, _ a: Factor<Float>, _ b: Factor<Float>, into c: Matrix
) {
    cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
        Int32(shape.rows), Int32(shape.columns), Int32(shape.depth), 1, a.pointer, Int32(a.stride), b.pointer,
        Int32(b.stride), shape.addend, c.pointer, Int32(c.stride))
}

/// A product of bfloat16 where nothing multiplies them: of the singles that they are. Slower than one of singles.
private func widenedProduct(
    _ shape: ProductShape, _ a: Operand, _ transposeA: Bool, _ b: Operand, _ transposeB: Bool, into c: Matrix
) {
    withSingles(a) { a in
        withSingles(b) { b in
            openBLASProduct(
                shape, Operand(a).factor(transposeA), Operand(b).factor(transposeB), into: c)
        }
    }
}

private func withSingles(_ operand: Operand, _ body: (Matrix) -> Void) {
    let source = operand.numbers.numbers(BrainFloat.self)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: operand.rows * operand.columns) { singles in
        guard let target = singles.baseAddress else { return }
        for row in 0..<operand.rows {
            expandBrainFloat(
                source + row * operand.stride, into: target + row * operand.columns, count: operand.columns)
        }
        body(Matrix(target, rows: operand.rows, columns: operand.columns))
    }
}

/// The same on all threads of `pool`, block of rows by block of rows of C, by its library.
///
/// Some of OpenBLAS's kernels round differently where a row stands elsewhere in its block, so the last bits
/// depend on the pool's `productParts`, though never on which thread does what.
package func product(
    _ pool: WorkerPool, _ a: Operand, transposeA: Bool = false, _ b: Operand, transposeB: Bool = false,
    into c: Matrix, _ accumulation: Accumulation = .overwrite
) {
    let blocks = rowBlocks(c, depth: transposeA ? a.rows : a.columns, most: pool.productParts)
    pool.run(blocks) { block, _ in
        let rows = blockStart(block, blocks, c.rows)..<blockStart(block + 1, blocks, c.rows)
        let target = Matrix(
            c.row(rows.lowerBound), rows: rows.count, columns: c.columns, stride: c.stride)
        product(
            a.part(rows, isTransposed: transposeA), transposeA: transposeA, b, transposeB: transposeB,
            into: target, accumulation, library: pool.library)
    }
    #if DURE_TEST_FAULTS
        if transposeA, PlantedFault.strikes(.denseWeight) {
            c.row(c.rows - 1).update(repeating: 0, count: c.columns)
        }
    #endif
}

/// The same of singles.
package func product(
    _ pool: WorkerPool, _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false,
    into c: Matrix, _ accumulation: Accumulation = .overwrite
) {
    product(
        pool, Operand(a), transposeA: transposeA, Operand(b), transposeB: transposeB, into: c, accumulation)
}

/// Every block packs the other operand again, so there are no more than threads need, and none for little work.
private func rowBlocks(_ c: Matrix, depth: Int, most: Int) -> Int {
    max(1, min(most, c.rows / 16, (c.rows * c.columns * depth) >> 22))
}

/// Blocks begin at a multiple of sixteen rows, which is how many the kernels take at once.
private func blockStart(_ block: Int, _ blocks: Int, _ rows: Int) -> Int {
    block == blocks ? rows : rows * block / blocks & ~15
}
