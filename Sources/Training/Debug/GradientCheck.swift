import Foundation
import Kernels
import Model

/// Compares the gradients that the kernels compute with finite differences of a reference in double precision: of
/// every tensor a few elements, and one change of all its elements at once, which no wrong element escapes.
package struct GradientCheck {
    /// Elements of a tensor: those of the largest gradients, and others at random.
    package var largest = 2
    package var random = 1
    /// By how much a parameter is moved, up and down.
    package var step = 3e-5
    /// The largest relative error that passes.
    package var tolerance = 3e-3
    /// Tensors to which backward does not come.
    package var leavesOut: (Parameter) -> Bool
    private let model: SpanModel
    private let gradients: FloatBuffer

    /// - model: for training, with room for the sequence.
    /// - gradients: laid out as the parameters, overwritten; left all zero.
    package init(_ model: SpanModel, gradients: FloatBuffer? = nil) {
        self.model = model
        self.gradients = gradients ?? FloatBuffer(count: model.layout.count)
        leavesOut = { [scope = model.scope] in !scope.trains($0.part) }
        // The slope of ReLU jumps at 0, which as few numbers as possible may cross on the way.
        if model.configuration.activation == .relu { step = 1e-6 }
    }

    /// Checks on one sequence, without dropout; nil when it has no label.
    package func run(_ sequence: InputSequence) -> GradientCheckResult? {
        guard let reference = ReferenceModel(model, sequence) else { return nil }
        let kernels = computeByKernels(sequence)
        let inputs = reference.inputs()
        let logits = reference.logits(inputs)
        let isFinite = squaredNorm(model.pool, gradients.pointer, gradients.count).isFinite
        var tensors: [CheckedTensor] = []
        if isFinite {
            tensors = Comparison(
                check: self, reference: reference, inputs: inputs, gradients: gradients.pointer,
                pool: model.pool
            ).run()
        }
        gradients.fill(0)
        return GradientCheckResult(
            tensors: tensors, tokens: sequence.wordIDs.count, step: step, tolerance: tolerance,
            loss: kernels.loss, referenceLoss: reference.loss(logits[...]),
            logitDifference: zip(kernels.logits, logits).reduce(0) { difference, pair in
                let next = abs(pair.0 - pair.1)
                return next > difference || next.isNaN ? next : difference
            },
            largestLogit: logits.map { abs($0) }.max() ?? 0, hasFiniteGradients: isFinite)
    }

    /// Loss and logits, `[tokens, 2]`; gradients are in `gradients`.
    private func computeByKernels(_ sequence: InputSequence) -> (loss: Double, logits: [Double]) {
        let batch = PackedBatch([sequence], for: model.configuration)
        gradients.fill(0)
        model.forward(batch, dropout: nil)
        let logits = (0..<batch.tokens).flatMap {
            [Double(model.logits.start[$0]), Double(model.logits.end[$0])]
        }
        let loss = model.loss(batch, weight: 1)
        model.backward(batch, dropout: nil, into: gradients)
        return (loss.total, logits)
    }
}

/// What a gradient check found.
package struct GradientCheckResult: Sendable {
    /// In the order of the layout.
    package let tensors: [CheckedTensor]
    package let tokens: Int
    package let step: Double
    package let tolerance: Double
    /// The kernels' loss, and the reference's.
    package let loss: Double
    package let referenceLoss: Double
    /// The largest difference of a logit, and the largest logit.
    package let logitDifference: Double
    package let largestLogit: Double
    let hasFiniteGradients: Bool

    /// Whether the kernels' numbers are; otherwise there is nothing to compare.
    package var isFinite: Bool { loss.isFinite && logitDifference.isFinite && hasFiniteGradients }

    package var largestError: Double { tensors.map(\.error).max() ?? 0 }
    /// Backward goes from the last tensor to the first, so the first of these is where it goes wrong.
    package var wrongTensors: [CheckedTensor] { tensors.reversed().filter { $0.error > tolerance } }
    /// Whether forward is right: what has no backward yet cannot have gone wrong there.
    package var agreesForward: Bool {
        logitDifference <= 1e-3 * max(largestLogit, 1)
            && abs(loss - referenceLoss) <= 1e-3 * max(referenceLoss, 1)
    }
}

/// What the check found of one tensor.
package struct CheckedTensor: Sendable {
    /// PyTorch's name.
    package let name: String
    package let shape: [Int]
    /// Nil for embeddings and span head.
    package let layer: Int?
    package var elements: [CheckedElement]
    /// Of the change of all elements at once.
    package let wholeError: Double
    /// Rows that no token selects, of a table; their gradient must be zero.
    package let unusedRows: Int
    /// One of them that has a gradient.
    package let strayRow: Int?

    /// The largest relative error; infinite where something is not a number.
    package var error: Double {
        let errors = elements.map(\.error) + [wholeError, strayRow == nil ? 0 : .infinity]
        return errors.contains(where: \.isNaN) ? .infinity : errors.max() ?? 0
    }

    package var worst: CheckedElement? { elements.max { $0.error < $1.error } }
}

