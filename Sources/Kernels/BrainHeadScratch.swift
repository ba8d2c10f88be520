import Glibc

/// As `HeadScratch`, for products of bfloat16, whose operands are pairs of neighbours in the direction that is summed
/// over: along a row for what multiplies by rows, and of two rows for what multiplies by columns.
struct BrainHeadScratch {
    let queries: QueryBlocks
    /// `[length, pairs of headSize]` each, padded with zeros.
    let query: UnsafeMutablePointer<BrainPair>
    let upstream: UnsafeMutablePointer<BrainPair>
    private let row: UnsafeMutablePointer<BrainPair>
    /// Transposes, cut into panels as wide as a tile: `[pairs of headSize, tile]` one after the other.
    let keyPanels: UnsafeMutablePointer<BrainPair>
    let valuePanels: UnsafeMutablePointer<BrainPair>
    /// `[pairs of length, headSize]` each, padded with zeros.
    let queryPairs: UnsafeMutablePointer<BrainPair>
    let keyPairs: UnsafeMutablePointer<BrainPair>
    let valuePairs: UnsafeMutablePointer<BrainPair>
    let upstreamPairs: UnsafeMutablePointer<BrainPair>
    /// `[length, headSize]` each, padded.
    let keyGradient: UnsafeMutablePointer<Float>
    let valueGradient: UnsafeMutablePointer<Float>
    /// `[block, pairs of width]`: what `weighted` multiplies by.
    let weights: UnsafeMutablePointer<BrainPair>
    /// `[pairs of block, width]` each: what `addTransposed` multiplies by.
    let scorePairs: UnsafeMutablePointer<BrainPair>
    let gradientPairs: UnsafeMutablePointer<BrainPair>
    private let headSize: Int
    private let sizes: Sizes

    private struct Sizes {
        let rows: Int
        let columns: Int
        /// Words that pairs of a head's row take.
        let words: Int
        let panels: Int
        /// Scores of a block.
        let scores: Int

        init(length: Int, headSize: Int) {
            columns = RegisterTile.paddedColumns(headSize)
            words = RegisterTile.paddedColumns((headSize + 1) / 2)
            rows = RegisterTile.paddedColumns(length + RegisterTile.rows)
            let tiles = (length + RegisterTile.columns - 1) / RegisterTile.columns
            panels = tiles * RegisterTile.columns * words
            scores = QueryBlocks.rows * QueryBlocks.stride(length: length)
        }

        var operand: Int { rows * words }
        var pairs: Int { rows / 2 * columns }
        var total: Int { 3 * operand + 2 * panels + 4 * pairs + 2 * rows * columns + 3 * scores / 2 }
    }

    /// Floats that `init` lays out.
    static func floats(length: Int, headSize: Int) -> Int {
        let sizes = Sizes(length: length, headSize: headSize)
        return sizes.total + QueryBlocks.floats(length: length, columns: sizes.columns)
    }

    init(_ memory: UnsafeMutablePointer<Float>, length: Int, headSize: Int) {
        self.headSize = headSize
        sizes = Sizes(length: length, headSize: headSize)
        var next = UnsafeMutableRawPointer(memory)
        func take<Element>(_ count: Int) -> UnsafeMutablePointer<Element> {
            defer { next += count * MemoryLayout<Element>.stride }
            return next.bindMemory(to: Element.self, capacity: count)
        }
        query = take(sizes.operand)
        upstream = take(sizes.operand)
        row = take(sizes.operand)
        keyPanels = take(sizes.panels)
        valuePanels = take(sizes.panels)
        queryPairs = take(sizes.pairs)
        keyPairs = take(sizes.pairs)
        valuePairs = take(sizes.pairs)
        upstreamPairs = take(sizes.pairs)
        keyGradient = take(sizes.rows * sizes.columns)
        valueGradient = take(sizes.rows * sizes.columns)
        weights = take(sizes.scores / 2)
        scorePairs = take(sizes.scores / 2)
        gradientPairs = take(sizes.scores / 2)
        queries = QueryBlocks(
            next.assumingMemoryBound(to: Float.self), length: length, columns: sizes.columns)
    }

    private var width: PaddedWidth { queries.width }

    // MARK: In

    /// The rows as pairs along them.
    func pack(_ source: HeadRows<BrainFloat>, into target: UnsafeMutablePointer<BrainPair>) {
        pack(source, into: target) { $0.update(from: $1, count: headSize) }
    }

    /// The rows, rounded, as pairs along them.
    func pack(_ source: HeadRows<Float>, into target: UnsafeMutablePointer<BrainPair>) {
        pack(source, into: target) { roundToBrainFloat($1, into: $0, count: headSize) }
    }

    @inline(__always)
    private func pack<Number>(
        _ source: HeadRows<Number>, into target: UnsafeMutablePointer<BrainPair>,
        _ copy: (UnsafeMutablePointer<BrainFloat>, UnsafeMutablePointer<Number>) -> Void
    ) {
        let bytes = MemoryLayout<BrainPair>.stride
        for row in 0..<source.count {
            let words = target + row * sizes.words
            words.withMemoryRebound(to: BrainFloat.self, capacity: 2 * sizes.words) { numbers in
                copy(numbers, source.row(row))
                (numbers + headSize).update(repeating: BrainFloat(0), count: 2 * sizes.words - headSize)
            }
        }
        let used = source.count * sizes.words
        memset(target + used, 0, (sizes.operand - used) * bytes)
    }

