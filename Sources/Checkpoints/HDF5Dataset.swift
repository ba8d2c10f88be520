import CHDF5

/// A dataset that can be read: all its elements stand in the file itself, and it is of a type and of a size that the
/// bytes stored there can have. `HDF5Object.openDataset` opens it.
struct HDF5Dataset: ~Copyable {
    enum Content: Equatable {
        case numbers(ElementType)
        /// Text of a fixed length.
        case text
    }

    let object: HDF5Object
    let content: Content
    let shape: [Int]
    /// Elements.
    let count: Int
    /// Bytes of all elements in memory.
    let byteCount: Int
    /// Whether each chunk carries a Fletcher-32 checksum.
    let isChecksummed: Bool
    /// The type of the elements, numbers little-endian.
    private let type: HDF5Handle

    /// Checks the open dataset `object`. What stands elsewhere is refused before its size is asked for: that of a virtual
    /// dataset is taken from the files that it is put together from.
    init(_ object: consuming HDF5Object) throws {
        let location = object.location
        let storage = try HDF5Storage(object)
        let type = try Self.type(object)
        let content = try Self.content(type, at: location)
        let shape = try Self.shape(object)
        let elementSize = H5Tget_size(type.id)
        let byteCount = try Self.byteCount(shape, elementSize: elementSize, at: location)
        try storage.check(object, shape: shape, elementSize: elementSize, byteCount: byteCount)
        isChecksummed = storage.isChecksummed
        count = byteCount / elementSize
        (self.content, self.shape, self.byteCount) = (content, shape, byteCount)
        self.type = type
        self.object = object
    }

    /// Reads all elements, for which `destination` has just the room.
    func read(into destination: UnsafeMutableRawBufferPointer) throws {
        precondition(destination.count == byteCount)
        guard let base = destination.baseAddress, byteCount > 0 else { return }
        let all = dure_h5s_all()
        try HDF5.locked {
            _ = try object.location.check(
                H5Dread(object.id, type.id, all, all, dure_h5p_default(), base), "read")
        }
    }

    /// Reads the elements `range` of this dataset of one dimension, for which `destination` has just the room.
    func read(_ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer) throws {
        precondition(shape.count == 1 && range.lowerBound >= 0 && range.upperBound <= count)
        precondition(destination.count == range.count * (byteCount / max(count, 1)))
        guard let base = destination.baseAddress, !range.isEmpty else { return }
        let location = object.location
        try HDF5.locked {
            let memory = try HDF5Object.dataspace([range.count], at: location)
            let file = try HDF5Object.dataspace(shape, at: location)
            try location.check(
                H5Sselect_hyperslab(
                    file.id, H5S_SELECT_SET, [hsize_t(range.lowerBound)], nil, [hsize_t(range.count)], nil),
                "read")
            try location.check(
                H5Dread(object.id, type.id, memory.id, file.id, dure_h5p_default(), base), "read")
        }
    }

    private static func byteCount(
        _ shape: [Int], elementSize: Int, at location: HDF5Location
    ) throws -> Int {
        try shape.reduce(elementSize) { bytes, dimension in
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw location.bad("has shape \(shape), more than any file can hold") }
            return product
        }
    }

    private static func shape(_ dataset: borrowing HDF5Object) throws -> [Int] {
        let location = dataset.location
        let space = try HDF5Handle(H5Dget_space(dataset.id), .dataspace, at: location, "read the shape")
        guard [H5S_SIMPLE, H5S_SCALAR].contains(H5Sget_simple_extent_type(space.id)) else {
            throw location.bad("holds nothing")
        }
        let rank = try location.check(H5Sget_simple_extent_ndims(space.id), "read the shape")
        var dimensions = [hsize_t](repeating: 0, count: Int(rank))
        try location.check(H5Sget_simple_extent_dims(space.id, &dimensions, nil), "read the shape")
        return dimensions.map { Int(clamping: $0) }
    }

    private static func type(_ dataset: borrowing HDF5Object) throws -> HDF5Handle {
        let location = dataset.location
        let stored = try HDF5Handle(H5Dget_type(dataset.id), .type, at: location, "read the type")
        guard H5Tcommitted(stored.id) == 0 else { throw location.refused("is of a type that has a name") }
        guard [H5T_FLOAT, H5T_INTEGER].contains(H5Tget_class(stored.id)) else { return stored }
        return try HDF5NumberType.littleEndian(stored, at: location)
    }

    private static func content(_ type: borrowing HDF5Handle, at location: HDF5Location) throws -> Content {
        if H5Tget_class(type.id) == H5T_STRING {
            guard H5Tis_variable_str(type.id) == 0, H5Tget_size(type.id) > 0 else {
                throw location.refused("is text of variable length")
            }
            return .text
        }
        guard let number = try HDF5NumberType.elementType(type, at: location) else {
            throw location.bad("is not of a type of numbers or text that can be read")
        }
        return .numbers(number)
    }
}

/// Types of numbers in HDF5.
enum HDF5NumberType {
    /// The element type of exactly the numbers of `type`, which is little-endian; `nil` for anything else.
    static func elementType(
        _ type: borrowing HDF5Handle, at location: HDF5Location
    ) throws -> ElementType? {
        let size = H5Tget_size(type.id)
        switch H5Tget_class(type.id) {
        case H5T_FLOAT:
            if H5Tequal(type.id, dure_h5t_ieee_f32le()) > 0 { return .float32 }
            if H5Tequal(type.id, dure_h5t_ieee_f64le()) > 0 { return .float64 }
            let half = try half(at: location)
            return H5Tequal(type.id, half.id) > 0 ? .float16 : nil
        case H5T_INTEGER where H5Tget_precision(type.id) == 8 * size && H5Tget_offset(type.id) == 0:
            let isSigned = H5Tget_sign(type.id) == H5T_SGN_2
            switch size {
            case 1: return isSigned ? .int8 : .uint8
            case 2: return isSigned ? .int16 : .uint16
            case 4: return isSigned ? .int32 : .uint32
            case 8: return isSigned ? .int64 : .uint64
            default: return nil
            }
        default: return nil
        }
    }

    /// `type` but for the order of bytes.
    static func littleEndian(
        _ type: borrowing HDF5Handle, at location: HDF5Location
    ) throws -> HDF5Handle {
        let copy = try HDF5Handle(H5Tcopy(type.id), .type, at: location, "read the type")
        try location.check(H5Tset_order(copy.id, H5T_ORDER_LE), "read the type")
        return copy
    }

    /// IEEE half precision, which HDF5 1.10 has no name for.
    private static func half(at location: HDF5Location) throws -> HDF5Handle {
        let action = "describe half precision"
        let type = try HDF5Handle(H5Tcopy(dure_h5t_ieee_f32le()), .type, at: location, action)
        try location.check(H5Tset_fields(type.id, 15, 10, 5, 0, 10), action)
        try location.check(H5Tset_size(type.id, 2), action)
        try location.check(H5Tset_ebias(type.id, 15), action)
        return type
    }
}
