import Foundation
import Model

/// What a file of weights holds, for `dure inspect`. Rendered by `text`, or as JSON by its `Codable`.
package struct Inspection: Sendable, Codable, Equatable {
    /// One tensor.
    package struct Tensor: Sendable, Codable, Equatable {
        /// As the file has it, with the path of its group before it.
        package var name: String
        package var shape: [Int]
        /// The element type by its safetensors name, as F32.
        package var type: String
        /// Bytes of the elements, uncompressed.
        package var bytes: Int
        /// First byte in the file, where the format has such a thing.
        package var offset: Int?
        /// CRC-32 of the elements' bytes, row-major and little-endian, in hexadecimal: zlib's `crc32`.
        package var checksum: String
        /// Whether the file itself carries a checksum of the elements.
        package var isProtected: Bool
    }

    /// The file that was read: the weights, when a folder was named.
    package var path: String
    package var format: WeightFormat
    package var kind: CheckpointKind?
    package var step: Int?
    package var epoch: Double?
    package var created: String?
    package var programVersion: String?
    /// Texts beside the tensors: metadata of a safetensors file, state and settings of a checkpoint.
    package var metadata: [String: String]
    package var tensors: [Tensor]
    /// Elements of all weights, without the optimizer's state.
    package var parameterCount: Int
    /// CRC-32 over the names, shapes and checksums of all tensors in order.
    package var checksum: String

    /// Reads every tensor of the weights, checkpoint or model folder at `path`. Throws `CheckpointError`, `.badData`
    /// for any damage that the file's own checksums and structure can show; for a folder the configuration and the
    /// fit of the weights are checked as well.
    package init(path: String) throws { try self.init(try Self.open(path)) }

    /// Reads every byte of `path` and throws `.badData` on damage, or when something is missing that belongs to such
    /// a file.
    @discardableResult
    package static func verify(path: String) throws -> Inspection {
        let source = try open(path)
        try source.verify()
        return try Inspection(source)
    }

    private static func open(_ path: String) throws -> any WeightSource {
        let source = try openWeights(path)
        if WeightFormat.isFolder(path) { try checkFit(of: source, folder: path) }
        return source
    }

    private static func checkFit(of source: any WeightSource, folder: String) throws {
        let layout = ParameterLayout(try ModelFolder(path: folder).configuration)
        let names = try WeightNames(source.weights, layout: layout, path: source.path)
        for match in names.matches { try source.requireWeight(match.tensor) }
    }

    private init(_ source: any WeightSource) throws {
        path = source.path
        format = source.format
        metadata = source.metadata
        tensors = try source.tensorGroups().flatMap { group in
            try group.tensors.weights.indices.map { try Tensor(group, $0) }
        }
        // From what was read: a shape is but a claim.
        parameterCount = zip(source.weights, tensors).reduce(0) { sum, pair in
            pair.0.type.isWeight ? sum + pair.1.bytes * 8 / pair.0.type.bitsPerElement : sum
        }
        checksum = Self.checksum(of: tensors)
        guard let checkpoint = source as? CheckpointFile else { return }
        kind = checkpoint.kind
        step = checkpoint.contents.step
        epoch = checkpoint.contents.epoch
        created = checkpoint.contents.created
        programVersion = checkpoint.contents.programVersion
    }

    private static func checksum(of tensors: [Tensor]) -> String {
        var sum = CRC32()
        for tensor in tensors {
            Array("\(tensor.name) \(tensor.shape) \(tensor.checksum)\n".utf8).withUnsafeBytes {
                sum.update($0)
            }
        }
        return sum.text
    }
}

extension Inspection.Tensor {
    fileprivate init(_ group: TensorGroup, _ index: Int) throws {
        let description = group.tensors.weights[index]
        var sum = CRC32()
        bytes = try group.tensors.withElements(of: index) { elements in
            sum.update(elements)
            return elements.count
        }
        name = group.name.map { "\($0)/\(description.name)" } ?? description.name
        shape = description.shape
        type = description.type.rawValue
        offset = group.tensors.offset(of: index)
        checksum = sum.text
        isProtected = try group.tensors.isProtected(index)
    }
}
