import CHDF5

/// A number as HDF5 stores it: little-endian in the file.
protocol HDF5Number: BitwiseCopyable {
    static var fileType: hid_t { get }
    static var memoryType: hid_t { get }
}

extension Int32: HDF5Number {
    static var fileType: hid_t { dure_h5t_std_i32le() }
    static var memoryType: hid_t { dure_h5t_native_int32() }
}

extension Int64: HDF5Number {
    static var fileType: hid_t { dure_h5t_std_i64le() }
    static var memoryType: hid_t { dure_h5t_native_int64() }
}

extension Float: HDF5Number {
    static var fileType: hid_t { dure_h5t_ieee_f32le() }
    static var memoryType: hid_t { dure_h5t_native_float() }
}

/// Flat datasets of numbers, in chunks with a Fletcher-32 checksum as the others are.
extension HDF5Object {
    /// Writes `values` as the one-dimensional dataset `name`.
    func writeColumn<Value: HDF5Number>(_ name: String, _ values: [Value]) throws {
        let inner = location.item("\(location.item ?? "")/\(name)")
        try HDF5.locked {
            let shape = [values.count]
            let space = try Self.dataspace(shape, at: inner)
            let creation = try Self.creation(chunk: Self.chunkShape(shape), at: inner)
            let dataset = try createDataset(name, type: Value.fileType, space, creation, at: inner)
            guard !values.isEmpty else { return }
            let all = dure_h5s_all()
            try inner.check(
                H5Dwrite(dataset.id, Value.memoryType, all, all, dure_h5p_default(), values), "write")
        }
    }

    /// Reads the one-dimensional dataset `name` of exactly this type of number.
    func readColumn<Value: HDF5Number>(_ name: String, as type: Value.Type = Value.self) throws -> [Value] {
        try HDF5.locked {
            let dataset = try openDataset(name)
            let location = dataset.location
            let found = try HDF5Handle(H5Dget_type(dataset.id), .type, at: location, "read the type")
            guard H5Tequal(found.id, Value.fileType) > 0 else {
                throw location.bad("is not of type \(Value.self)")
            }
            let shape = try Self.shape(dataset)
            guard shape.count == 1 else { throw location.bad("has shape \(shape) instead of a single row") }
            guard shape[0] > 0 else { return [] }
            // Uncompressed: a shape that the stored bytes cannot fill is damage, not a reason to allocate.
            let stored = Int(clamping: H5Dget_storage_size(dataset.id))
            guard shape[0] <= stored / MemoryLayout<Value>.size else {
                throw location.bad("has \(shape[0]) elements but only \(stored) bytes")
            }
            try Self.checkAllocated(dataset)
            return try [Value](unsafeUninitializedCapacity: shape[0]) { buffer, count in
                guard let base = buffer.baseAddress else { return }
                let all = dure_h5s_all()
                try location.check(
                    H5Dread(dataset.id, Value.memoryType, all, all, dure_h5p_default(), base), "read")
                count = shape[0]
            }
        }
    }
}
