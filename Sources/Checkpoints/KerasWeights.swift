import Foundation
import Model

/// An open file of Keras weights in HDF5 (`tf_model.h5`), as the TensorFlow models of transformers save them.
///
/// Such a file carries no checksums: it is opened only after `ForeignHDF5` has let it pass, and wrong values are not
/// noticed.
// Every use of the file goes through the library's lock.
package final class KerasWeights: @unchecked Sendable {
    package let path: String
    package let weights: [WeightDescription]
    package let metadata: [String: String]
    private let file: HDF5Object
    private let datasets: [Dataset]

    private struct Dataset {
        /// From `/`.
        let path: String
        /// As stored: of a kernel `[in, out]`.
        let shape: [Int]
        let isKernel: Bool
    }

    /// Opens `path`; throws `CheckpointError` when it is missing, damaged, or no file of Keras weights.
    package init(path: String) throws {
        self.path = path
        try ForeignHDF5.admit(path, format: .keras)
        let file = try HDF5Object.openFile(path)
        guard try file.hasAttribute(KerasPath.layerNames) || file.hasAttribute("\(KerasPath.layerNames)0")
        else {
            throw CheckpointError.badData(
                "is an HDF5 file but holds no Keras weights, attribute \(KerasPath.layerNames) is missing",
                path: path, remedy: "save the model again (transformers: save_pretrained)")
        }
        (weights, datasets) = try HDF5.locked { try Self.list(file) }
        metadata = try HDF5.locked { try Self.texts(file) }
        self.file = file
    }

    /// Whether the HDF5 file `path` says of itself that it holds Keras weights and is no Dure checkpoint.
    static func isKeras(_ path: String) throws -> Bool {
        let file = try HDF5Object.openFile(path)
        guard try !file.hasAttribute(CheckpointPath.formatVersion) else { return false }
        return try file.hasAttribute(KerasPath.layerNames) || file.hasAttribute("\(KerasPath.layerNames)0")
    }

    private static func list(
        _ file: borrowing HDF5Object
    ) throws -> (weights: [WeightDescription], datasets: [Dataset]) {
        var weights: [WeightDescription] = []
        var datasets: [Dataset] = []
        var layers = try file.readSplitTexts(KerasPath.layerNames)
        if try file.contains(KerasPath.modelWeights) { layers.append(KerasPath.modelWeights) }
        // A layer that shares a weight with another, as a head the word embeddings, has it under the same name.
        var seen: Set<String> = []
        for layer in layers {
            let group = try file.openGroup(layer)
            for name in try group.readSplitTexts(KerasPath.weightNames)
            where seen.insert(HDF5Object.steps(name).joined(separator: "/")).inserted {
                let (shape, type) = try group.describeNumbers(name)
                let (pytorch, isKernel) = KerasNames.pytorch(name)
                let isMatrix = isKernel && shape.count == 2
                weights.append(
                    WeightDescription(name: pytorch, shape: isMatrix ? shape.reversed() : shape, type: type))
                datasets.append(Dataset(path: "\(layer)/\(name)", shape: shape, isKernel: isMatrix))
            }
        }
        return (weights, datasets)
    }

    private static func texts(_ file: borrowing HDF5Object) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in [KerasPath.backend, KerasPath.version] where try file.hasAttribute(name) {
            texts[name] = try file.readTexts(name).first
        }
        return texts
    }
}

extension KerasWeights: WeightSource {
    package var format: WeightFormat { .keras }

    package func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let (dataset, type) = (datasets[index], weights[index].type)
        return try file.withNumbers(dataset.path, shape: dataset.shape, type: type) { elements in
            guard dataset.isKernel else { return try body(elements) }
            return try withTransposed(
                elements, rows: dataset.shape[0], columns: dataset.shape[1],
                elementSize: type.bitsPerElement / 8, body)
        }
    }

    package func isProtected(_ index: Int) throws -> Bool { try file.isChecksummed(datasets[index].path) }
}
