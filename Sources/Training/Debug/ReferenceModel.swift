import Foundation
import Kernels
import Model

/// The model's forward and loss for one sequence, written apart from the kernels and in double precision: what their
/// logits and gradients are checked against. No dropout.
///
/// It runs many variants at once, each with one tensor nudged. Stage 0 are the embeddings, stage k block k − 1, the
/// last the span head. Numbers are `[variants · tokens, width]`.
struct ReferenceModel {
    let configuration: ModelConfiguration
    let layout: ParameterLayout
    let parameters: UnsafePointer<Float>
    let wordIDs: [Int32]
    let tokenTypes: [Int32]
    let label: SpanLabel

    var tokens: Int { wordIDs.count }
    var lastStage: Int { configuration.layerCount + 1 }

    /// - Parameter sequence: must have a label.
    init?(_ model: SpanModel, _ sequence: InputSequence) {
        guard let label = sequence.label else { return nil }
        configuration = model.configuration
        layout = model.layout
        parameters = UnsafePointer(model.parameters.pointer)
        wordIDs = sequence.wordIDs
        tokenTypes =
            configuration.usesTokenTypes
            ? sequence.tokenTypeIDs : sequence.wordIDs.map { _ in 0 }
        self.label = label
    }

    var positions: [Int] { configuration.positions(of: wordIDs) }

    /// The stage that a tensor belongs to.
    func stage(of parameter: Parameter) -> Int {
        if parameter.name.hasPrefix(ParameterLayout.spanHead) { return lastStage }
        let parts = parameter.name.split(separator: ".")
        guard let place = parts.firstIndex(of: "layer"), parts.indices.contains(place + 1),
            let layer = Int(parts[place + 1])
        else { return 0 }
        return layer + 1
    }

    // MARK: Runs

    /// What every stage reads; nothing for the first.
    func inputs() -> [[Double]] {
        var inputs: [[Double]] = [[], embed([], variants: 1)]
        for layer in 0..<configuration.layerCount {
            inputs.append(block(layer, inputs[layer + 1], Variants(tokens: tokens, count: 1)))
        }
        return inputs
    }

    /// Start and end logits: `[tokens, 2]`, from what the last stage reads.
    func logits(_ inputs: [[Double]]) -> [Double] {
        head(inputs[lastStage], Variants(tokens: tokens, count: 1))
    }

    /// The loss with each of `nudges`, all of tensors of `stage`.
    ///
    /// - inputs: what `inputs()` gave.
    func losses(_ nudges: [Nudge], stage: Int, inputs: [[Double]]) -> [Double] {
        var x: [Double] = []
        if stage == 0 {
            x = embed(nudges, variants: nudges.count)
        } else {
            for _ in nudges { x += inputs[stage] }
        }
        let same = Variants(tokens: tokens, count: nudges.count)
        let nudged = Variants(tokens: tokens, count: nudges.count, nudges: nudges)
        for layer in max(stage - 1, 0)..<configuration.layerCount {
            x = block(layer, x, layer == stage - 1 ? nudged : same)
        }
        let logits = head(x, stage == lastStage ? nudged : same)
        return nudges.indices.map { loss(logits[$0 * tokens * 2..<($0 + 1) * tokens * 2]) }
    }

    /// (CE(start) + CE(end)) / 2.
    func loss(_ logits: ArraySlice<Double>) -> Double {
        func crossEntropy(_ column: Int, _ label: Int) -> Double {
            let values = (0..<tokens).map { logits[logits.startIndex + 2 * $0 + column] }
            let largest = values.max() ?? 0
            return log(values.reduce(0) { $0 + exp($1 - largest) }) + largest - values[label]
        }
        return (crossEntropy(0, label.start) + crossEntropy(1, label.end)) / 2
    }

    // MARK: Stages

    private var prefix: String { configuration.modelType.rawValue }

    private func embed(_ nudges: [Nudge], variants count: Int) -> [Double] {
        let width = configuration.embeddingSize
        let tables: [(name: String, rows: [Int], padding: Int?)] = [
            ("word", wordIDs.map(Int.init), configuration.padTokenID),
            ("position", positions, configuration.paddingPosition),
            ("token_type", tokenTypes.map(Int.init), nil),
        ]
        var sum = [Double](repeating: 0, count: count * tokens * width)
        for (name, rows, padding) in tables {
            guard let table = layout["\(prefix).embeddings.\(name)_embeddings.weight"] else { continue }
            for variant in 0..<count {
                let nudge = nudges.isEmpty || nudges[variant].parameter != table ? nil : nudges[variant]
                for (token, row) in rows.enumerated() {
                    let place = (variant * tokens + token) * width
                    for column in 0..<width {
                        let element = row * width + column
                        sum[place + column] += Double(parameters[table.offset + element])
                        // Padding rows are not trained.
                        if let nudge, row != padding { sum[place + column] += nudge.change(element) }
                    }
                }
            }
        }
        let variants = Variants(tokens: tokens, count: count, nudges: nudges)
        let normalized = layerNorm(sum, "\(prefix).embeddings.LayerNorm", variants)
        guard configuration.projectsEmbeddings else { return normalized }
        return dense(normalized, "\(prefix).embeddings_project", variants)
    }

