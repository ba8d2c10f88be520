import Core
import Foundation
import Model

/// What loading weights found, for the user to be told.
package struct WeightLoadReport: Sendable, Equatable {
    /// The file that was read.
    package let path: String
    /// Parameters of the span head that were not in the file; their part of the buffer is untouched and has to
    /// be initialised.
    package let missing: [String]
    /// Start of all names in the file that was left out of account, as `module.`; mostly empty.
    package var prefix = ""
    /// Tensors of the file that the model has no use for.
    package let unexpected: [String]

    /// A line about the start of names, where one was left out of account.
    package var prefixNotice: String? {
        prefix.isEmpty ? nil : "\(path): \"\(prefix)\" before every name of a weight was taken off"
    }
}

/// A file of named tensors that can be read as weights.
package protocol WeightSource {
    /// The file; of one in several parts, its index.
    var path: String { get }
    var format: WeightFormat { get }
    /// Tensors in the file's order, under the names and in the shapes that PyTorch has.
    var weights: [WeightDescription] { get }
    /// Texts that the file carries beside the tensors.
    var metadata: [String: String] { get }

    /// Calls `body` with the elements of tensor `index` of `weights`, in row-major order, little-endian and of its
    /// type; possibly unaligned, and valid only during the call.
    func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result

    /// Reads tensor `index` of `weights`, whose elements `destination` has room for. F64 is rounded; a type that is
    /// not a weight's is `.badData`.
    func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws

    /// First byte in the file of the elements of tensor `index`; `nil`, as by default, where they do not stand there
    /// in one piece as they are.
    func offset(of index: Int) -> Int?
    /// Whether the file itself carries a checksum of the elements of tensor `index`, which reading checks or
    /// `verify` does; not by default.
    func isProtected(_ index: Int) throws -> Bool
    /// Checks what reading every tensor leaves unchecked, as checksums of an archive and parts beside the tensors;
    /// by default nothing. Throws `.badData` on damage.
    func verify() throws
    /// All tensors of the file by the groups in which it keeps them, the weights first: by default one without a
    /// name.
    func tensorGroups() throws -> [TensorGroup]
}

/// Tensors that a file keeps together.
package struct TensorGroup {
    /// As `optimizer/exp_avg`; `nil` in a format that has only weights.
    package let name: String?
    package let tensors: any WeightSource
}

extension WeightSource {
    package func offset(of index: Int) -> Int? { nil }
    package func isProtected(_ index: Int) throws -> Bool { false }
    package func verify() throws {}
    package func tensorGroups() throws -> [TensorGroup] { [TensorGroup(name: nil, tensors: self)] }

    package func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws {
        try withElements(of: index) { bytes in
            guard weights[index].type.convert(bytes, into: destination) else {
                throw notAWeight(weights[index])
            }
        }
    }

    /// Throws `.badData` when tensor `index` is of a type that `readWeight` does not take.
    func requireWeight(_ index: Int) throws {
        guard weights[index].type.isWeight else { throw notAWeight(weights[index]) }
    }

    func notAWeight(_ tensor: WeightDescription) -> CheckpointError {
        .badData(
            "has type \(tensor.type.rawValue), which is not one of F32, F16, BF16, F64", path: path,
            item: tensor.name, remedy: "convert the weights to one of these")
    }

    /// Reads all that belongs to `layout` into the flat buffer `values`, accepting the names that `WeightNames`
    /// accepts. On an error part of the buffer may have been overwritten.
    package func loadWeights(
        layout: ParameterLayout, into values: UnsafeMutableBufferPointer<Float>
    ) throws -> WeightLoadReport {
        precondition(values.count == layout.count)
        let names = try WeightNames(weights, layout: layout, path: path)
        for match in names.matches {
            try readWeight(
                match.tensor, into: UnsafeMutableBufferPointer(rebasing: values[match.parameter.range]))
        }
        return WeightLoadReport(
            path: path, missing: names.missing, prefix: names.prefix, unexpected: names.unexpected)
    }
}

/// Opens the weights of a model folder, a file of weights or a Dure checkpoint, whichever format it is of by
/// content. In a folder the first of `WeightFormat.folderFiles` counts.
package func openWeights(_ folderOrFile: String) throws -> any WeightSource {
    let (path, format) = try WeightFormat.locate(folderOrFile)
    switch format {
    case .safetensors: return try SafetensorsFile(path: path)
    case .checkpoint: return try CheckpointFile(path: path)
    case .torch: return try TorchFile(path: path)
    case .sharded: return try ShardedWeights(path: path)
    case .keras: return try KerasWeights(path: path)
    }
}

/// Reads the weights that `openWeights` finds into the flat buffer `values` of `layout.count` floats. On an error
/// part of the buffer may have been overwritten.
package func loadWeights(
    from folderOrFile: String, layout: ParameterLayout, into values: UnsafeMutableBufferPointer<Float>
) throws -> WeightLoadReport {
    try openWeights(folderOrFile).loadWeights(layout: layout, into: values)
}

/// The formats that weights can be read from.
package enum WeightFormat: String, Sendable, Codable {
    case safetensors
    case checkpoint = "dure checkpoint"
    case torch = "PyTorch"
    case sharded = "sharded weights"
    case keras = "keras weights"

    /// The files that the weights of a folder may be in; the first that is there counts.
    static let folderFiles = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "tf_model.h5",
    ]

    static let zipSignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    /// The file that holds the weights of `folderOrFile`, and its format by content.
    static func locate(_ folderOrFile: String) throws -> (path: String, format: WeightFormat) {
        guard isFolder(folderOrFile) else { return (folderOrFile, try format(of: folderOrFile)) }
        let start = folderOrFile + (folderOrFile.hasSuffix("/") ? "" : "/")
        guard let name = folderFiles.first(where: { exists(start + $0) }) else {
            throw MissingModel.noWeights(in: folderOrFile)
        }
        return (start + name, try format(of: start + name))
    }

    private static func format(of path: String) throws -> WeightFormat {
        let file = try MappedFile(path: path)
        let beginning = file.withBytes { Array($0.prefix(FileContent.bytesLookedAt)) }
        let start = Array(beginning.prefix(8))
        if start == HDF5.signature { return try KerasWeights.isKeras(path) ? .keras : .checkpoint }
        if start.starts(with: zipSignature) { return .torch }
        if path.hasSuffix(".json") { return .sharded }
        let remedy = "name weights as safetensors, PyTorch's .bin, Keras's .h5, or a checkpoint of dure"
        if let error = CheckpointError.otherContent(
            beginning, path: path, wanted: [.safetensors, .pickle, .json], remedy: remedy)
        {
            throw error
        }
        // The length of a safetensors header may begin like any of the others.
        let length = start.withUnsafeBytes { $0.integer(at: 0, as: UInt64.self) } ?? .max
        if length <= UInt64(SafetensorsHeader.maximumLength) { return .safetensors }
        if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) { return .torch }
        if start.first == UInt8(ascii: "{") { return .sharded }
        return path.hasSuffix(".h5") ? .checkpoint : .safetensors
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
