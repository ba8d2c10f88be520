import Foundation
import Model

/// Writes weights as the TensorFlow models of transformers save them: `tf_model.h5`.
///
/// Layout, names, shapes and order are those of `TFBertForQuestionAnswering.save_pretrained` and its like for other
/// models. Unlike theirs the file carries checksums of its structure and its tensors, which any HDF5 since 1.10
/// reads.
package enum KerasWriter {
    /// The version of Keras whose layout this is.
    private static let kerasVersion = "2.18.0"

    /// Writes every parameter of `layout` from the flat buffer `values` to `path`; the file appears whole or not at
    /// all. Throws `CheckpointError`.
    ///
    /// - prepare: called when all is written, before the file appears; where it throws, the file does not.
    package static func write(
        _ values: UnsafeBufferPointer<Float>, layout: ParameterLayout, model: ModelType, to path: String,
        beforeAppearing prepare: () throws -> Void = {}
    ) throws {
        precondition(values.count == layout.count)
        try AtomicFile.replace(path) { temporary in
            try HDF5.locked {
                let file = try HDF5Object.createFile(at: temporary, reportedAs: path)
                try write(values, layout: layout, model: model, to: file)
                try file.close()
            }
            try prepare()
        }
    }

    private struct Weight {
        let parameter: Parameter
        let name: String
        let isKernel: Bool
    }

    private static func write(
        _ values: UnsafeBufferPointer<Float>, layout: ParameterLayout, model: ModelType,
        to file: borrowing HDF5Object
    ) throws {
        var layers: [String] = []
        var weights: [String: [Weight]] = [:]
        for parameter in KerasNames.order(layout.parameters, model: model) {
            let (layer, name, isKernel) = KerasNames.keras(parameter.name, model: model)
            if weights[layer] == nil { layers.append(layer) }
            weights[layer, default: []].append(Weight(parameter: parameter, name: name, isKernel: isKernel))
        }
        try file.writeSplitTexts(KerasPath.layerNames, layers)
        try file.writeAttribute(KerasPath.backend, .text("tensorflow"))
        try file.writeAttribute(KerasPath.version, .text(kerasVersion))
        for layer in layers {
            try write(weights[layer] ?? [], from: values, to: try file.createGroup(layer))
        }
        try file.createGroup(KerasPath.modelWeights).writeSplitTexts(KerasPath.weightNames, [])
    }

    private static func write(
        _ weights: [Weight], from values: UnsafeBufferPointer<Float>, to layer: borrowing HDF5Object
    ) throws {
        try layer.writeSplitTexts(KerasPath.weightNames, weights.map(\.name))
        let writer = HDF5FloatWriter()
        for weight in weights {
            let part = UnsafeBufferPointer(rebasing: values[weight.parameter.range])
            let path = weight.name.split(separator: "/").map(String.init)
            try inGroups(path.dropLast(), of: layer) { group in
                try write(part, weight, as: path.last ?? weight.name, to: group, with: writer)
            }
        }
    }

    private static func write(
        _ values: UnsafeBufferPointer<Float>, _ weight: Weight, as name: String,
        to group: borrowing HDF5Object, with writer: HDF5FloatWriter
    ) throws {
        let shape = weight.parameter.shape
        guard weight.isKernel, shape.count == 2 else {
            return try writer.write(name, shape: shape, values, to: group)
        }
        try withTransposed(
            UnsafeRawBufferPointer(values), rows: shape[0], columns: shape[1],
            elementSize: MemoryLayout<Float>.size
        ) {
            try writer.write(
                name, shape: [shape[1], shape[0]], $0.assumingMemoryBound(to: Float.self), to: group)
        }
    }

    /// Calls `body` with the group at `path` below `group`, made where it is missing.
    private static func inGroups(
        _ path: ArraySlice<String>, of group: borrowing HDF5Object,
        _ body: (borrowing HDF5Object) throws -> Void
    ) throws {
        guard let name = path.first else { return try body(group) }
        let inner = try group.contains(name) ? group.openGroup(name) : group.createGroup(name)
        try inGroups(path.dropFirst(), of: inner, body)
    }
}
