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

/// C = A · B, or C += A · B, on the calling thread. `transposeA` and `transposeB` read the stored matrix as its
/// transpose. Shapes after transposition: A is m × k, B is k × n, C is m × n. C must not overlap A or B.
@inline(__always)
package func product(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false, into c: Matrix,
    _ accumulation: Accumulation = .overwrite
) {
    let depth = transposeA ? a.rows : a.columns
    guard c.rows > 0, c.columns > 0 else { return }
    guard depth > 0 else {
        // BLAS leaves C alone when there is nothing to sum; an empty sum is zero.
        if accumulation == .overwrite {
            for row in 0..<c.rows { c.row(row).update(repeating: 0, count: c.columns) }
        }
        return
    }
    cblas_sgemm(
        CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
        Int32(c.rows), Int32(c.columns), Int32(depth), 1, a.pointer, Int32(a.stride), b.pointer,
        Int32(b.stride), accumulation == .add ? 1 : 0, c.pointer, Int32(c.stride))
}

/// The same on all threads of `pool`, block of rows by block of rows of C.
///
/// Some of OpenBLAS's kernels round differently where a row stands elsewhere in its block, so the last bits
/// depend on the pool's `productParts`, though never on which thread does what.
package func product(
    _ pool: WorkerPool, _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false,
    into c: Matrix, _ accumulation: Accumulation = .overwrite
) {
    let blocks = rowBlocks(c, depth: transposeA ? a.rows : a.columns, most: pool.productParts)
    pool.run(blocks) { block, _ in
        let rows = blockStart(block, blocks, c.rows)..<blockStart(block + 1, blocks, c.rows)
        let part =
            transposeA
            ? Matrix(a.pointer + rows.lowerBound, rows: a.rows, columns: rows.count, stride: a.stride)
            : Matrix(a.row(rows.lowerBound), rows: rows.count, columns: a.columns, stride: a.stride)
        let target = Matrix(
            c.row(rows.lowerBound), rows: rows.count, columns: c.columns, stride: c.stride)
        product(part, transposeA: transposeA, b, transposeB: transposeB, into: target, accumulation)
    }
    #if DURE_TEST_FAULTS
        if transposeA, PlantedFault.strikes(.denseWeight) {
            c.row(c.rows - 1).update(repeating: 0, count: c.columns)
        }
    #endif
}

/// Every block packs the other operand again, so there are no more than threads need, and none for little work.
private func rowBlocks(_ c: Matrix, depth: Int, most: Int) -> Int {
    max(1, min(most, c.rows / 16, (c.rows * c.columns * depth) >> 22))
}

/// Blocks begin at a multiple of sixteen rows, which is how many the kernels take at once.
private func blockStart(_ block: Int, _ blocks: Int, _ rows: Int) -> Int {
    block == blocks ? rows : rows * block / blocks & ~15
}
