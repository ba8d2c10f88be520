/// Calls `body` with the transposed of `matrix`, `rows` × `columns` elements of 1, 2, 4 or 8 bytes in row-major order.
func withTransposed<Result>(
    _ matrix: UnsafeRawBufferPointer, rows: Int, columns: Int, elementSize: Int,
    _ body: (UnsafeRawBufferPointer) throws -> Result
) rethrows -> Result {
    precondition(matrix.count == rows * columns * elementSize)
    let transposed = UnsafeMutableRawBufferPointer.allocate(byteCount: matrix.count, alignment: 64)
    defer { transposed.deallocate() }
    switch elementSize {
    case 1: transpose(matrix, UInt8.self, rows, columns, into: transposed)
    case 2: transpose(matrix, UInt16.self, rows, columns, into: transposed)
    case 4: transpose(matrix, UInt32.self, rows, columns, into: transposed)
    case 8: transpose(matrix, UInt64.self, rows, columns, into: transposed)
    default: preconditionFailure("no elements of \(elementSize) bytes")
    }
    return try body(UnsafeRawBufferPointer(transposed))
}

/// In squares, so that both sides stay in the cache.
private func transpose<Element: BitwiseCopyable>(
    _ matrix: UnsafeRawBufferPointer, _ type: Element.Type, _ rows: Int, _ columns: Int,
    into transposed: UnsafeMutableRawBufferPointer
) {
    let (side, size) = (32, MemoryLayout<Element>.size)
    for top in stride(from: 0, to: rows, by: side) {
        for left in stride(from: 0, to: columns, by: side) {
            for row in top..<min(top + side, rows) {
                for column in left..<min(left + side, columns) {
                    let element = matrix.loadUnaligned(
                        fromByteOffset: (row * columns + column) * size, as: type)
                    transposed.storeBytes(of: element, toByteOffset: (column * rows + row) * size, as: type)
                }
            }
        }
    }
}
