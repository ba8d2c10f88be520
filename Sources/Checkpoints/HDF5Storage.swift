import CHDF5

/// The part of a dataset's creation list that says how its elements are stored: in the file itself and by filters that are
/// part of HDF5, or the initialiser throws.
struct HDF5Storage: ~Copyable {
    /// Bytes of a chunk of any dataset at most; h5py's have up to 1 MB.
    private static let largestChunk = 1 << 24
    /// deflate shrinks a thousandfold at most.
    private static let deflation = 1100

    private let list: HDF5Handle
    private let filters: Set<H5Z_filter_t>

    var isChecksummed: Bool { filters.contains(dure_h5z_filter_fletcher32()) }

    init(_ dataset: borrowing HDF5Object) throws {
        let location = dataset.location
        let list = try HDF5Handle(
            H5Dget_create_plist(dataset.id), .propertyList, at: location, "read the storage")
        guard H5Pget_external_count(list.id) == 0 else {
            throw location.refused("keeps its elements in another file")
        }
        guard [H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED].contains(H5Pget_layout(list.id)) else {
            throw location.refused("is a virtual dataset, put together from others")
        }
        filters = try Self.filters(list, at: location)
        self.list = list
    }

    private static func filters(
        _ list: borrowing HDF5Handle, at location: HDF5Location
    ) throws -> Set<H5Z_filter_t> {
        let known = [dure_h5z_filter_deflate(), dure_h5z_filter_shuffle(), dure_h5z_filter_fletcher32()]
        var filters: Set<H5Z_filter_t> = []
        let count = try location.check(H5Pget_nfilters(list.id), "read the storage")
        for index in 0..<UInt32(count) {
            var flags: UInt32 = 0
            var values = 0
            let filter = H5Pget_filter2(list.id, index, &flags, &values, nil, 0, nil, nil)
            guard known.contains(filter) else {
                throw location.refused("is stored by HDF5's filter \(filter), which is not read here")
            }
            // Twice deflated is a million times shrunk.
            guard filters.insert(filter).inserted else {
                throw location.refused("is stored by the same filter twice")
            }
        }
        return filters
    }

    /// Throws where what is stored of `dataset` cannot make `byteCount` bytes of elements, or where parts are missing.
    func check(
        _ dataset: borrowing HDF5Object, shape: [Int], elementSize: Int, byteCount: Int
    ) throws {
        guard byteCount > 0 else { return }
        let location = dataset.location
        let fileSize = dataset.gate?.fileSize ?? .max
        let stored = min(Int(clamping: H5Dget_storage_size(dataset.id)), fileSize)
        guard stored > 0 else { throw location.bad("was never written") }
        let isDeflated = filters.contains(dure_h5z_filter_deflate())
        let limit = stored.multipliedReportingOverflow(by: isDeflated ? Self.deflation : 1)
        guard limit.overflow || byteCount <= limit.partialValue else {
            throw location.bad("has shape \(shape) but only \(stored) bytes")
        }
        if H5Pget_layout(list.id) == H5D_CHUNKED {
            try checkChunks(dataset, shape: shape, elementSize: elementSize, byteCount: byteCount)
        }
    }

    /// Chunks that were never written read as zeros: refuses a dataset that lacks any.
    private func checkChunks(
        _ dataset: borrowing HDF5Object, shape: [Int], elementSize: Int, byteCount: Int
    ) throws {
        let location = dataset.location
        var chunk = [hsize_t](repeating: 0, count: shape.count)
        try location.check(H5Pget_chunk(list.id, Int32(chunk.count), &chunk), "read the storage")
        let chunkBytes = chunk.reduce(Double(elementSize)) { $0 * Double($1) }
        guard chunkBytes <= Double(max(byteCount, Self.largestChunk)) else {
            throw location.bad("has chunks that are larger than all its elements")
        }
        var written: hsize_t = 0
        let space = try HDF5Handle(H5Dget_space(dataset.id), .dataspace, at: location, "read the shape")
        try location.check(H5Dget_num_chunks(dataset.id, space.id, &written), "read the storage")
        let expected = zip(shape, chunk).reduce(1.0) { product, axis in
            product * (Double(axis.0) / Double(max(axis.1, 1))).rounded(.up)
        }
        guard Double(written) == expected else { throw location.bad("was not written completely") }
    }
}
