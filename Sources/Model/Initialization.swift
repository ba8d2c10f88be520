import Foundation
import Kernels

/// Draws the initial value of `parameters`, or of those whose name is in `names`: matrices from
/// normal(0, `initializer_range`) with the padding rows of the tables zero, biases 0, LayerNorm 1 and 0, as
/// transformers does. A tensor's numbers depend on the seed and its place in the layout alone.
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
        if let row = paddingRow(of: parameter, configuration) {
            let width = parameter.shape[1]
            tensor[row * width..<(row + 1) * width].update(repeating: 0)
        }
    }
}

/// The row of a table that stands for no token.
private func paddingRow(of parameter: Parameter, _ configuration: ModelConfiguration) -> Int? {
    if parameter.name.hasSuffix(".word_embeddings.weight") { return configuration.padTokenID }
    if parameter.name.hasSuffix(".position_embeddings.weight") { return configuration.paddingPosition }
    return nil
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
