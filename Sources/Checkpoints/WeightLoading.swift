import Foundation
import Model

/// What loading weights found, for the user to be told.
package struct WeightLoadReport: Sendable, Equatable {
    /// The file that was read.
    package let path: String
    /// Parameters of the span head that were not in the file; their part of the buffer is untouched and has to
    /// be initialised.
    package let missing: [String]
    /// Tensors of the file that the model has no use for.
    package let unexpected: [String]
}

/// A file of named tensors that can be read as weights.
protocol WeightSource {
    var path: String { get }
    /// Tensors in the file's order.
    var weights: [WeightDescription] { get }
    /// Reads tensor `index` of `weights`, whose elements `destination` has room for.
    func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws
}

extension WeightSource {
    /// Reads all that belongs to `layout` into the flat buffer `values`.
    func loadWeights(
        layout: ParameterLayout, into values: UnsafeMutableBufferPointer<Float>
    ) throws -> WeightLoadReport {
        precondition(values.count == layout.count)
        let names = try WeightNames(weights, layout: layout, path: path)
        for match in names.matches {
            try readWeight(
                match.tensor, into: UnsafeMutableBufferPointer(rebasing: values[match.parameter.range]))
        }
        return WeightLoadReport(path: path, missing: names.missing, unexpected: names.unexpected)
    }
}

extension SafetensorsFile: WeightSource {
    var weights: [WeightDescription] {
        header.tensors.map { WeightDescription(name: $0.name, shape: $0.shape) }
    }

    func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws {
        try read(header.tensors[index], into: destination)
    }
}

/// Reads the weights of a model folder, a safetensors file or a Dure checkpoint into the flat buffer `values` of
/// `layout.count` floats. In a folder the first of `model.safetensors`, `pytorch_model.bin` and `tf_model.h5`
/// counts. On an error part of the buffer may have been overwritten.
package func loadWeights(
    from folderOrFile: String, layout: ParameterLayout, into values: UnsafeMutableBufferPointer<Float>
) throws -> WeightLoadReport {
    let (path, format) = try WeightFormat.locate(folderOrFile)
    switch format {
    case .safetensors: return try SafetensorsFile(path: path).loadWeights(layout: layout, into: values)
    case .checkpoint: return try CheckpointFile(path: path).readWeights(layout: layout, into: values)
    }
}

/// The formats that weights can be read from.
enum WeightFormat {
    case safetensors
    case checkpoint

    /// The file that holds the weights of `folderOrFile`, and its format by content.
    static func locate(_ folderOrFile: String) throws -> (path: String, format: WeightFormat) {
        guard isFolder(folderOrFile) else { return (folderOrFile, try format(of: folderOrFile)) }
        func path(_ name: String) -> String { folderOrFile + (folderOrFile.hasSuffix("/") ? "" : "/") + name }
        if exists(path("model.safetensors")) { return (path("model.safetensors"), .safetensors) }
        let others = ["pytorch_model.bin", "tf_model.h5", "model.safetensors.index.json"]
        if let other = others.first(where: { exists(path($0)) }) { throw unsupported(path(other)) }
        throw CheckpointError(
            .missingInput, "the folder holds no weights", path: folderOrFile,
            remedy: "put the model's model.safetensors there")
    }

    private static func format(of path: String) throws -> WeightFormat {
        let file = try MappedFile(path: path)
        let start = file.withBytes { Array($0.prefix(8)) }
        if start == HDF5.signature { return .checkpoint }
        // A zip archive (PyTorch since 1.6) or a pickle (before).
        if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) || start.starts(with: [0x80, 0x02]) {
            throw unsupported(path)
        }
        return path.hasSuffix(".h5") ? .checkpoint : .safetensors
    }

    private static func unsupported(_ path: String) -> CheckpointError {
        CheckpointError(
            .badData, "weights in this format cannot be read yet", path: path,
            remedy: "save the model as model.safetensors (transformers: save_pretrained)")
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
