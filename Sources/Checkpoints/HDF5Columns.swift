import CHDF5

/// A number as HDF5 stores it: little-endian in the file.
protocol HDF5Number: BitwiseCopyable {
    static var fileType: hid_t { get }
    static var memoryType: hid_t { get }
    static var elementType: ElementType { get }
}

extension Int32: HDF5Number {
    static var fileType: hid_t { dure_h5t_std_i32le() }
    static var memoryType: hid_t { dure_h5t_native_int32() }
    static var elementType: ElementType { .int32 }
}

extension Int64: HDF5Number {
    static var fileType: hid_t { dure_h5t_std_i64le() }
    static var memoryType: hid_t { dure_h5t_native_int64() }
    static var elementType: ElementType { .int64 }
}

extension Float: HDF5Number {
    static var fileType: hid_t { dure_h5t_ieee_f32le() }
    static var memoryType: hid_t { dure_h5t_native_float() }
    static var elementType: ElementType { .float32 }
}

/// Flat datasets of numbers, in chunks with a Fletcher-32 checksum as the others are.
extension HDF5Object {
    /// Writes `values` as the one-dimensional dataset `name`.
    func writeColumn<Value: HDF5Number>(_ name: String, _ values: [Value]) throws {
        let inner = location.member(name)
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
        let dataset = try openDataset(name)
        let location = dataset.object.location
        guard dataset.content == .numbers(Value.elementType) else {
            throw location.bad("is not of type \(Value.self)")
        }
        guard dataset.shape.count == 1 else {
            throw location.bad("has shape \(dataset.shape) instead of a single row")
        }
        return try [Value](unsafeUninitializedCapacity: dataset.count) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            try dataset.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<dataset.byteCount]))
            count = dataset.count
        }
    }
}
