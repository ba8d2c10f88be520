import COpenBLAS

/// A row-major matrix of doubles in memory owned elsewhere; rows stand `stride` numbers apart.
package struct DoubleMatrix {
    package let pointer: UnsafeMutablePointer<Double>
    package let rows: Int
    package let columns: Int
    package let stride: Int

    package init(_ pointer: UnsafeMutablePointer<Double>, rows: Int, columns: Int, stride: Int? = nil) {
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride ?? columns
    }
}

/// C = scale · A · B in double precision, on the calling thread: for what kernels are checked against.
/// `transposeB` reads the stored B as its transpose. A is m × k, B is k × n, C is m × n, none of them empty.
package func product(
    _ a: DoubleMatrix, _ b: DoubleMatrix, transposeB: Bool = false, scale: Double = 1, into c: DoubleMatrix
) {
    precondition(c.rows > 0 && c.columns > 0 && a.columns > 0)
    cblas_dgemm(
        CblasRowMajor, CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, Int32(c.rows), Int32(c.columns),
        Int32(a.columns), scale, a.pointer, Int32(a.stride), b.pointer, Int32(b.stride), 0, c.pointer,
        Int32(c.stride))
}
