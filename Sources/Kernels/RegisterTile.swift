import CProcessor

/// Sixteen floats: a register with AVX-512, two with AVX2, four with NEON.
typealias Lanes = SIMD16<Float>

/// The part of a product's result that is summed up in registers, as large as they allow: with fewer sums the
/// multipliers wait for each other, with more the sums go through memory.
enum RegisterTile {
    @inline(__always) static var rows: Int { isWide ? 8 : 6 }
    @inline(__always) static var columns: Int { isWide ? 2 * Lanes.scalarCount : Lanes.scalarCount }
    @inline(__always) fileprivate static var isWide: Bool { DURE_HAS_WIDE_REGISTERS != 0 }

    /// Rows that whole tiles take.
    static func paddedRows(_ rows: Int) -> Int { (rows + Self.rows - 1) / Self.rows * Self.rows }

    /// Columns that whole vectors take.
    static func paddedColumns(_ columns: Int) -> Int {
        (columns + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    }
}

/// What a tiled product multiplies: singles, or pairs of bfloat16, whose two products are summed at once.
protocol TileFactor: BitwiseCopyable {
    associatedtype Vector: BitwiseCopyable
    /// Sixteen times this.
    var vector: Vector { get }
    static func add(_ a: Vector, times b: Vector, to sums: Lanes) -> Lanes
}

extension Float: TileFactor {
    @inline(__always) var vector: Lanes { Lanes(repeating: self) }

    @inline(__always)
    static func add(_ a: Lanes, times b: Lanes, to sums: Lanes) -> Lanes { sums.addingProduct(a, b) }
}

/// The left operand of a tiled product: element (row, k) stands at `pointer[row · rowStep + k · depthStep]`.
struct TiledRows<Factor: TileFactor> {
    let pointer: UnsafePointer<Factor>
    let rowStep: Int
    let depthStep: Int
}

/// The right operand: row k of the tile's columns begins at `pointer[tile · tileStep + k · depthStep]`.
struct TiledColumns<Factor: TileFactor> {
    let pointer: UnsafePointer<Factor>
    let tileStep: Int
    let depthStep: Int

    /// A row-major matrix whose rows stand `stride` factors apart.
    static func rowMajor(_ pointer: UnsafePointer<Factor>, stride: Int) -> TiledColumns {
        TiledColumns(pointer: pointer, tileStep: RegisterTile.columns, depthStep: stride)
    }
}

/// C = A · B, or C += A · B, for matrices small enough to stay in the second cache, where the blocking and
/// packing of a BLAS costs more than it gains.
///
/// - rows: of A and C; both must have room for `RegisterTile.paddedRows`, and the rows beyond are overwritten.
/// - columns: of B and C, a multiple of `Lanes.scalarCount`.
@inline(__always)
func tiledProduct<Factor: TileFactor>(
    rows: Int, columns: Int, depth: Int, _ a: TiledRows<Factor>, _ b: TiledColumns<Factor>,
    into c: UnsafeMutablePointer<Float>, stride: Int, _ accumulation: Accumulation = .overwrite
) {
    var column = 0
    var panel = b.pointer
    while column < columns {
        let isWhole = columns - column >= RegisterTile.columns
        var row = 0
        while row < rows {
            let left = a.pointer + row * a.rowStep
            let target = c + row * stride + column
            if !RegisterTile.isWide {
                Tile<6, 1>.product(depth, left, a, panel, b.depthStep, target, stride, accumulation)
            } else if isWhole {
                Tile<8, 2>.product(depth, left, a, panel, b.depthStep, target, stride, accumulation)
            } else {
                Tile<8, 1>.product(depth, left, a, panel, b.depthStep, target, stride, accumulation)
            }
            row += RegisterTile.rows
        }
        column += RegisterTile.columns
        panel += b.tileStep
    }
}

/// `rows` × `vectors` registers of sums.
private enum Tile<let rows: Int, let vectors: Int> {
    @inline(__always)
    static func product<Factor: TileFactor>(
        _ depth: Int, _ left: UnsafePointer<Factor>, _ steps: TiledRows<Factor>,
        _ right: UnsafePointer<Factor>,
        _ rightStep: Int, _ target: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulation: Accumulation
    ) {
        var sums = InlineArray<rows, InlineArray<vectors, Lanes>>(
            repeating: InlineArray<vectors, Lanes>(repeating: Lanes(repeating: 0)))
        if accumulation == .add {
            for row in 0..<rows {
                for vector in 0..<vectors { sums[row][vector] = load(target, row * stride + 16 * vector) }
            }
        }
        for k in 0..<depth {
            var loaded = InlineArray<vectors, Factor.Vector>(repeating: vector(right, k * rightStep))
            for index in 1..<vectors { loaded[index] = vector(right, k * rightStep + 16 * index) }
            for row in 0..<rows {
                let factor = left[row * steps.rowStep + k * steps.depthStep].vector
                for index in 0..<vectors {
                    sums[row][index] = Factor.add(factor, times: loaded[index], to: sums[row][index])
                }
            }
        }
        for row in 0..<rows {
            for vector in 0..<vectors { store(sums[row][vector], target, row * stride + 16 * vector) }
        }
    }

    /// Sixteen factors.
    @inline(__always)
    private static func vector<Factor: TileFactor>(
        _ factors: UnsafePointer<Factor>, _ index: Int
    ) -> Factor.Vector {
        UnsafeRawPointer(factors + index).loadUnaligned(as: Factor.Vector.self)
    }
}

/// Writes the transpose of `rows` × `columns` floats, both multiples of sixteen.
func transpose(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int,
    into target: UnsafeMutablePointer<Float>, targetStride: Int
) {
    for row in Swift.stride(from: 0, to: rows, by: 16) {
        for column in Swift.stride(from: 0, to: columns, by: 16) {
            transposeSquare(
                source + row * stride + column, stride, target + column * targetStride + row, targetStride)
        }
    }
}

/// Four rounds of interleaving the first half of the rows with the second transpose sixteen rows of sixteen.
@inline(__always)
private func transposeSquare(
    _ source: UnsafePointer<Float>, _ stride: Int, _ target: UnsafeMutablePointer<Float>, _ targetStride: Int
) {
    var rows = InlineArray<16, Lanes> { load(source, $0 * stride) }
    for _ in 0..<4 {
        var next = rows
        for index in 0..<8 {
            let (first, second) = (rows[index], rows[index + 8])
            var low = Lanes()
            low.evenHalf = first.lowHalf
            low.oddHalf = second.lowHalf
            var high = Lanes()
            high.evenHalf = first.highHalf
            high.oddHalf = second.highHalf
            next[2 * index] = low
            next[2 * index + 1] = high
        }
        rows = next
    }
    for row in 0..<16 { store(rows[row], target, row * targetStride) }
}

@inline(__always)
func store(_ lanes: Lanes, _ target: UnsafeMutablePointer<Float>, _ index: Int) {
    UnsafeMutableRawPointer(target + index).storeBytes(of: lanes, as: Lanes.self)
}
