import Foundation
import Model

/// Names of weights in Keras files, and PyTorch's names of the same.
///
/// Keras: `tf_bert_for_question_answering/bert/encoder/layer_._0/attention/self/query/kernel:0`, in the group `bert`.
/// PyTorch: `bert.encoder.layer.0.attention.self.query.weight`.
enum KerasNames {
    /// PyTorch's name of the weight that Keras calls `name`, and whether it is the kernel of a dense layer: `[in, out]`
    /// in Keras, `[out, in]` in PyTorch. Any name gives one; the first part, the model's own, is dropped.
    static func pytorch(_ name: String) -> (name: String, isKernel: Bool) {
        let unnumbered = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
        var parts = unnumbered.utf8.split(separator: UInt8(ascii: "/")).map {
            String(decoding: $0, as: UTF8.self)
        }
        if parts.count > 1 { parts.removeFirst() }
        guard let leaf = parts.popLast() else { return (name, false) }
        parts = parts.flatMap { part in
            // transformers puts a scope of its own before the name of a head: `mlm___cls`.
            let own = part.components(separatedBy: "___").last ?? part
            return own.components(separatedBy: "_._").filter { !$0.isEmpty }
        }
        let current =
            ["kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"][leaf] ?? leaf
        return ((parts + [current]).joined(separator: "."), leaf == "kernel")
    }

    /// Where Keras keeps the parameter that PyTorch calls `name`, in the class for question answering of `model`: the
    /// layer, which is a group, the weight's name, which is a path below it, and whether it is a kernel.
    static func keras(_ name: String, model: ModelType) -> (layer: String, name: String, isKernel: Bool) {
        var modules: [String] = []
        var parts = name.utf8.split(separator: UInt8(ascii: ".")).map { String(decoding: $0, as: UTF8.self) }
        let parameter = parts.popLast() ?? name
        for part in parts {
            if Int(part) != nil, let list = modules.popLast() {
                modules.append("\(list)_._\(part)")
            } else {
                modules.append(part)
            }
        }
        let leaf = leaf(parameter, of: modules.last ?? "")
        let scope = "tf_\(model.rawValue)_for_question_answering"
        let path = ([scope] + modules + ["\(leaf):0"]).joined(separator: "/")
        return (modules.first ?? scope, path, leaf == "kernel")
    }

    private static func leaf(_ parameter: String, of module: String) -> String {
        switch (module, parameter) {
        case ("LayerNorm", "weight"): "gamma"
        case ("LayerNorm", "bias"): "beta"
        case ("word_embeddings", _): "weight"
        case ("token_type_embeddings", _), ("position_embeddings", _): "embeddings"
        case (_, "weight"): "kernel"
        default: parameter
        }
    }

    /// `parameters` in the order in which transformers' models make them: those of one module together, token types
    /// before positions, and RoBERTa's embeddings after its encoder. Keras itself, unlike transformers, goes by the
    /// order when it loads.
    static func order(_ parameters: [Parameter], model: ModelType) -> [Parameter] {
        func module(_ parameter: Parameter) -> String {
            String(parameter.name[..<(parameter.name.lastIndex(of: ".") ?? parameter.name.endIndex)])
        }
        let members = Dictionary(grouping: parameters, by: module)
        var seen: Set<String> = []
        var modules = parameters.map(module).filter { seen.insert($0).inserted }
        let positions = modules.firstIndex { $0.hasSuffix(".position_embeddings") }
        let tokenTypes = modules.firstIndex { $0.hasSuffix(".token_type_embeddings") }
        if let positions, let tokenTypes, positions < tokenTypes { modules.swapAt(positions, tokenTypes) }
        if model == .roberta, let head = modules.firstIndex(of: ParameterLayout.spanHead) {
            let embeddings = modules.prefix { $0.contains(".embeddings.") }
            modules.insert(contentsOf: embeddings, at: head)
            modules.removeFirst(embeddings.count)
        }
        return modules.flatMap { members[$0] ?? [] }
    }
}

/// Attributes and groups of a Keras file beside those of its layers.
enum KerasPath {
    static let layerNames = "layer_names"
    static let weightNames = "weight_names"
    static let backend = "backend"
    static let version = "keras_version"
    /// Weights that belong to no layer.
    static let modelWeights = "top_level_model_weights"
}
