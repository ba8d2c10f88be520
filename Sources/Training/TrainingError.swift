import Core
import Distributed

/// What goes wrong in a run besides files and ranks.
package enum TrainingError: ExitCoded, Equatable, CustomStringConvertible {
    /// A setting that cannot be, by its flag: what is wrong and what to do.
    case setting(flag: String, problem: String, remedy: String)
    /// The data does not fit the model or the settings: where, what is wrong and what to do.
    case data(location: String, problem: String, remedy: String)
    /// A loss or gradient that is not a number; the first such tensor, and the features of the batch.
    case notFinite(step: Int, loss: Double, tensor: NonFiniteTensor?, features: [String])

    package var exitCode: Int32 {
        switch self {
        case .setting: 64
        case .data, .notFinite: 65
        }
    }

    package var description: String {
        switch self {
        case .setting(_, _, let remedy), .data(_, _, let remedy): "\(what): \(remedy)"
        case .notFinite(let step, _, let tensor, _):
            "\(what): "
                + (step == 1 && tensor?.isGradient == false
                    ? "the model's weights are damaged, save or fetch them again"
                    : "lower --learning-rate or lengthen the warm-up, and check these features")
        }
    }

    /// The error without what to do.
    package var what: String {
        switch self {
        case .setting(let place, let problem, _), .data(let place, let problem, _): "\(problem) (\(place))"
        case .notFinite(let step, let loss, let tensor, let features):
            "the loss or a gradient is not finite (step \(step), loss \(loss.withoutSignOfNaN), first tensor "
                + "\(tensor?.description ?? "none"), features \(features.joined(separator: " ")))"
        }
    }
}

/// A tensor that holds a number that is not finite: a parameter, or its gradient.
package struct NonFiniteTensor: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    package let isGradient: Bool

    package init(name: String, isGradient: Bool) {
        self.name = name
        self.isGradient = isGradient
    }

    package var description: String { isGradient ? "gradient of \(name)" : name }
}
