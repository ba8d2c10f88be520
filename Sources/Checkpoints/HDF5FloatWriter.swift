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
    /// Calls `body` with elements of a tensor, which nobody changes meanwhile.
    typealias Source = (_ range: Range<Int>, _ body: (UnsafeBufferPointer<Float>) throws -> Void) throws ->
        Void

    /// Bytes from which on a chunk begins at a page of its own, and is sent to the disk at once.
    static let largeChunk = 1 << 16

    private let compression: CheckpointCompression
    /// One chunk and its checksum.
    private let chunk: FloatBuffer
    private let disk: WriteBehind?
    /// Of the large chunks.
    private(set) var seal = FileSeal()

    /// - disk: what sends large chunks to the disk.
    init(compression: CheckpointCompression = .none, disk: WriteBehind? = nil) {
        self.compression = compression
        self.disk = disk
        chunk = FloatBuffer(count: compression == .none ? HDF5Object.chunkElements + 1 : 0)
    }

    /// Writes `values` as dataset `name` of `shape` in `group`, float32 little-endian.
    func write(
        _ name: String, shape: [Int], _ values: UnsafeBufferPointer<Float>, to group: borrowing HDF5Object
    ) throws {
        precondition(values.count == shape.reduce(1, *))
        try write(name, shape: shape, from: { try $1(UnsafeBufferPointer(rebasing: values[$0])) }, to: group)
    }

    /// Writes the tensor that `source` has.
    func write(
        _ name: String, shape: [Int], from source: Source, to group: borrowing HDF5Object
    ) throws {
        let location = group.location.member(name)
        try HDF5.locked {
            let chunkShape = HDF5Object.chunkShape(shape)
            let space = try HDF5Object.dataspace(shape, at: location)
            let creation = try HDF5Object.creation(chunk: chunkShape, compression, at: location)
            let dataset = try group.createDataset(
                name, type: dure_h5t_ieee_f32le(), space, creation, at: location)
            guard !shape.contains(0) else { return }
            if let chunkShape, compression == .none {
                let grid = ChunkGrid(shape: shape, chunk: chunkShape)
                for piece in grid.pieces { try write(piece, from: source, to: dataset, at: location) }
            } else {
                try source(0..<shape.reduce(1, *)) { try Self.write($0, to: dataset, at: location) }
            }
        }
    }

    private static func write(
        _ values: UnsafeBufferPointer<Float>, to dataset: borrowing HDF5Handle, at location: HDF5Location
    ) throws {
        let all = dure_h5s_all()
        try location.check(
            H5Dwrite(
                dataset.id, dure_h5t_native_float(), all, all, dure_h5p_default(), values.baseAddress),
            "write")
    }

    private func write(
        _ piece: ChunkGrid.Piece, from source: Source, to dataset: borrowing HDF5Handle,
        at location: HDF5Location
    ) throws {
        var sum: UInt32 = 0
        try source(piece.range) { values in
            guard let base = values.baseAddress else { return }
            sum = copyWithFletcher32(base, to: chunk.pointer, count: values.count)
        }
        if piece.range.count < piece.chunkCount {
            // The last chunk of an axis is stored as large as the others.
            for index in piece.range.count..<piece.chunkCount { chunk.pointer[index] = 0 }
            sum = copyWithFletcher32(chunk.pointer, to: chunk.pointer, count: piece.chunkCount)
        }
        chunk.pointer[piece.chunkCount] = Float(bitPattern: sum.littleEndian)
        let bytes = UnsafeRawBufferPointer(
            UnsafeBufferPointer(start: chunk.pointer, count: piece.chunkCount + 1))
        try location.check(
            H5Dwrite_chunk(
                dataset.id, dure_h5p_default(), 0, piece.offset, bytes.count, bytes.baseAddress), "write")
        if bytes.count >= Self.largeChunk { try send(bytes, at: piece.offset, of: dataset, at: location) }
    }

    private func send(
        _ bytes: UnsafeRawBufferPointer, at offset: [UInt64], of dataset: borrowing HDF5Handle,
        at location: HDF5Location
    ) throws {
        var address: haddr_t = 0
        var size: hsize_t = 0
        try location.check(
            H5Dget_chunk_info_by_coord(dataset.id, offset, nil, &address, &size), "find what was written")
        // Where HDF5 does not put it where it was asked to, it is read back for the seal like all else.
        guard Int(size) == bytes.count, address % 8 == 0 else { return }
        seal.add(bytes, at: Int(address))
        disk?.wrote(Int(address)..<Int(address) + bytes.count)
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