    /// The panels of the transpose of what `pack` makes.
    func packPanels(_ source: HeadRows<BrainFloat>, into panels: UnsafeMutablePointer<BrainPair>) {
        pack(source, into: row)
        let tile = RegisterTile.columns
        // Words go where they belong whatever they are.
        row.withMemoryRebound(to: Float.self, capacity: sizes.operand) { from in
            panels.withMemoryRebound(to: Float.self, capacity: sizes.panels) { to in
                for start in stride(from: 0, to: width.padded, by: tile) {
                    transpose(
                        from + start * sizes.words, rows: min(tile, width.padded - start),
                        columns: sizes.words, stride: sizes.words, into: to + start * sizes.words,
                        targetStride: tile)
                }
            }
        }
    }

    /// Pairs of every second row and the next.
    func packPairs(_ source: HeadRows<BrainFloat>, into target: UnsafeMutablePointer<BrainPair>) {
        for pair in 0..<(source.count + 1) / 2 {
            let (row, words) = (2 * pair, target + pair * sizes.columns)
            let (low, high) = (source.row(row), source.row(min(row + 1, source.count - 1)))
            let keeps: UInt32 = row + 1 < source.count ? 0xFFFF : 0
            for column in 0..<headSize {
                words[column] = BrainPair(
                    word: UInt32(low[column].bits) | (UInt32(high[column].bits) & keeps) << 16)
            }
            for column in headSize..<sizes.columns { words[column] = BrainPair(word: 0) }
        }
        let used = (source.count + 1) / 2 * sizes.columns
        memset(target + used, 0, (sizes.pairs - used) * MemoryLayout<BrainPair>.stride)
    }

    /// The same of what `pack` made.
    func packPairs(of packed: UnsafeMutablePointer<BrainPair>, into target: UnsafeMutablePointer<BrainPair>) {
        packed.withMemoryRebound(to: BrainFloat.self, capacity: 2 * sizes.operand) { numbers in
            packPairs(
                HeadRows(pointer: numbers, count: width.count, stride: 2 * sizes.words), into: target)
        }
    }

    /// A row of `scores` or `gradients` as weights.
    @inline(__always)
    func setWeights(_ row: Int, of block: Range<Int>, _ values: UnsafePointer<Float>) {
        let target = weights + (row - block.lowerBound) * (queries.stride / 2)
        target.withMemoryRebound(to: BrainFloat.self, capacity: width.padded) {
            roundToBrainFloat(values, into: $0, count: width.padded)
        }
    }

    /// Pairs of a row of `source` and the next, which counts as zero where the block has none.
    @inline(__always)
    func setPairs(
        _ row: Int, of block: Range<Int>, _ source: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<BrainPair>
    ) {
        let place = row - block.lowerBound
        let words = UnsafeMutableRawPointer(target + place / 2 * queries.stride)
        let low = source + place * queries.stride
        let hasNext = row + 1 < block.upperBound
        for column in stride(from: 0, to: width.padded, by: Lanes.scalarCount) {
            let high = hasNext ? load(low, queries.stride + column) : Lanes(repeating: 0)
            words.storeBytes(
                of: BrainPair.vector(load(low, column), high), toByteOffset: column * 4,
                as: SIMD16<UInt32>.self)
        }
    }

    // MARK: Out

    /// Row `row` of the block's result, times `scale`.
    @inline(__always)
    func unpack(_ row: Int, of block: Range<Int>, scale: Float, into target: HeadRows<BrainFloat>) {
        let (from, to) = (queries.result(row, of: block), target.row(row))
        for column in 0..<headSize { to[column] = BrainFloat(from[column] * scale) }
    }

    func unpack(_ source: UnsafePointer<Float>, scale: Float = 1, into target: HeadRows<BrainFloat>) {
        for row in 0..<target.count {
            let (from, to) = (source + row * sizes.columns, target.row(row))
            for column in 0..<headSize { to[column] = BrainFloat(from[column] * scale) }
        }
    }

    // MARK: Products

    /// target = the block's rows of `operand` · (what is in `panels`)ᵀ: `[block, width]`.
    func products(
        of operand: UnsafePointer<BrainPair>, _ block: Range<Int>, with panels: UnsafePointer<BrainPair>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let rows = TiledRows(
            pointer: operand + block.lowerBound * sizes.words, rowStep: sizes.words, depthStep: 1)
        let columns = TiledColumns(
            pointer: panels, tileStep: RegisterTile.columns * sizes.words, depthStep: RegisterTile.columns)
        tiledProduct(
            rows: block.count, columns: width.padded, depth: (headSize + 1) / 2, rows, columns, into: target,
            stride: queries.stride)
    }

    /// The block's result = `weights` · the operand of `pairs`: `[block, headSize]`.
    func weighted(_ block: Range<Int>, _ pairs: UnsafePointer<BrainPair>) {
        tiledProduct(
            rows: block.count, columns: sizes.columns, depth: (width.count + 1) / 2,
            TiledRows(pointer: weights, rowStep: queries.stride / 2, depthStep: 1),
            .rowMajor(pairs, stride: sizes.columns), into: queries.result, stride: sizes.columns)
    }

    /// target = or, but for the first block, += weightsᵀ · the block's rows of the operand of `pairs`:
    /// `[length, headSize]`.
    func addTransposed(
        _ block: Range<Int>, _ weights: UnsafePointer<BrainPair>, _ pairs: UnsafePointer<BrainPair>,
        to target: UnsafeMutablePointer<Float>
    ) {
        tiledProduct(
            rows: width.count, columns: sizes.columns, depth: (block.count + 1) / 2,
            TiledRows(pointer: weights, rowStep: 1, depthStep: queries.stride),
            .rowMajor(pairs + block.lowerBound / 2 * sizes.columns, stride: sizes.columns), into: target,
            stride: sizes.columns, block.lowerBound == 0 ? .overwrite : .add)
    }
}
