/// Replaces elements `range` of every buffer by their sum over the buffers, added in order, so that all hold
/// the same bits. Buffers may belong to several processes; nobody else may touch the range meanwhile.
package func sumAcross(
    _ buffers: [UnsafeMutablePointer<Float>], _ range: Range<Int>
) {
    guard let first = buffers.first else { return }
    // Pieces that stay in the first cache between adding and copying.
    let piece = 4096
    for start in stride(from: range.lowerBound, to: range.upperBound, by: piece) {
        let count = min(piece, range.upperBound - start)
        let total = first + start
        for other in buffers.dropFirst() { add(other + start, to: total, count) }
        for other in buffers.dropFirst() { (other + start).update(from: total, count: count) }
    }
}

private func add(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ count: Int) {
    for index in 0..<count { target[index] += source[index] }
}
