/// Sums `count` elements over `sources` into `target`, in an order that only their number decides: halves of the
/// list, down to pairs, so that four are (0 + 1) + (2 + 3). `target` may be one of them, and sources may be memory
/// of other processes; nobody else may write there meanwhile.
package func sumInPairs(
    _ sources: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>, count: Int
) {
    guard let first = sources.first else { return }
    guard sources.count > 1 else {
        if first != UnsafePointer(target) { target.update(from: first, count: count) }
        return
    }
    // Pieces that stay in the first cache while they are added.
    let piece = 2048
    var depth = 1
    while 1 << depth < sources.count { depth += 1 }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: (depth + 1) * piece) { scratch in
        guard let scratch = scratch.baseAddress else { return }
        for start in stride(from: 0, to: count, by: piece) {
            let length = min(piece, count - start)
            sumInPairs(sources[...], at: start, length, into: scratch, piece)
            (target + start).update(from: scratch, count: length)
        }
    }
}

/// The same for every element of `ranges`, which must not overlap, by all threads.
package func sumInPairs(
    _ pool: WorkerPool, _ sources: [UnsafePointer<Float>], into target: UnsafeMutablePointer<Float>,
    over ranges: [Range<Int>]
) {
    let pieces = pieces(of: ranges)
    pool.run(pieces.count) { index, _ in
        let start = pieces[index].lowerBound
        sumInPairs(sources.map { $0 + start }, into: target + start, count: pieces[index].count)
    }
}

/// target[i] += source[i] for every element of `ranges`, which must not overlap.
package func addFloats(
    _ pool: WorkerPool, _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>,
    over ranges: [Range<Int>]
) {
    let pieces = pieces(of: ranges)
    pool.run(pieces.count) { index, _ in
        for element in pieces[index] { target[element] += source[element] }
    }
}

/// Pieces that are worth a thread's while.
private func pieces(of ranges: [Range<Int>]) -> [Range<Int>] {
    let piece = 1 << 14
    return ranges.flatMap { range in
        stride(from: range.lowerBound, to: range.upperBound, by: piece).map {
            $0..<min($0 + piece, range.upperBound)
        }
    }
}

/// - scratch: takes the sum in its first `stride` elements; those after are for the sums of halves.
private func sumInPairs(
    _ sources: ArraySlice<UnsafePointer<Float>>, at start: Int, _ count: Int,
    into scratch: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let first = sources[sources.startIndex] + start
    guard sources.count > 2 else {
        let second = sources[sources.endIndex - 1] + start
        for index in 0..<count { scratch[index] = first[index] + second[index] }
        return
    }
    var half = 1
    while half * 2 < sources.count { half *= 2 }
    sumInPairs(sources.prefix(half), at: start, count, into: scratch, stride)
    let rest = sources.dropFirst(half)
    var other = rest[rest.startIndex] + start
    if rest.count > 1 {
        sumInPairs(rest, at: start, count, into: scratch + stride, stride)
        other = UnsafePointer(scratch + stride)
    }
    for index in 0..<count { scratch[index] += other[index] }
}
