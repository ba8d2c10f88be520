/// A row's length, and that of the whole vectors it is computed in.
struct PaddedWidth {
    let count: Int
    let padded: Int

    init(_ count: Int) {
        self.count = count
        padded = RegisterTile.paddedColumns(count)
    }
}

/// A block of a sequence's queries: scores, and what is summed up with them, which never leave the cache.
struct QueryBlocks {
    /// Keys, and so scores of a query.
    let width: PaddedWidth
    /// `[block, width]` each.
    let scores: UnsafeMutablePointer<Float>
    let gradients: UnsafeMutablePointer<Float>
    /// `[block]`: for each query of the block, a number to multiply its result by.
    let factors: UnsafeMutablePointer<Float>
    /// `[block, columns]`.
    let result: UnsafeMutablePointer<Float>
    /// Of scores: not a power of two, for whose multiples the first cache has few places.
    let stride: Int
    /// Of the result.
    let columns: Int

    /// Queries whose scores are computed at a time: even, and a multiple of a tile's rows of any kind.
    static let rows = 24

    static func stride(length: Int) -> Int { RegisterTile.paddedColumns(length) + 2 * Lanes.scalarCount }

    /// Floats that `init` lays out.
    static func floats(length: Int, columns: Int) -> Int {
        2 * rows * stride(length: length) + rows * columns + Arena.padded(rows)
    }

    init(_ memory: UnsafeMutablePointer<Float>, length: Int, columns: Int) {
        width = PaddedWidth(length)
        stride = Self.stride(length: length)
        self.columns = columns
        scores = memory
        gradients = scores + Self.rows * stride
        result = gradients + Self.rows * stride
        factors = result + Self.rows * columns
    }

    /// Blocks of queries.
    var all: some Sequence<Range<Int>> {
        Swift.stride(from: 0, to: width.count, by: Self.rows).lazy.map {
            [end = width.count] in $0..<min($0 + Self.rows, end)
        }
    }

    func score(_ row: Int, of block: Range<Int>) -> UnsafeMutablePointer<Float> {
        scores + (row - block.lowerBound) * stride
    }

    func gradient(_ row: Int, of block: Range<Int>) -> UnsafeMutablePointer<Float> {
        gradients + (row - block.lowerBound) * stride
    }

    func result(_ row: Int, of block: Range<Int>) -> UnsafeMutablePointer<Float> {
        result + (row - block.lowerBound) * columns
    }
}
