import Checkpoints
import Foundation
import Kernels
import Model

/// The model's weights: that they are there, of the right shapes, and finite in every element.
package struct WeightsCheck: DoctorCheck {
    let layout: ParameterLayout
    let open: () throws -> any WeightSource

    package func findings() -> [Finding] {
        do {
            let source = try open()
            let names = try WeightNames(source.weights, layout: layout, path: source.path)
            let damage = try nonFinite(source, names)
            return [damage, missing(names, source.path)].compactMap(\.self)
                + (damage == nil ? [state(names, source)] : [])
        } catch {
            return [.problem(.weights, error)]
        }
    }

    private func state(_ names: WeightNames, _ source: any WeightSource) -> Finding {
        let count = names.matches.reduce(0) { $0 + $1.parameter.count }
        let unused = names.unexpected.isEmpty ? "" : "; \(names.unexpected.count) other tensors are not used"
        return .ok(
            .weights, "\(names.matches.count) tensors of \(count) parameters, all finite\(unused)",
            at: source.path)
    }

    private func missing(_ names: WeightNames, _ path: String) -> Finding? {
        guard !names.missing.isEmpty else { return nil }
        return .note(
            .weights, "no \(names.missing.joined(separator: ", ")): training begins with a random span head",
            at: path, remedy: "nothing to do before fine-tuning; to answer questions, use a fine-tuned model")
    }

    private func nonFinite(_ source: any WeightSource, _ names: WeightNames) throws -> Finding? {
        let largest = names.matches.map(\.parameter.count).max() ?? 0
        let buffer = FloatBuffer(count: largest)
        // Its pointer does not keep it.
        defer { withExtendedLifetime(buffer) {} }
        var cases: [String] = []
        var first: String?
        for match in names.matches {
            let values = UnsafeMutableBufferPointer(rebasing: buffer.buffer[..<match.parameter.count])
            try source.readWeight(match.tensor, into: values)
            guard let element = firstNonFinite(UnsafeBufferPointer(values)) else { continue }
            let name = source.weights[match.tensor].name
            let place = Self.index(element, in: match.parameter.shape)
            cases.append("\(name)[\(place)] is \(values[element])")
            first = first ?? "\(name)[\(place)]"
        }
        guard let first else { return nil }
        return .problem(
            .weights,
            "\(counted(cases.count, "tensor")) \(cases.count == 1 ? "holds" : "hold") a number that is not finite",
            at: "\(source.path), \(first)",
            remedy: "fetch or save the weights again: the first loss would not be finite either",
            details: Finding.details(cases), exitCode: 65)
    }

    /// Row and column of an element, or more of them.
    static func index(_ element: Int, in shape: [Int]) -> String {
        var rest = element
        var places: [String] = []
        for size in shape.reversed() {
            places.append("\(rest % max(size, 1))")
            rest /= max(size, 1)
        }
        return places.reversed().joined(separator: ", ")
    }
}

/// The index of the first infinity or NaN.
func firstNonFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
    let exponent: UInt32 = 0x7F80_0000
    let block = 4096
    var start = 0
    while start < values.count {
        let end = min(start + block, values.count)
        // The largest exponent of a block, without a branch, is found many elements at a time.
        var largest: UInt32 = 0
        for index in start..<end { largest = max(largest, values[index].bitPattern & exponent) }
        if largest == exponent { return (start..<end).first { !values[$0].isFinite } }
        start = end
    }
    return nil
}