/// One element's gradient by the kernels and by finite differences.
package struct CheckedElement: Sendable {
    package let element: Int
    package let gradient: Double
    package let difference: Double
    /// |gradient − difference|, as a share of the larger, or of a twentieth of the tensor's largest gradient where
    /// both are smaller than that: what is nearly nothing beside others is known that well only.
    package let error: Double
}

/// A check on its way.
private struct Comparison {
    let check: GradientCheck
    let reference: ReferenceModel
    let inputs: [[Double]]
    let gradients: UnsafePointer<Float>
    let pool: WorkerPool

    /// What is asked of the reference.
    private struct Probe {
        let tensor: Int
        let parameter: Parameter
        let direction: Nudge.Direction
    }

    func run() -> [CheckedTensor] {
        let parameters = reference.layout.parameters
        let scales = parameters.map { scale(of: $0) }
        var tensors: [CheckedTensor] = []
        for stage in 0...reference.lastStage {
            let members = parameters.indices.filter {
                reference.stage(of: parameters[$0]) == stage && !check.leavesOut(parameters[$0])
            }
            let largest = members.map { scales[$0] }.max() ?? 0
            let probes = members.flatMap { tensor in
                (sample(parameters[tensor]).map { Nudge.Direction.element($0) }
                    + [.signs(0..<parameters[tensor].count)])
                    .map { Probe(tensor: tensor, parameter: parameters[tensor], direction: $0) }
            }
            let slopes = slopes(probes, stage: stage)
            for tensor in members {
                let own = zip(probes, slopes).filter { $0.0.tensor == tensor }
                tensors.append(
                    judge(
                        parameters[tensor], own, stage: stage, scale: scales[tensor] / 20,
                        floor: largest * (isZero(parameters[tensor]) ? 1e-3 : 1e-6)))
            }
        }
        return locate(tensors)
    }

    /// - scale: below which the tensor's elements are as good as nothing; floor: the same beside the whole stage's.
    private func judge(
        _ parameter: Parameter, _ probes: [(Probe, Double)], stage: Int, scale: Double, floor: Double
    ) -> CheckedTensor {
        let rows = usedRows(parameter)
        let count = rows.map { $0.count * parameter.shape[1] } ?? parameter.count
        var elements: [CheckedElement] = []
        var whole = 0.0
        for (probe, slope) in probes {
            switch probe.direction {
            case .element(let element):
                elements.append(judge(parameter, element, slope, max(scale, floor)))
            case .signs(let range):
                let (sum, norm) = sums(parameter, range)
                let least = max(floor * Double(count).squareRoot(), .leastNormalMagnitude)
                whole = abs(sum - slope) / max(norm, least)
            }
        }
        let (unused, stray) = rows.map { unusedRows(parameter, used: $0) } ?? (0, nil)
        let layer = (1..<reference.lastStage).contains(stage) ? stage - 1 : nil
        return CheckedTensor(
            name: parameter.name, shape: parameter.shape, layer: layer, elements: elements,
            wholeError: whole, unusedRows: unused, strayRow: stray)
    }

    private func judge(
        _ parameter: Parameter, _ element: Int, _ slope: Double, _ scale: Double
    ) -> CheckedElement {
        let gradient = Double(gradients[parameter.offset + element])
        let error = abs(gradient - slope) / max(abs(gradient), abs(slope), scale, .leastNormalMagnitude)
        return CheckedElement(element: element, gradient: gradient, difference: slope, error: error)
    }

    /// Whether the gradient is 0 but for rounding: softmax does not change when all it reads does, be it keys of a
    /// head or logits.
    private func isZero(_ parameter: Parameter) -> Bool {
        let last = "layer.\(reference.configuration.layerCount - 1).output.LayerNorm.bias"
        return parameter.name.hasSuffix("attention.self.key.bias") || parameter.name.hasSuffix(last)
            || parameter.name == "\(ParameterLayout.spanHead).bias"
    }

    // MARK: Slopes

    /// The derivative of the loss along each direction.
    private func slopes(_ probes: [Probe], stage: Int) -> [Double] {
        let part = 8
        var results = [Double](repeating: 0, count: probes.count)
        results.withUnsafeMutableBufferPointer { results in
            // Every task writes its own elements.
            nonisolated(unsafe) let results = results
            pool.run((probes.count + part - 1) / part) { task, _ in
                let own = task * part..<min((task + 1) * part, probes.count)
                let losses = reference.losses(
                    own.flatMap { index in
                        [check.step, -check.step].map {
                            Nudge(
                                parameter: probes[index].parameter, direction: probes[index].direction,
                                amount: $0)
                        }
                    }, stage: stage, inputs: inputs)
                for (place, index) in own.enumerated() {
                    results[index] = (losses[2 * place] - losses[2 * place + 1]) / (2 * check.step)
                }
            }
        }
        return results
    }

