import CHDF5
import Foundation

/// What is known of a float dataset before it is read.
struct HDF5FloatDescription: Equatable {
    let name: String
    let shape: [Int]
    /// Whether each chunk carries a Fletcher-32 checksum.
    let isChecksummed: Bool
}

/// Datasets of float32 and of text.
///
/// Each is stored in chunks with a Fletcher-32 checksum. Filters need chunks, and chunks a dataspace with
/// dimensions, so a text is an array of one element, and a scalar or empty tensor stands in the object header,
/// which has a checksum of its own.
extension HDF5Object {
    /// Elements in a chunk at most: 4 MB, the unit in which damage is found.
    static let chunkElements = 1 << 20
    /// Bytes of a text at most.
    static let maximumText = 1 << 30

    /// Writes `bytes`, UTF-8, as dataset `name`: an array of one text of fixed length. Zeros at the end are lost.
    func writeText(_ name: String, _ bytes: [UInt8]) throws -> HDF5Object {
        let inner = location.member(name)
        guard bytes.count <= Self.maximumText else {
            throw inner.bad("the text of \(bytes.count) bytes is longer than the \(Self.maximumText) allowed")
        }
        return try HDF5.locked {
            let content = bytes.isEmpty ? [0] : bytes
            let type = try Self.textType(size: content.count, at: inner)
            let space = try Self.dataspace([1], at: inner)
            let creation = try Self.creation(chunk: [1], at: inner)
            let dataset = try createDataset(name, type: type.id, space, creation, at: inner)
            let all = dure_h5s_all()
            try inner.check(H5Dwrite(dataset.id, type.id, all, all, dure_h5p_default(), content), "write")
            return HDF5Object(handle: dataset, location: inner)
        }
    }

    /// Shape and storage of the float32 dataset `name`; throws for anything else.
    func describeFloats(_ name: String) throws -> HDF5FloatDescription {
        let dataset = try openFloats(name)
        return HDF5FloatDescription(name: name, shape: dataset.shape, isChecksummed: dataset.isChecksummed)
    }

    /// Reads the float32 dataset `name` of `shape` into `destination`, of as many elements.
    func readFloats(
        _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws {
        precondition(destination.count == shape.reduce(1, *))
        let dataset = try openFloats(name)
        guard dataset.shape == shape else {
            throw dataset.object.location.bad("has shape \(dataset.shape) instead of \(shape)")
        }
        try dataset.read(into: UnsafeMutableRawBufferPointer(destination))
    }

    /// Calls `body` with all elements of the float32 dataset `name` of `shape`.
    func withFloats<Result>(
        _ name: String, shape: [Int], _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        try withNumbers(name, shape: shape, type: .float32) {
            try body($0.assumingMemoryBound(to: Float.self))
        }
    }

    private func openFloats(_ name: String) throws -> HDF5Dataset {
        let dataset = try openDataset(name)
        guard dataset.content == .numbers(.float32) else {
            throw dataset.object.location.bad("is not of type float32")
        }
        return dataset
    }

    /// The shape of a chunk for a tensor of `shape`: whole when small, else as many whole rows as fit, dealt out
    /// evenly so that the last chunk wastes little; `nil` for a scalar or an empty tensor.
    static func chunkShape(_ shape: [Int]) -> [Int]? {
        guard !shape.isEmpty, !shape.contains(0) else { return nil }
        var chunk = shape
        for axis in chunk.indices {
            let inner = shape[(axis + 1)...].reduce(1, *)
            let most = max(1, chunkElements / inner)
            let pieces = (shape[axis] + most - 1) / most
            chunk[axis] = (shape[axis] + pieces - 1) / pieces
            if chunk[axis] > 1 || inner <= chunkElements { break }
        }
        return chunk
    }

    func createDataset(
        _ name: String, type: hid_t, _ space: borrowing HDF5Handle, _ creation: borrowing HDF5Handle,
        at inner: HDF5Location
    ) throws -> HDF5Handle {
        let defaults = dure_h5p_default()
        let id = H5Dcreate2(handle.id, name, type, space.id, defaults, creation.id, defaults)
        return try HDF5Handle(id, .dataset, at: inner, "create the dataset")
    }

    static func dataspace(_ shape: [Int], at location: HDF5Location) throws -> HDF5Handle {
        let dimensions = shape.map { hsize_t($0) }
        let id = shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), dimensions, nil)
        return try HDF5Handle(id, .dataspace, at: location, "describe the shape")
    }

    static func creation(
        chunk: [Int]?, _ compression: CheckpointCompression = .none, at location: HDF5Location
    ) throws -> HDF5Handle {
        let action = "choose the storage"
        let list = try HDF5Handle(H5Pcreate(dure_h5p_dataset_create()), .propertyList, at: location, action)
        // Equal content gives equal bytes.
        try location.check(H5Pset_obj_track_times(list.id, false), action)
        if let chunk {
            try location.check(H5Pset_chunk(list.id, Int32(chunk.count), chunk.map { hsize_t($0) }), action)
            if compression == .gzip {
                // Bytes of equal significance side by side: those of the exponents are alike.
                try location.check(H5Pset_shuffle(list.id), action)
                try location.check(H5Pset_deflate(list.id, CheckpointCompression.level), action)
            }
            try location.check(H5Pset_fletcher32(list.id), action)
        } else {
            try location.check(H5Pset_layout(list.id, H5D_COMPACT), action)
        }
        return list
    }
}

extension HDF5Dataset {
    /// The content of this dataset of one text.
    func readText() throws -> [UInt8] {
        guard content == .text else { throw object.location.bad("is not text of fixed length") }
        guard count == 1, byteCount <= HDF5Object.maximumText else {
            throw object.location.bad("is not a single text, but of shape \(shape) and \(byteCount) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        try bytes.withUnsafeMutableBytes { try read(into: $0) }
        return Array(HDF5Object.withoutPadding(bytes))
    }
}
