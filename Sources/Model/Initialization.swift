import Foundation
import Kernels

/// Draws the initial value of `parameters`, or of those whose name is in `names`: matrices from
/// normal(0, `initializer_range`) with the word table's padding row zero, biases 0, LayerNorm 1 and 0, as
/// transformers' BertPreTrainedModel does. A tensor's numbers depend on the seed and its place in the layout
/// alone.
package func initializeParameters(
    _ parameters: UnsafeMutableBufferPointer<Float>, layout: ParameterLayout,
    configuration: ModelConfiguration, seed: UInt64, only names: Set<String>? = nil
) {
    for (index, parameter) in layout.parameters.enumerated() {
        if let names, !names.contains(parameter.name) { continue }
        let tensor = UnsafeMutableBufferPointer(rebasing: parameters[parameter.range])
        if parameter.shape.count == 1 {
            let isScale = parameter.name.hasSuffix("LayerNorm.weight")
            tensor.update(repeating: isScale ? 1 : 0)
            continue
        }
        fillNormal(tensor, deviation: configuration.initializerRange, seed: seed, stream: UInt32(index))
        if parameter.name.hasSuffix("word_embeddings.weight") {
            let row = parameter.shape[1]
            let padding = configuration.padTokenID * row
            tensor[padding..<padding + row].update(repeating: 0)
        }
    }
}

/// Normal numbers two at a time by Box and Muller's transform.
private func fillNormal(
    _ tensor: UnsafeMutableBufferPointer<Float>, deviation: Float, seed: UInt64, stream: UInt32
) {
    var generator = PhiloxGenerator(seed: seed, purpose: .initialization, stream: stream)
    var index = 0
    while index < tensor.count {
        let radius = (-2 * log(1 - generator.nextUniform())).squareRoot() * Double(deviation)
        let angle = 2 * Double.pi * generator.nextUniform()
        tensor[index] = Float(radius * cos(angle))
        if index + 1 < tensor.count { tensor[index + 1] = Float(radius * sin(angle)) }
        index += 2
    }
}
