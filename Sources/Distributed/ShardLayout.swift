/// How flat buffers are cut into buckets, which are exchanged one after the other, and every bucket into one
/// share a rank, which that rank owns: it adds up the share's gradient.
///
/// Cuts lie on a grid that depends on the count alone, so that sums over the grid's blocks are the same whoever
/// makes them.
package struct ShardLayout: Sendable, Equatable {
    package let count: Int
    package let ranks: Int
    /// From the end to the beginning, as backward finishes gradients.
    package let buckets: [Range<Int>]
    /// Elements of a block; the last may have fewer.
    package let block: Int

    /// - bucketSize: elements of a bucket, about; those that backward finishes last and forward needs first are
    ///   smaller, since nothing is left to hide them behind.
    /// - table: elements at the beginning of which a step uses few, and which have buckets of their own.
    package init(count: Int, ranks: Int, bucketSize: Int, table: Int = 0) {
        self.count = count
        self.ranks = ranks
        let block = Self.blockSize(count)
        self.block = block
        let blocks = (count + block - 1) / block
        let tableBlocks = min(table, count) / block
        let bucketBlocks = max(1, bucketSize / block)
        let starts =
            Self.starts(tableBlocks..<blocks, smallest: max(1, bucketBlocks / Self.grading), bucketBlocks)
            + Self.starts(0..<tableBlocks, smallest: bucketBlocks, bucketBlocks)
        var end = blocks
        buckets = starts.map { start in
            defer { end = start }
            return start * block..<min(end * block, count)
        }
    }

    /// How much smaller than the others the bucket is that forward needs first.
    private static let grading = 16

    /// First blocks of buckets, descending: from the beginning on, each twice as large as the one before it, up to
    /// `largest`.
    private static func starts(_ blocks: Range<Int>, smallest: Int, _ largest: Int) -> [Int] {
        var starts: [Int] = []
        var size = smallest
        var start = blocks.lowerBound
        while start < blocks.upperBound {
            starts.append(start)
            start += size
            size = min(2 * size, largest)
        }
        return starts.reversed()
    }

    /// Whole pages for large models, and enough blocks for small ones to be shared out.
    private static func blockSize(_ count: Int) -> Int {
        var size = 64
        while size * 4096 < count { size *= 2 }
        return size
    }

    package var blockCount: Int { (count + block - 1) / block }

    /// What `rank` owns of a bucket; may be empty.
    package func share(of bucket: Int, rank: Int) -> Range<Int> {
        let range = buckets[bucket]
        let blocks = (range.count + block - 1) / block
        func cut(_ rank: Int) -> Int {
            min(range.lowerBound + blocks * rank / ranks * block, range.upperBound)
        }
        return cut(rank)..<cut(rank + 1)
    }

    /// All that `rank` owns, ascending.
    package func owned(by rank: Int) -> [Range<Int>] {
        buckets.indices.reversed().map { share(of: $0, rank: rank) }.filter { !$0.isEmpty }
    }

    /// What `rank` owns and what it handles for owners in other groups, ascending: each element once in a group.
    package func handled(by rank: Int, in groups: RankGroups) -> [Range<Int>] {
        let owners = (0..<ranks).filter { groups.handler(of: $0, in: groups.group(of: rank)) == rank }
        return buckets.indices.reversed().flatMap { bucket in
            owners.map { share(of: bucket, rank: $0) }.filter { !$0.isEmpty }
        }
    }
}

extension [Range<Int>] {
    /// The parts of these ascending ranges that lie in `bounds`.
    package func clamped(to bounds: Range<Int>) -> [Range<Int>] {
        // The first range that reaches into the bounds, by halving: there may be thousands.
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound <= bounds.lowerBound { low = middle + 1 } else { high = middle }
        }
        var result: [Range<Int>] = []
        for range in self[low...] {
            if range.lowerBound >= bounds.upperBound { break }
            let part = range.clamped(to: bounds)
            if !part.isEmpty { result.append(part) }
        }
        return result
    }

    /// The elements that both of two ascending lists have.
    package func intersection(_ other: [Range<Int>]) -> [Range<Int>] {
        flatMap { other.clamped(to: $0) }
    }

    /// How many elements there are in all.
    package var elementCount: Int { reduce(0) { $0 + $1.count } }
}
