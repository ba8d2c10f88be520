/// A memory-mapped safetensors file with a validated header.
package final class SafetensorsFile: Sendable {
    package let path: String
    package let header: SafetensorsHeader
    private let file: MappedFile

    /// Maps `path` and checks its header; the tensors' bytes are not touched yet.
    package init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        header = try file.withBytes { try SafetensorsHeader($0, path: path) }
        self.file = file
    }

    /// Calls `body` with the bytes of `tensor` as they stand in the file, possibly unaligned.
    package func withBytes<Result>(
        of tensor: SafetensorsTensor, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try file.withBytes(in: tensor.range, body)
    }

    /// Converts the elements of `tensor` to `destination`, which holds as many; see `WeightSource.readWeight`.
    package func read(_ tensor: SafetensorsTensor, into destination: UnsafeMutableBufferPointer<Float>) throws
    {
        try withBytes(of: tensor) { bytes in
            guard tensor.type.convert(bytes, into: destination) else { throw notAWeight(tensor.description) }
        }
    }
}

extension SafetensorsFile: WeightSource {
    package var format: WeightFormat { .safetensors }
    package var weights: [WeightDescription] { header.tensors.map(\.description) }
    package var metadata: [String: String] { header.metadata }

    package func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withBytes(of: header.tensors[index], body)
    }

    package func offset(of index: Int) -> Int? { header.tensors[index].range.lowerBound }
}

extension SafetensorsTensor {
    fileprivate var description: WeightDescription { WeightDescription(name: name, shape: shape, type: type) }
}