    private func block(_ layer: Int, _ input: [Double], _ variants: Variants) -> [Double] {
        let name = "\(prefix).encoder.layer.\(layer)"
        let query = dense(input, "\(name).attention.self.query", variants)
        let key = dense(input, "\(name).attention.self.key", variants)
        let value = dense(input, "\(name).attention.self.value", variants)
        var sum = dense(attention(query, key, value, variants), "\(name).attention.output.dense", variants)
        for index in sum.indices { sum[index] += input[index] }
        let middle = layerNorm(sum, "\(name).attention.output.LayerNorm", variants)
        var wide = dense(middle, "\(name).intermediate.dense", variants)
        for index in wide.indices { wide[index] = activation(wide[index]) }
        sum = dense(wide, "\(name).output.dense", variants)
        for index in sum.indices { sum[index] += middle[index] }
        return layerNorm(sum, "\(name).output.LayerNorm", variants)
    }

    private func head(_ input: [Double], _ variants: Variants) -> [Double] {
        dense(input, ParameterLayout.spanHead, variants)
    }

    private func activation(_ x: Double) -> Double {
        switch configuration.activation {
        case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
        case .geluNew: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .relu: max(x, 0)
        }
    }

    // MARK: Operations

    private func dense(_ input: [Double], _ name: String, _ variants: Variants) -> [Double] {
        guard let weight = layout["\(name).weight"], let bias = layout["\(name).bias"] else { return [] }
        let (outputs, width) = (weight.shape[0], weight.shape[1])
        var result = product(input, doubles(weight), outputs: outputs, width: width)
        for row in 0..<variants.rows {
            for column in 0..<outputs {
                result[row * outputs + column] += Double(parameters[bias.offset + column])
            }
        }
        for (rows, nudge) in variants.nudges(of: bias) {
            for row in rows {
                for element in nudge.range { result[row * outputs + element] += nudge.change(element) }
            }
        }
        for (rows, nudge) in variants.nudges(of: weight) {
            add(nudge, input, rows, outputs: outputs, width: width, to: &result)
        }
        return result
    }

    /// Adds what a nudge of a dense layer's weight adds to its results.
    private func add(
        _ nudge: Nudge, _ input: [Double], _ rows: Range<Int>, outputs: Int, width: Int,
        to result: inout [Double]
    ) {
        if case .element(let element) = nudge.direction {
            let (output, column) = element.quotientAndRemainder(dividingBy: width)
            for row in rows {
                result[row * outputs + output] += nudge.amount * input[row * width + column]
            }
            return
        }
        var changes = [Double](repeating: 0, count: outputs * width)
        for element in nudge.range { changes[element] = nudge.change(element) }
        let own = Array(input[rows.lowerBound * width..<rows.upperBound * width])
        let sum = product(own, changes, outputs: outputs, width: width)
        for index in sum.indices { result[rows.lowerBound * outputs + index] += sum[index] }
    }

    /// input · weightᵀ.
    private func product(_ input: [Double], _ weight: [Double], outputs: Int, width: Int) -> [Double] {
        let rows = input.count / width
        return [Double](unsafeUninitializedCapacity: rows * outputs) { result, count in
            count = rows * outputs
            guard let target = result.baseAddress else { return }
            input.withUnsafeMatrix(columns: width) { a in
                weight.withUnsafeMatrix(columns: width) { b in
                    Kernels.product(
                        a, b, transposeB: true, into: DoubleMatrix(target, rows: rows, columns: outputs))
                }
            }
        }
    }

    private func doubles(_ parameter: Parameter) -> [Double] {
        let source = parameters + parameter.offset
        return [Double](unsafeUninitializedCapacity: parameter.count) { target, count in
            for index in 0..<parameter.count { target[index] = Double(source[index]) }
            count = parameter.count
        }
    }

