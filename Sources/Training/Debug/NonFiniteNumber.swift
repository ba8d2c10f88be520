import Distributed
import Model

/// The first number that is not finite, with its place: what `--debug` stops at.
package struct NonFiniteNumber: ExitCoded, Equatable, CustomStringConvertible {
    package enum Place: Sendable, Equatable {
        /// In a weight that the run begins with.
        case weight(source: String, ParameterElement)
        /// In a parameter, after the update of a step.
        case parameter(step: Int, ParameterElement)
        /// In what an operation made of a feature in a step, or in its gradient.
        case operation(step: Int, Operation, layer: Int?, isGradient: Bool, feature: String)
    }

    package let value: Float
    package let place: Place

    package init(value: Float, place: Place) {
        self.value = value
        self.place = place
    }

    package var exitCode: Int32 { 65 }

    package var description: String {
        switch place {
        case .weight(let source, let element):
            "a weight is \(value) (\(source), \(element)): save or fetch the model again"
        case .parameter(let step, let element):
            "a parameter became \(value) (update of step \(step), \(element)): lower --learning-rate or "
                + "lengthen the warm-up, and look at the gradients above"
        case .operation(let step, let operation, let layer, let isGradient, let feature):
            "the first number that is not finite is \(value) (step \(step), \(isGradient ? "backward" : "forward"), "
                + "\(layer.map { "layer \($0), " } ?? "")\(isGradient ? "gradient of " : "")\(operation.name), "
                + "feature \(feature)): "
                + (step == 1
                    ? "the weights are finite, but too large for this feature, so look at the model's largest above"
                    : "lower --learning-rate or lengthen the warm-up, and look at the numbers of the steps above")
        }
    }
}

/// An element of a parameter, as a user finds it.
package struct ParameterElement: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    package let index: [Int]

    package init(name: String, index: [Int]) {
        self.name = name
        self.index = index
    }

    package init(_ name: String, shape: [Int], element: Int) {
        var rest = element
        var index: [Int] = []
        for size in shape.reversed() {
            index.insert(rest % max(size, 1), at: 0)
            rest /= max(size, 1)
        }
        self.init(name: name, index: index)
    }

    package var description: String {
        "tensor \(name), element [\(index.map(String.init).joined(separator: ", "))]"
    }
}

extension ParameterLayout {
    /// The first element of `values`, laid out as the parameters, that is not finite.
    func firstNonFinite(_ values: UnsafePointer<Float>) -> (element: ParameterElement, value: Float)? {
        for parameter in parameters {
            guard let index = parameter.range.first(where: { !values[$0].isFinite }) else { continue }
            let element = ParameterElement(
                parameter.name, shape: parameter.shape, element: index - parameter.offset)
            return (element, values[index])
        }
        return nil
    }
}
