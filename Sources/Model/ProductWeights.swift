import Kernels

/// The weights of dense layers as products take them: the parameters themselves, or copies of them in bfloat16 that
/// are made again after every update. Models of the same parameters share them.
package final class ProductWeights {
    /// The weights of one block.
    struct Layer {
        /// `[3 · hidden, hidden]`: query, key and value end to end.
        let queryKeyValue: NumberPointer
        /// `[hidden, hidden]`.
        let attentionOutput: NumberPointer
        /// `[intermediate, hidden]`.
        let intermediate: NumberPointer
        /// `[hidden, intermediate]`.
        let output: NumberPointer
    }

    /// What is copied together, in the order of forward.
    enum Part: Hashable {
        case projection
        /// Of attention, up to its output.
        case attention(Int)
        case intermediate(Int)
        case output(Int)
    }

    /// A weight that is copied.
    private struct Copy {
        let source: UnsafeMutablePointer<Float>
        let target: UnsafeMutablePointer<BrainFloat>
        let count: Int
    }

    package let precision: Precision
    /// `[hidden, embedding]`; nil where embeddings are not projected.
    let projection: NumberPointer?
    let layers: [Layer]
    private let memory: FloatBuffer?
    private let parameters: FloatBuffer
    private let copies: [Part: [Copy]]
    /// Whose copies are of parameters as they were.
    private var stale: Set<Part>

    package init(
        _ configuration: ModelConfiguration, _ layout: ParameterLayout, _ parameters: FloatBuffer,
        _ precision: Precision
    ) {
        self.precision = precision
        self.parameters = parameters
        let views = ParameterViews(configuration, layout, parameters.pointer)
        let memory =
            precision == .brain
            ? FloatBuffer(count: Self.bytes(configuration, precision) / MemoryLayout<Float>.stride) : nil
        self.memory = memory
        var arena = memory.map { Arena($0) }
        var copies: [Part: [Copy]] = [:]
        func copy(_ part: Part, _ source: UnsafeMutablePointer<Float>, _ shape: (Int, Int)) -> NumberPointer {
            let count = shape.0 * shape.1
            guard let target = arena?.take(count, .brain).brainFloats else { return NumberPointer(source) }
            copies[part, default: []].append(Copy(source: source, target: target, count: count))
            return NumberPointer(target)
        }
        let shapes = Shapes(configuration)
        projection = views.projection.map { copy(.projection, $0.weight, shapes.projection) }
        layers = views.layers.enumerated().map { layer, view in
            Layer(
                queryKeyValue: copy(.attention(layer), view.queryKeyValueWeight, shapes.queryKeyValue),
                attentionOutput: copy(.attention(layer), view.attentionOutputWeight, shapes.attentionOutput),
                intermediate: copy(.intermediate(layer), view.intermediateWeight, shapes.intermediate),
                output: copy(.output(layer), view.outputWeight, shapes.output))
        }
        self.copies = copies
        stale = Set(copies.keys)
    }

    /// Bytes of the copies.
    static func bytes(_ configuration: ModelConfiguration, _ precision: Precision) -> Int {
        guard precision == .brain else { return 0 }
        let shapes = Shapes(configuration)
        func bytes(_ shapes: [(Int, Int)]) -> Int {
            shapes.reduce(0) {
                $0 + Arena.padded(Arena.floats($1.0 * $1.1, precision)) * MemoryLayout<Float>.stride
            }
        }
        let block = [shapes.queryKeyValue, shapes.attentionOutput, shapes.intermediate, shapes.output]
        return configuration.layerCount * bytes(block)
            + (configuration.projectsEmbeddings ? bytes([shapes.projection]) : 0)
    }

    // MARK: Keeping up with the parameters

    /// To be told when parameters have changed.
    package func parametersChanged() { stale = Set(copies.keys) }

    /// Makes all copies that are no longer right, so that forward passes on several threads find them.
    package func update(_ pool: WorkerPool) {
        for part in stale { update(part, pool) }
    }

    func update(_ part: Part, _ pool: WorkerPool) {
        guard stale.contains(part), let copies = copies[part] else { return }
        for copy in copies { roundToBrainFloat(pool, copy.source, into: copy.target, count: copy.count) }
        stale.remove(part)
    }
}

/// Rows and columns of the weights.
private struct Shapes {
    let projection: (Int, Int)
    let queryKeyValue: (Int, Int)
    let attentionOutput: (Int, Int)
    let intermediate: (Int, Int)
    let output: (Int, Int)

    init(_ configuration: ModelConfiguration) {
        let (hidden, wide) = (configuration.hiddenSize, configuration.intermediateSize)
        projection = (hidden, configuration.embeddingSize)
        queryKeyValue = (3 * hidden, hidden)
        attentionOutput = (hidden, hidden)
        intermediate = (wide, hidden)
        output = (hidden, wide)
    }
}