    // MARK: Gradients

    /// The largest gradient of a tensor.
    private func scale(of parameter: Parameter) -> Double {
        var largest: Float = 0
        for index in parameter.range { largest = max(largest, abs(gradients[index])) }
        return Double(largest)
    }

    /// Σ sign · gradient over a range of a tensor, and the norm of its gradient.
    private func sums(_ parameter: Parameter, _ range: Range<Int>) -> (sum: Double, norm: Double) {
        var (sum, squares) = (0.0, 0.0)
        for element in range {
            let gradient = Double(gradients[parameter.offset + element])
            sum += Nudge.sign(element) * gradient
            squares += gradient * gradient
        }
        return (sum, squares.squareRoot())
    }

    /// Elements to look at: those of the largest gradients, then others at random, of tables in rows that are used.
    private func sample(_ parameter: Parameter) -> [Int] {
        let values = gradients + parameter.offset
        var chosen: [Int] = []
        for _ in 0..<min(check.largest, parameter.count) {
            var best: Int?
            for element in 0..<parameter.count where !chosen.contains(element) {
                if best.map({ abs(values[element]) > abs(values[$0]) }) ?? true { best = element }
            }
            if let best { chosen.append(best) }
        }
        let rows = usedRows(parameter).map { $0.sorted() }
        let width = parameter.shape.last ?? 1
        for draw in 0..<check.random {
            let number = Int(truncatingIfNeeded: Nudge.hash(parameter.offset + draw) >> 2)
            let element =
                rows.map { $0.isEmpty ? 0 : $0[number % $0.count] * width + number / 1021 % width }
                ?? number % parameter.count
            if !chosen.contains(element) { chosen.append(element) }
        }
        return chosen
    }

    /// Rows of a table that some token selects; nil for what is no table.
    private func usedRows(_ parameter: Parameter) -> Set<Int>? {
        let configuration = reference.configuration
        if parameter.name.hasSuffix(".word_embeddings.weight") {
            return Set(reference.wordIDs.map(Int.init)).subtracting([configuration.padTokenID])
        }
        if parameter.name.hasSuffix(".position_embeddings.weight") {
            return Set(reference.positions).subtracting(configuration.paddingPosition.map { [$0] } ?? [])
        }
        return parameter.name.hasSuffix(".token_type_embeddings.weight")
            ? Set(reference.tokenTypes.map(Int.init)) : nil
    }

    private func unusedRows(_ parameter: Parameter, used: Set<Int>) -> (count: Int, stray: Int?) {
        let width = parameter.shape[1]
        let stray = (0..<parameter.shape[0]).first { row in
            !used.contains(row)
                && (0..<width).contains { gradients[parameter.offset + row * width + $0] != 0 }
        }
        return (parameter.shape[0] - used.count, stray)
    }

    // MARK: Where it is wrong

    /// Finds an element that is wrong in tensors where only the change of all has shown that one is. The first in
    /// backward's order are enough.
    private func locate(_ tensors: [CheckedTensor]) -> [CheckedTensor] {
        var located = tensors
        let wrong = tensors.indices.reversed().filter { index in
            tensors[index].wholeError > check.tolerance
                && tensors[index].elements.allSatisfy { $0.error <= check.tolerance }
        }
        for index in wrong.prefix(4) {
            guard let parameter = reference.layout[tensors[index].name] else { continue }
            let stage = reference.stage(of: parameter)
            let element = bisect(parameter, stage: stage)
            let slope = slopes(
                [Probe(tensor: index, parameter: parameter, direction: .element(element))], stage: stage)[0]
            located[index].elements.append(judge(parameter, element, slope, scale(of: parameter) / 20))
        }
        return located
    }

    /// Goes on with the half of the tensor where gradients and finite differences are further apart.
    private func bisect(_ parameter: Parameter, stage: Int) -> Int {
        var range = 0..<parameter.count
        while range.count > 1 {
            let middle = range.lowerBound + range.count / 2
            let halves = [range.lowerBound..<middle, middle..<range.upperBound]
            let slopes = slopes(
                halves.map { Probe(tensor: 0, parameter: parameter, direction: .signs($0)) }, stage: stage)
            let differences = zip(halves, slopes).map { abs(sums(parameter, $0).sum - $1) }
            range = differences[0] >= differences[1] ? halves[0] : halves[1]
        }
        return range.lowerBound
    }
}
