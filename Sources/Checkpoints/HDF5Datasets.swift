import CHDF5
import Foundation

/// What is known of a float dataset before it is read.
struct HDF5FloatDescription: Equatable {
    let name: String
    let shape: [Int]
    /// Whether each chunk carries a Fletcher-32 checksum.
    let isChecksummed: Bool

    /// Elements; `nil` when the product overflows.
    var count: Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        return count
    }
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
    private static let maximumText = 1 << 30

    /// Writes `bytes`, UTF-8, as dataset `name`: an array of one text of fixed length. Zeros at the end are lost.
    func writeText(_ name: String, _ bytes: [UInt8]) throws -> HDF5Object {
        let inner = location.item("\(location.item ?? "")/\(name)")
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
        try HDF5.locked {
            let dataset = try openDataset(name)
            try Self.checkFloat(dataset)
            return HDF5FloatDescription(
                name: name, shape: try Self.shape(dataset), isChecksummed: try Self.isChecksummed(dataset))
        }
    }

    /// Reads the float32 dataset `name` of `shape` into `destination`, of as many elements.
    func readFloats(
        _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws {
        precondition(destination.count == shape.reduce(1, *))
        try HDF5.locked {
            let dataset = try openDataset(name)
            try Self.checkFloat(dataset)
            let found = try Self.shape(dataset)
            guard found == shape else { throw dataset.location.bad("has shape \(found) instead of \(shape)") }
            guard let base = destination.baseAddress, !destination.isEmpty else { return }
            try Self.checkAllocated(dataset)
            let all = dure_h5s_all()
            try dataset.location.check(
                H5Dread(dataset.id, dure_h5t_native_float(), all, all, dure_h5p_default(), base), "read")
        }
    }

    /// Calls `body` with all elements of the float32 dataset `name` of `shape`.
    func withFloats<Result>(
        _ name: String, shape: [Int], _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        let stored = try storedBytes(name)
        let count = HDF5FloatDescription(name: name, shape: shape, isChecksummed: false).count
        // gzip, which other programs may have applied, shrinks a thousandfold at most.
        guard let count, count <= max(stored, 1).multipliedClamped(by: 1100) / MemoryLayout<Float>.size else {
            throw location.item("\(location.item ?? "")/\(name)").bad(
                "has shape \(shape) but only \(stored) bytes")
        }
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        defer { values.deallocate() }
        try readFloats(name, shape: shape, into: values)
        return try body(UnsafeBufferPointer(values))
    }

    /// Bytes that dataset `name` takes in the file.
    func storedBytes(_ name: String) throws -> Int {
        try HDF5.locked {
            // Named, for an unnamed one would be closed as soon as its identifier had been read.
            let dataset = try openDataset(name)
            return Int(clamping: H5Dget_storage_size(dataset.id))
        }
    }

    /// Opens the text dataset `name`, for its content and attributes.
    func openText(_ name: String) throws -> HDF5Object { try openDataset(name) }

    /// The content of this text dataset.
    func readText() throws -> [UInt8] {
        try HDF5.locked {
            let type = try HDF5Handle(H5Dget_type(handle.id), .type, at: location, "read the type")
            guard H5Tget_class(type.id) == H5T_STRING, H5Tis_variable_str(type.id) == 0 else {
                throw location.bad("is not text of fixed length")
            }
            let shape = try Self.shape(self)
            let size = H5Tget_size(type.id)
            guard shape.allSatisfy({ $0 == 1 }), size > 0, size <= Self.maximumText else {
                throw location.bad("is not a single text, but of shape \(shape) and \(size) bytes")
            }
            try Self.checkAllocated(self)
            var bytes = [UInt8](repeating: 0, count: size)
            let all = dure_h5s_all()
            try location.check(H5Dread(handle.id, type.id, all, all, dure_h5p_default(), &bytes), "read")
            return Array(Self.withoutPadding(bytes))
        }
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

    func openDataset(_ name: String) throws -> HDF5Object {
        let inner = location.item("\(location.item ?? "")/\(name)")
        guard try contains(name) else { throw inner.bad("the dataset is missing") }
        let handle = try HDF5Handle(
            H5Dopen2(handle.id, name, dure_h5p_default()), .dataset, at: inner, "open the dataset")
        return HDF5Object(handle: handle, location: inner)
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

    private static func checkFloat(_ dataset: borrowing HDF5Object) throws {
        let type = try HDF5Handle(H5Dget_type(dataset.id), .type, at: dataset.location, "read the type")
        let isFloat = [dure_h5t_ieee_f32le(), dure_h5t_ieee_f32be()].contains { H5Tequal(type.id, $0) > 0 }
        guard isFloat else { throw dataset.location.bad("is not of type float32") }
    }

    static func shape(_ dataset: borrowing HDF5Object) throws -> [Int] {
        let location = dataset.location
        let space = try HDF5Handle(H5Dget_space(dataset.id), .dataspace, at: location, "read the shape")
        guard H5Sget_simple_extent_type(space.id) != H5S_NULL else { throw location.bad("holds nothing") }
        let rank = try location.check(H5Sget_simple_extent_ndims(space.id), "read the shape")
        var dimensions = [hsize_t](repeating: 0, count: Int(rank))
        try location.check(H5Sget_simple_extent_dims(space.id, &dimensions, nil), "read the shape")
        return dimensions.map { Int(clamping: $0) }
    }

    /// Chunks that were never written read as zeros: refuse a dataset that lacks any.
    static func checkAllocated(_ dataset: borrowing HDF5Object) throws {
        let location = dataset.location
        let list = try creationList(dataset)
        let shape = try shape(dataset)
        guard H5Pget_layout(list.id) == H5D_CHUNKED else {
            guard H5Dget_storage_size(dataset.id) > 0 else { throw location.bad("was never written") }
            return
        }
        var chunk = [hsize_t](repeating: 0, count: shape.count)
        try location.check(H5Pget_chunk(list.id, Int32(chunk.count), &chunk), "read the storage")
        var written: hsize_t = 0
        let space = try HDF5Handle(H5Dget_space(dataset.id), .dataspace, at: location, "read the shape")
        try location.check(H5Dget_num_chunks(dataset.id, space.id, &written), "read the storage")
        let expected = zip(shape, chunk).reduce(1.0) { product, axis in
            product * (Double(axis.0) / Double(max(axis.1, 1))).rounded(.up)
        }
        guard Double(written) == expected else { throw location.bad("was not written completely") }
    }

    private static func creationList(_ dataset: borrowing HDF5Object) throws -> HDF5Handle {
        try HDF5Handle(
            H5Dget_create_plist(dataset.id), .propertyList, at: dataset.location, "read the storage")
    }

    private static func isChecksummed(_ dataset: borrowing HDF5Object) throws -> Bool {
        let list = try creationList(dataset)
        var flags: UInt32 = 0
        var count = 0
        let filter = H5Z_filter_t(dure_h5z_filter_fletcher32())
        return H5Pget_filter_by_id2(list.id, filter, &flags, &count, nil, 0, nil, nil) >= 0
    }
}

extension Int {
    fileprivate func multipliedClamped(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
