/// What one thread needs to compute attention of one head over one sequence: copies of the head's operands, close
/// together and padded with zeros to whole tiles, and a block of queries' scores, which never leave the cache.
struct HeadScratch {
    let queries: QueryBlocks
    /// `[length, headSize]` each, padded.
    let query: UnsafeMutablePointer<Float>
    let key: UnsafeMutablePointer<Float>
    let value: UnsafeMutablePointer<Float>
    let upstream: UnsafeMutablePointer<Float>
    let keyGradient: UnsafeMutablePointer<Float>
    let valueGradient: UnsafeMutablePointer<Float>
    /// Transposes, cut into panels as wide as a tile: `[headSize, tile]` one after the other.
    let keyPanels: UnsafeMutablePointer<Float>
    let valuePanels: UnsafeMutablePointer<Float>
    private let headSize: Int
    private let sizes: Sizes

    private struct Sizes {
        let rows: Int
        let columns: Int
        let operand: Int
        let panels: Int

        init(length: Int, headSize: Int) {
            columns = RegisterTile.paddedColumns(headSize)
            rows = RegisterTile.paddedColumns(length + RegisterTile.rows)
            operand = rows * columns
            let tiles = (length + RegisterTile.columns - 1) / RegisterTile.columns
            panels = tiles * RegisterTile.columns * columns
        }
    }

    /// Floats that `init` lays out.
    static func floats(length: Int, headSize: Int) -> Int {
        let sizes = Sizes(length: length, headSize: headSize)
        return 6 * sizes.operand + 2 * sizes.panels
            + QueryBlocks.floats(length: length, columns: sizes.columns)
    }

    init(_ memory: UnsafeMutablePointer<Float>, length: Int, headSize: Int) {
        self.headSize = headSize
        sizes = Sizes(length: length, headSize: headSize)
        var next = memory
        func take(_ count: Int) -> UnsafeMutablePointer<Float> {
            defer { next += count }
            return next
        }
        query = take(sizes.operand)
        key = take(sizes.operand)
        value = take(sizes.operand)
        upstream = take(sizes.operand)
        keyGradient = take(sizes.operand)
        valueGradient = take(sizes.operand)
        keyPanels = take(sizes.panels)
        valuePanels = take(sizes.panels)
        queries = QueryBlocks(next, length: length, columns: sizes.columns)
    }

    private var width: PaddedWidth { queries.width }

    // MARK: In and out

    /// target = scale · source, and zeros up to whole tiles.
    func pack(_ source: HeadRows<Float>, scale: Float = 1, into target: UnsafeMutablePointer<Float>) {
        for row in 0..<source.count {
            let (from, to) = (source.row(row), target + row * sizes.columns)
            for column in 0..<headSize { to[column] = from[column] * scale }
            for column in headSize..<sizes.columns { to[column] = 0 }
        }
        let used = source.count * sizes.columns
        (target + used).update(repeating: 0, count: sizes.operand - used)
    }

    /// The panels of a packed operand's transpose.
    func transpose(_ operand: UnsafePointer<Float>, into panels: UnsafeMutablePointer<Float>) {
        let tile = RegisterTile.columns
        for row in stride(from: 0, to: width.padded, by: tile) {
            Kernels.transpose(
                operand + row * sizes.columns, rows: min(tile, width.padded - row), columns: sizes.columns,
                stride: sizes.columns, into: panels + row * sizes.columns, targetStride: tile)
        }
    }

    /// Row `row` of the block's result, times `scale`.
    func unpack(_ row: Int, of block: Range<Int>, scale: Float, into target: HeadRows<Float>) {
        let (from, to) = (queries.result(row, of: block), target.row(row))
        for column in 0..<headSize { to[column] = from[column] * scale }
    }

    func unpack(_ source: UnsafePointer<Float>, into target: HeadRows<Float>) {
        for row in 0..<target.count {
            target.row(row).update(from: source + row * sizes.columns, count: headSize)
        }
    }

    // MARK: Products

    /// target = the block's rows of `operand` · (the operand of `panels`)ᵀ: `[block, width]`.
    func products(
        of operand: UnsafePointer<Float>, _ block: Range<Int>, with panels: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let rows = TiledRows(
            pointer: operand + block.lowerBound * sizes.columns, rowStep: sizes.columns, depthStep: 1)
        let columns = TiledColumns(
            pointer: panels, tileStep: RegisterTile.columns * sizes.columns, depthStep: RegisterTile.columns)
        tiledProduct(
            rows: block.count, columns: width.padded, depth: headSize, rows, columns, into: target,
            stride: queries.stride)
    }

    /// The block's result = weights · operand: `[block, headSize]`.
    func weighted(_ block: Range<Int>, _ weights: UnsafePointer<Float>, _ operand: UnsafePointer<Float>) {
        tiledProduct(
            rows: block.count, columns: sizes.columns, depth: width.count,
            TiledRows(pointer: weights, rowStep: queries.stride, depthStep: 1),
            .rowMajor(operand, stride: sizes.columns), into: queries.result, stride: sizes.columns)
    }

    /// target = or, but for the first block, += weightsᵀ · the block's rows of `operand`: `[length, headSize]`.
    func addTransposed(
        _ block: Range<Int>, _ weights: UnsafePointer<Float>, _ operand: UnsafePointer<Float>,
        to target: UnsafeMutablePointer<Float>
    ) {
        tiledProduct(
            rows: width.count, columns: sizes.columns, depth: block.count,
            TiledRows(pointer: weights, rowStep: 1, depthStep: queries.stride),
            .rowMajor(operand + block.lowerBound * sizes.columns, stride: sizes.columns), into: target,
            stride: sizes.columns, block.lowerBound == 0 ? .overwrite : .add)
    }
}
