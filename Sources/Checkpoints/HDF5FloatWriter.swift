import CHDF5
import Kernels

/// How the tensors of a checkpoint are stored.
package enum CheckpointCompression: String, Sendable, CaseIterable {
    /// As they are: fastest to write and to read.
    case none
    /// By HDF5's own shuffle and deflate filters, which every HDF5 program reads.
    case gzip

    /// More takes several times as long and gains a percent, as the lower bits of weights are as good as random.
    static let level: UInt32 = 1
}

/// Writes float32 datasets in chunks with a Fletcher-32 checksum each.
///
/// Uncompressed chunks are put together here and handed to the file as they are. HDF5's own way there copies them
/// once more and sums word by word, which costs several times as much.
final class HDF5FloatWriter {
    private let compression: CheckpointCompression
    /// One chunk and its checksum.
    private let chunk: FloatBuffer

    init(compression: CheckpointCompression = .none) {
        self.compression = compression
        chunk = FloatBuffer(count: compression == .none ? HDF5Object.chunkElements + 1 : 0)
    }

    /// Writes `values` as dataset `name` of `shape` in `group`, float32 little-endian.
    func write(
        _ name: String, shape: [Int], _ values: UnsafeBufferPointer<Float>, to group: borrowing HDF5Object
    ) throws {
        precondition(values.count == shape.reduce(1, *))
        let location = group.location.item("\(group.location.item ?? "")/\(name)")
        try HDF5.locked {
            let chunkShape = HDF5Object.chunkShape(shape)
            let space = try HDF5Object.dataspace(shape, at: location)
            let creation = try HDF5Object.creation(chunk: chunkShape, compression, at: location)
            let dataset = try group.createDataset(
                name, type: dure_h5t_ieee_f32le(), space, creation, at: location)
            guard let base = values.baseAddress, !values.isEmpty else { return }
            if let chunkShape, compression == .none {
                let grid = ChunkGrid(shape: shape, chunk: chunkShape)
                for piece in grid.pieces { try write(piece, of: base, to: dataset, at: location) }
            } else {
                let all = dure_h5s_all()
                let type = dure_h5t_native_float()
                try location.check(
                    H5Dwrite(dataset.id, type, all, all, dure_h5p_default(), base), "write")
            }
        }
    }

    private func write(
        _ piece: ChunkGrid.Piece, of values: UnsafePointer<Float>, to dataset: borrowing HDF5Handle,
        at location: HDF5Location
    ) throws {
        var sum = copyWithFletcher32(
            values + piece.range.lowerBound, to: chunk.pointer, count: piece.range.count)
        if piece.range.count < piece.chunkCount {
            // The last chunk of an axis is stored as large as the others.
            for index in piece.range.count..<piece.chunkCount { chunk.pointer[index] = 0 }
            sum = copyWithFletcher32(chunk.pointer, to: chunk.pointer, count: piece.chunkCount)
        }
        chunk.pointer[piece.chunkCount] = Float(bitPattern: sum.littleEndian)
        try location.check(
            H5Dwrite_chunk(
                dataset.id, dure_h5p_default(), 0, piece.offset,
                (piece.chunkCount + 1) * MemoryLayout<Float>.size, chunk.pointer), "write")
    }
}

/// The chunks of a tensor whose chunks are contiguous in it: one element of the leading axes, some of the next, all of
/// the rest.
private struct ChunkGrid {
    struct Piece {
        /// Elements of the tensor.
        let range: Range<Int>
        /// Where the chunk begins, by axis.
        let offset: [UInt64]
        /// Elements of a whole chunk.
        let chunkCount: Int
    }

    let pieces: [Piece]

    init(shape: [Int], chunk: [Int]) {
        let axis = chunk.firstIndex { $0 > 1 } ?? chunk.count - 1
        let inner = shape[(axis + 1)...].reduce(1, *)
        precondition(chunk[(axis + 1)...].elementsEqual(shape[(axis + 1)...]))
        var pieces: [Piece] = []
        for outer in 0..<shape[..<axis].reduce(1, *) {
            for row in stride(from: 0, to: shape[axis], by: chunk[axis]) {
                let start = (outer * shape[axis] + row) * inner
                let end = (outer * shape[axis] + min(row + chunk[axis], shape[axis])) * inner
                var offset = Self.place(outer, in: shape[..<axis]) + [UInt64(row)]
                offset += Array(repeating: 0, count: shape.count - offset.count)
                pieces.append(
                    Piece(range: start..<end, offset: offset, chunkCount: chunk[axis] * inner))
            }
        }
        self.pieces = pieces
    }

    private static func place(_ index: Int, in shape: ArraySlice<Int>) -> [UInt64] {
        var rest = index
        var place: [UInt64] = []
        for dimension in shape.reversed() {
            place.insert(UInt64(rest % dimension), at: 0)
            rest /= dimension
        }
        return place
    }
}
