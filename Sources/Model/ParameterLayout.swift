/// How backward writes the gradient of a tensor.
package enum GradientKind: Sendable {
    /// A micro-batch adds to the rows of its words; all others stay as they are.
    case wordRows
    /// A micro-batch writes all of it at once, or adds to all of it.
    case product
    /// Micro-batches add to it.
    case sum
}

/// One tensor of the model: its place in the flat parameter, gradient and optimizer buffers.
package struct Parameter: Sendable, Equatable {
    /// PyTorch's name, as `bert.encoder.layer.0.attention.self.query.weight`.
    package let name: String
    /// PyTorch's shape; a dense layer is `[out, in]`.
    package let shape: [Int]
    /// First element in the flat buffer.
    package let offset: Int
    /// Whether weight decay applies: not to biases and LayerNorm.
    package let decays: Bool
    package let gradient: GradientKind
    package let part: ModelPart

    package var count: Int { shape.reduce(1, *) }
    package var range: Range<Int> { offset..<offset + count }
}

/// Where in the model a parameter is.
package enum ModelPart: Sendable, Equatable {
    /// Tables, LayerNorm and, where there is one, the projection.
    case embeddings
    /// A block of the encoder, from 0.
    case layer(Int)
    case head
}

/// Names, shapes and places of all parameters, end to end in one flat buffer of `count` floats. The single
/// source for the encoder, optimizer, reduction and every file format.
///
/// The order is that of the forward pass, so backward finishes ranges from the end towards the start; the
/// query, key and value weights of a layer stand together, so that one product serves all three.
package struct ParameterLayout: Sendable, Equatable {
    package let parameters: [Parameter]
    package let count: Int
    package let layerCount: Int
    private let indexByName: [String: Int]

    package init(_ configuration: ModelConfiguration) {
        var builder = Builder()
        let prefix = configuration.modelType.rawValue
        let hidden = configuration.hiddenSize
        let intermediate = configuration.intermediateSize
        builder.addEmbeddings(configuration)
        for index in 0..<configuration.layerCount {
            let layer = "\(prefix).encoder.layer.\(index)"
            builder.part = .layer(index)
            let projections = ["query", "key", "value"].map { "\(layer).attention.self.\($0)" }
            for projection in projections {
                builder.add("\(projection).weight", [hidden, hidden], gradient: .product)
            }
            for projection in projections { builder.add("\(projection).bias", [hidden], decays: false) }
            builder.addDense("\(layer).attention.output.dense", output: hidden, input: hidden)
            builder.addLayerNorm("\(layer).attention.output.LayerNorm", hidden)
            builder.addDense("\(layer).intermediate.dense", output: intermediate, input: hidden)
            builder.addDense("\(layer).output.dense", output: hidden, input: intermediate)
            builder.addLayerNorm("\(layer).output.LayerNorm", hidden)
        }
        builder.part = .head
        builder.addDense(Self.spanHead, output: 2, input: hidden, gradient: .sum)
        parameters = builder.parameters
        layerCount = configuration.layerCount
        count = builder.count
        indexByName = Dictionary(uniqueKeysWithValues: parameters.enumerated().map { ($1.name, $0) })
    }

    /// The dense layer that turns hidden states into start and end logits. Checkpoints that were never
    /// fine-tuned lack it.
    package static let spanHead = "qa_outputs"

    package subscript(name: String) -> Parameter? { indexByName[name].map { parameters[$0] } }
}

extension ParameterLayout {
    private struct Builder {
        var parameters: [Parameter] = []
        var count = 0
        /// Of what is added.
        var part = ModelPart.embeddings

        mutating func add(
            _ name: String, _ shape: [Int], decays: Bool = true, gradient: GradientKind = .sum
        ) {
            let parameter = Parameter(
                name: name, shape: shape, offset: count, decays: decays, gradient: gradient, part: part)
            parameters.append(parameter)
            count += parameter.count
        }

        mutating func addEmbeddings(_ configuration: ModelConfiguration) {
            let prefix = configuration.modelType.rawValue
            let width = configuration.embeddingSize
            let embeddings = "\(prefix).embeddings"
            add(
                "\(embeddings).word_embeddings.weight", [configuration.vocabularySize, width],
                gradient: .wordRows)
            add("\(embeddings).position_embeddings.weight", [configuration.maxPositions, width])
            add("\(embeddings).token_type_embeddings.weight", [configuration.tokenTypeCount, width])
            addLayerNorm("\(embeddings).LayerNorm", width)
            if configuration.projectsEmbeddings {
                addDense("\(prefix).embeddings_project", output: configuration.hiddenSize, input: width)
            }
        }

        mutating func addDense(
            _ name: String, output: Int, input: Int, gradient: GradientKind = .product
        ) {
            add("\(name).weight", [output, input], gradient: gradient)
            add("\(name).bias", [output], decays: false)
        }

        mutating func addLayerNorm(_ name: String, _ size: Int) {
            add("\(name).weight", [size], decays: false)
            add("\(name).bias", [size], decays: false)
        }
    }
}
