import CHDF5
import Foundation

/// Datasets of numbers of any type, as other programs write them.
extension HDF5Object {
    /// Shape and element type of the dataset `name`, a path from here; throws for anything but numbers.
    func describeNumbers(_ name: String) throws -> (shape: [Int], type: ElementType) {
        try HDF5.locked {
            let dataset = try openDataset(name)
            return (try Self.shape(dataset), try Self.elementType(dataset))
        }
    }

    /// Calls `body` with the elements of the dataset `name`, of `shape` and `type`: row-major, little-endian.
    func withNumbers<Result>(
        _ name: String, shape: [Int], type: ElementType, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let elements = try HDF5.locked { try readNumbers(name, shape: shape, type: type) }
        defer { elements.deallocate() }
        return try body(UnsafeRawBufferPointer(elements))
    }

    /// Whether each chunk of dataset `name` carries a Fletcher-32 checksum.
    func isChecksummed(_ name: String) throws -> Bool {
        try HDF5.locked {
            let dataset = try openDataset(name)
            let list = try Self.storage(dataset)
            var flags: UInt32 = 0
            var count = 0
            let filter = H5Z_filter_t(dure_h5z_filter_fletcher32())
            return H5Pget_filter_by_id2(list.id, filter, &flags, &count, nil, 0, nil, nil) >= 0
        }
    }

    /// The file's size in bytes, above which nothing that it stores can be.
    func fileSize() throws -> Int {
        try HDF5.locked {
            let file = try HDF5Handle(H5Iget_file_id(id), .file, at: location, "find the file")
            var size: hsize_t = 0
            try location.check(H5Fget_filesize(file.id, &size), "measure the file")
            return Int(clamping: size)
        }
    }

    private func readNumbers(
        _ name: String, shape: [Int], type: ElementType
    ) throws -> UnsafeMutableRawBufferPointer {
        let dataset = try openDataset(name)
        let location = dataset.location
        let memory = try Self.littleEndianType(dataset)
        guard try Self.shape(dataset) == shape, try Self.elementType(dataset) == type else {
            throw location.bad("has changed while it was read")
        }
        let count = try Self.checkedSize(dataset, shape: shape, type: type)
        let elements = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        guard let base = elements.baseAddress, count > 0 else { return elements }
        do {
            try Self.checkAllocated(dataset)
            let all = dure_h5s_all()
            try location.check(
                H5Dread(dataset.id, memory.id, all, all, dure_h5p_default(), base), "read")
        } catch {
            elements.deallocate()
            throw error
        }
        return elements
    }

    /// Bytes of the elements; throws where the file cannot hold as many.
    private static func checkedSize(
        _ dataset: borrowing HDF5Object, shape: [Int], type: ElementType
    ) throws -> Int {
        let location = dataset.location
        let list = try storage(dataset)
        guard [H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED].contains(H5Pget_layout(list.id)),
            H5Pget_external_count(list.id) == 0
        else { throw location.bad("keeps its elements in another file") }
        let stored = min(Int(clamping: H5Dget_storage_size(dataset.id)), try dataset.fileSize())
        // gzip shrinks a thousandfold at most.
        let shrinking = H5Pget_nfilters(list.id) > 0 ? 1100 : 1
        let limit = stored.multipliedReportingOverflow(by: shrinking)
        guard let size = byteCount(shape, type), limit.overflow || size <= limit.partialValue else {
            throw location.bad("has shape \(shape) but only \(stored) bytes")
        }
        return size
    }

    /// `nil` where the product overflows.
    private static func byteCount(_ shape: [Int], _ type: ElementType) -> Int? {
        var count = type.bitsPerElement / 8
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        return count
    }

    private static func storage(_ dataset: borrowing HDF5Object) throws -> HDF5Handle {
        try HDF5Handle(
            H5Dget_create_plist(dataset.id), .propertyList, at: dataset.location, "read the storage")
    }

    private static func elementType(_ dataset: borrowing HDF5Object) throws -> ElementType {
        let type = try littleEndianType(dataset)
        switch H5Tget_class(type.id) {
        case H5T_FLOAT:
            if H5Tequal(type.id, dure_h5t_ieee_f32le()) > 0 { return .float32 }
            if H5Tequal(type.id, dure_h5t_ieee_f64le()) > 0 { return .float64 }
            let half = try halfType(at: dataset.location)
            if H5Tequal(type.id, half.id) > 0 { return .float16 }
        case H5T_INTEGER:
            let isSigned = H5Tget_sign(type.id) == H5T_SGN_2
            switch H5Tget_size(type.id) {
            case 1: return isSigned ? .int8 : .uint8
            case 2: return isSigned ? .int16 : .uint16
            case 4: return isSigned ? .int32 : .uint32
            case 8: return isSigned ? .int64 : .uint64
            default: break
            }
        default: break
        }
        throw dataset.location.bad("is not of a type of numbers that can be read")
    }

    /// The dataset's type but for the order of bytes.
    private static func littleEndianType(_ dataset: borrowing HDF5Object) throws -> HDF5Handle {
        let location = dataset.location
        let stored = try HDF5Handle(H5Dget_type(dataset.id), .type, at: location, "read the type")
        let type = try HDF5Handle(H5Tcopy(stored.id), .type, at: location, "read the type")
        guard [H5T_FLOAT, H5T_INTEGER].contains(H5Tget_class(type.id)) else { return type }
        try location.check(H5Tset_order(type.id, H5T_ORDER_LE), "read the type")
        return type
    }

    /// IEEE half precision, which HDF5 1.10 has no name for.
    private static func halfType(at location: HDF5Location) throws -> HDF5Handle {
        let action = "describe half precision"
        let type = try HDF5Handle(H5Tcopy(dure_h5t_ieee_f32le()), .type, at: location, action)
        try location.check(H5Tset_fields(type.id, 15, 10, 5, 0, 10), action)
        try location.check(H5Tset_size(type.id, 2), action)
        try location.check(H5Tset_ebias(type.id, 15), action)
        return type
    }
}
