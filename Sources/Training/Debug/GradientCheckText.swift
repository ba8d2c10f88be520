import Distributed
import Foundation
import Model

extension GradientCheckResult {
    /// What was checked and found, as lines of text.
    package var lines: [String] {
        let elements = tensors.reduce(0) { $0 + $1.elements.count }
        var lines = DebugText.entry(
            "compared",
            "\(elements) elements of \(tensors.count) tensors, and of each all elements at once, with (loss(w + h) "
                + "− loss(w − h)) / 2h in double precision, h = \(step), on a cut of \(tokens) tokens, no dropout"
        )
        lines += DebugText.entry(
            "forward",
            String(
                format: "loss %.6f, reference %.6f; logits up to %.3f, differing by up to %.1e", loss,
                referenceLoss, largestLogit, logitDifference))
        lines += ["", Self.row("", "tensors", "elements", "largest relative error, of")]
        for group in groups { lines.append(Self.row(group.title, group.tensors)) }
        return lines + [""] + unusedRows + verdict
    }

    private var groups: [(title: String, tensors: [CheckedTensor])] {
        var groups: [(title: String, tensors: [CheckedTensor])] = []
        for tensor in tensors {
            let title =
                tensor.layer.map { "layer \($0)" }
                ?? (tensor.name.hasPrefix(ParameterLayout.spanHead) ? "span head" : "embeddings")
            if groups.last?.title == title {
                groups[groups.count - 1].tensors.append(tensor)
            } else {
                groups.append((title, [tensor]))
            }
        }
        return groups
    }

    private static func row(_ title: String, _ tensors: [CheckedTensor]) -> String {
        guard let worst = tensors.max(by: { $0.error < $1.error }) else { return title }
        return row(
            title, "\(tensors.count)", "\(tensors.reduce(0) { $0 + $1.elements.count })",
            TextLines.padded(String(format: "%.1e", worst.error), to: 9) + worst.shortName)
    }

    private static func row(_ title: String, _ tensors: String, _ elements: String, _ rest: String) -> String
    {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(width - text.utf8.count, 0)) + text
        }
        return "  " + TextLines.padded(title, to: 12) + right(tensors, 7) + right(elements, 10) + "  " + rest
    }

    private var unusedRows: [String] {
        tensors.filter { $0.unusedRows > 0 }.flatMap { tensor in
            DebugText.entry(
                "unused rows",
                "\(tensor.unusedRows) of \(tensor.shape[0]) in \(tensor.shortName): "
                    + (tensor.strayRow.map { "row \($0) has a gradient" } ?? "gradient 0"))
        }
    }

    private var verdict: [String] {
        guard agreesForward else {
            return DebugText.entry("wrong", "loss or logits are not the reference's")
        }
        guard !wrongTensors.isEmpty else {
            return DebugText.entry(
                "right",
                String(
                    format: "the largest relative error is %.1e; %.0e would be too much", largestError,
                    tolerance))
        }
        return wrongTensors.flatMap { DebugText.entry("wrong", $0.description) }
    }
}

extension CheckedTensor: CustomStringConvertible {
    /// Without what the tensors of a group have in common.
    fileprivate var shortName: String {
        let parts = name.split(separator: ".").map(String.init)
        let common = layer == nil ? 2 : 4
        return parts.count > common ? parts[common...].joined(separator: ".") : name
    }

    /// Its name, and the element that is most wrong.
    package var description: String {
        if let strayRow { return "\(name): row \(strayRow), which no token selects, has a gradient" }
        guard let worst else { return name }
        let element = ParameterElement(name, shape: shape, element: worst.element)
        let index = element.index.map(String.init).joined(separator: ", ")
        return name
            + String(
                format: " [\(index)]: gradient %.6g, finite difference %.6g", worst.gradient, worst.difference
            )
    }
}

/// Kernels that do not compute what they should.
package struct GradientMismatch: ExitCoded, CustomStringConvertible {
    package let exitCode: Int32 = 70
    package let what: String
    package static let remedy =
        "this is a bug of Dure, or of this build of it: report it with the output above"

    package var description: String { "\(what): \(Self.remedy)" }

    /// Nil when all is right.
    package init?(_ result: GradientCheckResult) {
        if !result.agreesForward {
            what = String(
                format: "the forward pass is wrong (loss %.6f, reference %.6f, a logit differs by %.1e)",
                result.loss, result.referenceLoss, result.logitDifference)
            return
        }
        guard let first = result.wrongTensors.first else { return nil }
        let others = result.wrongTensors.count - 1
        let more =
            others == 0 ? "" : ", and \(others) tensor\(others == 1 ? "" : "s") that backward comes to later"
        what = "a gradient is wrong (\(first)\(more))"
    }
}
