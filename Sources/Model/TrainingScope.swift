/// Which parts of a model training changes, and what backward computes again instead of keeping it.
package struct TrainingScope: Sendable, Equatable {
    /// Whether tables, LayerNorm and projection of the embeddings stay as they are.
    package var freezesEmbeddings = false
    /// How many blocks, from the first on, stay as they are.
    package var frozenLayers = 0
    /// Whether a block keeps its result alone for backward, which computes the rest of it again (gradient
    /// checkpointing: Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
    package var recomputesLayers = false

    package init(freezesEmbeddings: Bool = false, frozenLayers: Int = 0, recomputesLayers: Bool = false) {
        self.freezesEmbeddings = freezesEmbeddings
        self.frozenLayers = frozenLayers
        self.recomputesLayers = recomputesLayers
    }

    package func trains(_ part: ModelPart) -> Bool {
        switch part {
        case .embeddings: !freezesEmbeddings
        case .layer(let index): index >= frozenLayers
        case .head: true
        }
    }

    /// How many blocks, from the first on, backward need not go through, since nothing before them is trained.
    package var detachedLayers: Int { freezesEmbeddings ? frozenLayers : 0 }

    /// Whether there is something before block `layer` for backward to go on to.
    func needsInputGradient(ofLayer layer: Int) -> Bool { !freezesEmbeddings || layer > detachedLayers }
}

extension ParameterLayout {
    /// The elements that training changes, ascending, neighbouring tensors in one.
    package func trained(in scope: TrainingScope) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for parameter in parameters where scope.trains(parameter.part) {
            if let last = ranges.last, last.upperBound == parameter.offset {
                ranges[ranges.count - 1] = last.lowerBound..<parameter.range.upperBound
            } else {
                ranges.append(parameter.range)
            }
        }
        return ranges
    }
}
