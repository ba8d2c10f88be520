/// Datasets of numbers of any type, as other programs write them.
extension HDF5Object {
    /// Shape and element type of the dataset `name`, a path from here; throws for anything but numbers.
    func describeNumbers(_ name: String) throws -> (shape: [Int], type: ElementType) {
        let dataset = try openDataset(name)
        guard case .numbers(let type) = dataset.content else {
            throw dataset.object.location.bad("is not of a type of numbers that can be read")
        }
        return (dataset.shape, type)
    }

    /// Calls `body` with the elements of the dataset `name`, of `shape` and `type`: row-major, little-endian.
    func withNumbers<Result>(
        _ name: String, shape: [Int], type: ElementType, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let dataset = try openDataset(name)
        guard dataset.shape == shape, dataset.content == .numbers(type) else {
            throw dataset.object.location.bad("has changed while it was read")
        }
        let elements = UnsafeMutableRawBufferPointer.allocate(byteCount: dataset.byteCount, alignment: 64)
        defer { elements.deallocate() }
        try dataset.read(into: elements)
        return try body(UnsafeRawBufferPointer(elements))
    }

    /// Whether each chunk of dataset `name` carries a Fletcher-32 checksum.
    func isChecksummed(_ name: String) throws -> Bool { try openDataset(name).isChecksummed }
}
