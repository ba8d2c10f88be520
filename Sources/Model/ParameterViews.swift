import Kernels

/// Pointers to the tensors of one block of the encoder, in the flat parameters or their gradients.
struct LayerView {
    /// `[3 · hidden, hidden]` and `[3 · hidden]`: query, key and value end to end.
    let queryKeyValueWeight: UnsafeMutablePointer<Float>
    let queryKeyValueBias: UnsafeMutablePointer<Float>
    /// `[hidden, hidden]`, `[hidden]`.
    let attentionOutputWeight: UnsafeMutablePointer<Float>
    let attentionOutputBias: UnsafeMutablePointer<Float>
    let attentionNorm: LayerNormWeights
    /// `[intermediate, hidden]`, `[intermediate]`.
    let intermediateWeight: UnsafeMutablePointer<Float>
    let intermediateBias: UnsafeMutablePointer<Float>
    /// `[hidden, intermediate]`, `[hidden]`.
    let outputWeight: UnsafeMutablePointer<Float>
    let outputBias: UnsafeMutablePointer<Float>
    let outputNorm: LayerNormWeights
}

/// Where a block's backward puts the gradients of its weights.
struct LayerGradients {
    /// For biases and LayerNorms.
    let sums: LayerView
    /// For the weights of dense layers; nil where they stay as they are.
    let products: LayerView?

    /// - view: the block's own gradients.
    /// - discarded: takes sums instead, where the block stays as it is.
    init(_ view: LayerView, discarded: UnsafeMutablePointer<Float>?) {
        sums = discarded.map(LayerView.init(everywhere:)) ?? view
        products = discarded == nil ? view : nil
    }
}

extension LayerView {
    /// Whatever is written goes to one place.
    fileprivate init(everywhere place: UnsafeMutablePointer<Float>) {
        let norm = LayerNormWeights(gamma: place, beta: place)
        self.init(
            queryKeyValueWeight: place, queryKeyValueBias: place, attentionOutputWeight: place,
            attentionOutputBias: place, attentionNorm: norm, intermediateWeight: place,
            intermediateBias: place, outputWeight: place, outputBias: place, outputNorm: norm)
    }
}

/// Pointers to the tensors of the dense layer between embeddings and encoder.
struct ProjectionView {
    /// `[hidden, embedding]`, `[hidden]`.
    let weight: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>
}

/// Pointers to all tensors of the model in one flat buffer: of the parameters, or of their gradients.
struct ParameterViews {
    let embeddings: EmbeddingTables
    let embeddingsNorm: LayerNormWeights
    let projection: ProjectionView?
    let layers: [LayerView]
    /// `[2, hidden]`, `[2]`.
    let spanWeight: UnsafeMutablePointer<Float>
    let spanBias: UnsafeMutablePointer<Float>

    init(_ configuration: ModelConfiguration, _ layout: ParameterLayout, _ base: UnsafeMutablePointer<Float>)
    {
        func tensor(_ name: String) -> UnsafeMutablePointer<Float> {
            guard let parameter = layout[name] else { preconditionFailure("no parameter \(name)") }
            return base + parameter.offset
        }
        func norm(_ name: String) -> LayerNormWeights {
            LayerNormWeights(gamma: tensor("\(name).weight"), beta: tensor("\(name).bias"))
        }
        let prefix = configuration.modelType.rawValue
        embeddings = EmbeddingTables(
            word: tensor("\(prefix).embeddings.word_embeddings.weight"),
            position: tensor("\(prefix).embeddings.position_embeddings.weight"),
            tokenType: tensor("\(prefix).embeddings.token_type_embeddings.weight"))
        embeddingsNorm = norm("\(prefix).embeddings.LayerNorm")
        projection =
            configuration.projectsEmbeddings
            ? ProjectionView(
                weight: tensor("\(prefix).embeddings_project.weight"),
                bias: tensor("\(prefix).embeddings_project.bias")) : nil
        layers = (0..<configuration.layerCount).map { index in
            let layer = "\(prefix).encoder.layer.\(index)"
            return LayerView(
                queryKeyValueWeight: tensor("\(layer).attention.self.query.weight"),
                queryKeyValueBias: tensor("\(layer).attention.self.query.bias"),
                attentionOutputWeight: tensor("\(layer).attention.output.dense.weight"),
                attentionOutputBias: tensor("\(layer).attention.output.dense.bias"),
                attentionNorm: norm("\(layer).attention.output.LayerNorm"),
                intermediateWeight: tensor("\(layer).intermediate.dense.weight"),
                intermediateBias: tensor("\(layer).intermediate.dense.bias"),
                outputWeight: tensor("\(layer).output.dense.weight"),
                outputBias: tensor("\(layer).output.dense.bias"),
                outputNorm: norm("\(layer).output.LayerNorm"))
        }
        spanWeight = tensor("\(ParameterLayout.spanHead).weight")
        spanBias = tensor("\(ParameterLayout.spanHead).bias")
    }
}
