import Foundation
import Model

/// What a file of weights holds, for `dure inspect`. Rendered by `text`, or as JSON by its `Codable`.
package struct Inspection: Sendable, Codable, Equatable {
    /// One tensor.
    package struct Tensor: Sendable, Codable, Equatable {
        package var name: String
        package var shape: [Int]
        /// The element type by its safetensors name, as F32.
        package var type: String
        /// Bytes of the elements, uncompressed.
        package var bytes: Int
        /// First byte in the file, where the format has such a thing.
        package var offset: Int?
        /// CRC-32 of the elements' bytes, little-endian, in hexadecimal: zlib's `crc32`.
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

    /// Reads every byte of the checkpoint, safetensors file or model folder at `path`. Throws `CheckpointError`,
    /// `.badData` for any damage that the file's own checksums and structure can show; for a folder the
    /// configuration and the fit of the weights are checked as well.
    package init(path: String) throws {
        if WeightFormat.isFolder(path) { try Self.checkFolder(path) }
        let (file, format) = try WeightFormat.locate(path)
        switch format {
        case .safetensors: self = try Self(safetensors: SafetensorsFile(path: file))
        case .checkpoint: self = try Self(checkpoint: CheckpointFile(path: file))
        case .keras: self = try Self(source: KerasWeights(path: file))
        }
    }

    /// Reads every byte of `path` and throws `.badData` on damage; also that a checkpoint is all it should be: the
    /// configuration is valid, and weights and optimizer state are complete.
    @discardableResult
    package static func verify(path: String) throws -> Inspection {
        let inspection = try Inspection(path: path)
        if inspection.format == .checkpoint { try checkCheckpoint(inspection) }
        return inspection
    }

    private init(path: String, format: WeightFormat, tensors: [Tensor], metadata: [String: String]) {
        self.path = path
        self.format = format
        self.tensors = tensors
        self.metadata = metadata
        parameterCount = 0
        var sum = CRC32()
        for tensor in tensors {
            Array("\(tensor.name) \(tensor.shape) \(tensor.checksum)\n".utf8).withUnsafeBytes {
                sum.update($0)
            }
        }
        checksum = sum.text
    }

    private init(safetensors file: SafetensorsFile) {
        let tensors = file.header.tensors.map { tensor in
            var sum = CRC32()
            file.withBytes(of: tensor) { sum.update($0) }
            return Tensor(
                name: tensor.name, shape: tensor.shape, type: tensor.type.rawValue, bytes: tensor.range.count,
                offset: tensor.range.lowerBound, checksum: sum.text, isProtected: false)
        }
        self.init(path: file.path, format: .safetensors, tensors: tensors, metadata: file.header.metadata)
        parameterCount = file.header.tensors.filter(\.type.isWeight).reduce(0) { $0 + $1.count }
    }

    private init(source: KerasWeights) throws {
        let tensors = try source.weights.indices.map { index in
            let weight = source.weights[index]
            var sum = CRC32()
            let bytes = try source.withElements(of: index) { bytes in
                sum.update(bytes)
                return bytes.count
            }
            return Tensor(
                name: weight.name, shape: weight.shape, type: weight.type.rawValue, bytes: bytes,
                checksum: sum.text, isProtected: try source.isProtected(index))
        }
        self.init(path: source.path, format: .keras, tensors: tensors, metadata: source.metadata)
        parameterCount = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    private init(checkpoint file: CheckpointFile) throws {
        var tensors: [Tensor] = []
        var parameterCount = 0
        try file.forEachTensorGroup { prefix, group in
            for name in try group.memberNames() {
                let description = try group.describeFloats(name)
                let tensor = try Self.tensor(description, prefix: prefix, in: group)
                if prefix == CheckpointPath.model {
                    parameterCount += tensor.bytes / MemoryLayout<Float>.size
                }
                tensors.append(tensor)
            }
        }
        let contents = file.contents
        self.init(
            path: file.path, format: .checkpoint, tensors: tensors, metadata: file.metadata)
        self.parameterCount = parameterCount
        kind = file.kind
        step = contents.step
        epoch = contents.epoch
        created = contents.created
        programVersion = contents.programVersion
    }

    private static func tensor(
        _ description: HDF5FloatDescription, prefix: String, in group: borrowing HDF5Object
    ) throws -> Tensor {
        var sum = CRC32()
        let bytes = try group.withFloats(description.name, shape: description.shape) { values in
            sum.update(UnsafeRawBufferPointer(values))
            return values.count * MemoryLayout<Float>.size
        }
        return Tensor(
            name: "\(prefix)/\(description.name)", shape: description.shape, type: "F32", bytes: bytes,
            checksum: sum.text, isProtected: description.isChecksummed)
    }

    private static func checkFolder(_ path: String) throws {
        let folder = try ModelFolder(path: path)
        let (file, _) = try WeightFormat.locate(path)
        let source = try openWeights(path)
        let names = try WeightNames(
            source.weights, layout: ParameterLayout(folder.configuration), path: file)
        for match in names.matches { try source.requireWeight(match.tensor) }
    }

    private static func checkCheckpoint(_ inspection: Inspection) throws {
        let file = try CheckpointFile(path: inspection.path)
        let layout = ParameterLayout(try ModelFolder(checkpoint: file).configuration)
        _ = try WeightNames(file.weights, layout: layout, path: file.path)
        guard file.kind == .training else { return }
        let shapes = Dictionary(uniqueKeysWithValues: inspection.tensors.map { ($0.name, $0.shape) })
        for state in [CheckpointPath.average, CheckpointPath.squaredAverage] {
            for parameter in layout.parameters {
                let name = "\(CheckpointPath.optimizer)/\(state)/\(parameter.name)"
                guard shapes[name] == parameter.shape else {
                    throw CheckpointError.badData(
                        "is missing or not of shape \(parameter.shape)", path: file.path, item: "/\(name)")
                }
            }
        }
    }
}

extension Inspection {
    /// For people: a line for each fact and each tensor.
    package var text: String {
        var lines = ["\(path): \(format.rawValue)"]
        func add(_ name: String, _ value: String?) {
            if let value { lines.append("  \(name): \(value)") }
        }
        add("kind", kind?.rawValue)
        add("step", step.map { "\($0)" })
        add("epoch", epoch.map { "\($0)" })
        add("created", created)
        add("dure version", programVersion)
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { add(name, value) }
        add("tensors", "\(tensors.count)")
        add("parameters", "\(parameterCount)")
        add("checksum", checksum)
        let width = tensors.map(\.name.utf8.count).max() ?? 0
        for tensor in tensors {
            let name = tensor.name + String(repeating: " ", count: width - tensor.name.utf8.count)
            let place = tensor.offset.map { " at \($0)" } ?? ""
            let shape = tensor.shape.map(String.init).joined(separator: "×")
            lines.append(
                "  \(name)  \(tensor.checksum)  \(tensor.type) [\(shape)]  \(tensor.bytes) bytes\(place)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension AttributeValue {
    /// The value as `inspect` shows it.
    package var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .flag(let value): "\(value)"
        case .text(let value): value
        }
    }
}