    private func layerNorm(_ input: [Double], _ name: String, _ variants: Variants) -> [Double] {
        guard let scale = layout["\(name).weight"], let shift = layout["\(name).bias"] else { return [] }
        let width = scale.count
        let (gamma, beta) = (doubles(scale), doubles(shift))
        var result = input
        for row in 0..<variants.rows {
            let place = row * width
            let mean = input[place..<place + width].reduce(0, +) / Double(width)
            let variance =
                input[place..<place + width].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            let deviation = (variance + Double(configuration.layerNormEpsilon)).squareRoot()
            for column in 0..<width { result[place + column] = (input[place + column] - mean) / deviation }
        }
        let scales = variants.nudges(of: scale).map { rows, nudge in
            (rows, nudge, Array(result[rows.lowerBound * width..<rows.upperBound * width]))
        }
        for row in 0..<variants.rows {
            for column in 0..<width {
                let place = row * width + column
                result[place] = result[place] * gamma[column] + beta[column]
            }
        }
        for (rows, nudge, normalized) in scales {
            for row in rows {
                for element in nudge.range {
                    result[row * width + element] +=
                        nudge.change(element) * normalized[(row - rows.lowerBound) * width + element]
                }
            }
        }
        for (rows, nudge) in variants.nudges(of: shift) {
            for row in rows {
                for element in nudge.range { result[row * width + element] += nudge.change(element) }
            }
        }
        return result
    }

    private func attention(
        _ query: [Double], _ key: [Double], _ value: [Double], _ variants: Variants
    ) -> [Double] {
        let (hidden, size) = (configuration.hiddenSize, configuration.headSize)
        var context = [Double](repeating: 0, count: query.count)
        var scores = [Double](repeating: 0, count: tokens * tokens)
        func head(_ values: DoubleMatrix, _ variant: Int, _ head: Int) -> DoubleMatrix {
            DoubleMatrix(
                values.pointer + variant * tokens * hidden + head * size, rows: tokens, columns: size,
                stride: hidden)
        }
        query.withUnsafeMatrix(columns: hidden) { query in
            key.withUnsafeMatrix(columns: hidden) { key in
                value.withUnsafeMatrix(columns: hidden) { value in
                    context.withUnsafeMutableMatrix(columns: hidden) { context in
                        scores.withUnsafeMutableMatrix(columns: tokens) { scores in
                            for variant in 0..<variants.count {
                                for index in 0..<configuration.headCount {
                                    Kernels.product(
                                        head(query, variant, index), head(key, variant, index),
                                        transposeB: true, scale: 1 / Double(size).squareRoot(), into: scores)
                                    softmax(scores)
                                    Kernels.product(
                                        scores, head(value, variant, index),
                                        into: head(context, variant, index))
                                }
                            }
                        }
                    }
                }
            }
        }
        return context
    }

    private func softmax(_ scores: DoubleMatrix) {
        for row in 0..<scores.rows {
            let values = UnsafeMutableBufferPointer(
                start: scores.pointer + row * scores.stride, count: scores.columns)
            let largest = values.max() ?? 0
            for column in values.indices { values[column] = exp(values[column] - largest) }
            let total = values.reduce(0, +)
            for column in values.indices { values[column] /= total }
        }
    }
}

/// Variants of a sequence that run together, and what is nudged in each.
private struct Variants {
    let tokens: Int
    let count: Int
    var nudges: [Nudge] = []

    var rows: Int { count * tokens }

    /// The rows of each variant in which `parameter` is nudged.
    func nudges(of parameter: Parameter) -> [(rows: Range<Int>, nudge: Nudge)] {
        nudges.indices.filter { nudges[$0].parameter == parameter }.map {
            ($0 * tokens..<($0 + 1) * tokens, nudges[$0])
        }
    }
}

extension [Double] {
    fileprivate func withUnsafeMatrix(columns: Int, _ body: (DoubleMatrix) -> Void) {
        withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            body(
                DoubleMatrix(
                    UnsafeMutablePointer(mutating: start), rows: values.count / columns, columns: columns))
        }
    }

    fileprivate mutating func withUnsafeMutableMatrix(columns: Int, _ body: (DoubleMatrix) -> Void) {
        withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            body(DoubleMatrix(start, rows: values.count / columns, columns: columns))
        }
    }
}

extension ModelConfiguration {
    /// Rows of the position table for the tokens of a feature, as the model's class in transformers counts them.
    func positions(of wordIDs: [Int32]) -> [Int] {
        guard let padding = paddingPosition else { return Array(wordIDs.indices) }
        var count = 0
        return wordIDs.map { id in
            guard id != Int32(padTokenID) else { return padding }
            count += 1
            return padding + count
        }
    }
}
