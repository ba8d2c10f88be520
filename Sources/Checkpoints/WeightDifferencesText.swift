extension WeightDifferences {
    /// For people: a line for each difference, and a last one that sums up.
    package var lines: [String] {
        var lines = zip(["A", "B"], zip(paths, formats)).map { "\($0): \($1.0), \($1.1.rawValue)" }
        lines += differing.map(\.text) + mismatches.map(\.text)
        lines += onlyInFirst.map { "  only in A: \($0)" } + onlyInSecond.map { "  only in B: \($0)" }
        lines += attributes.map {
            "  \($0.name): \($0.first ?? "absent") in A, \($0.second ?? "absent") in B"
        }
        return lines + ["  identical tensors: \(identicalCount)", summary]
    }

    /// One line.
    package var summary: String {
        if tensorsAreIdentical { return "identical tensors" }
        var parts: [String] = []
        if let largest = differing.first {
            parts.append(
                "\(differing.count) differ, the largest difference is \(largest.largest) in \(largest.name)")
        }
        if !mismatches.isEmpty { parts.append("\(mismatches.count) cannot be compared") }
        if !onlyInFirst.isEmpty { parts.append("\(onlyInFirst.count) only in A") }
        if !onlyInSecond.isEmpty { parts.append("\(onlyInSecond.count) only in B") }
        return "tensors: " + parts.joined(separator: ", ")
    }
}

extension TensorDifference {
    fileprivate var text: String {
        let place = "[\(index.map(String.init).joined(separator: ", "))]"
        let other = otherName.map { " (B: \($0))" } ?? ""
        return
            "  \(name)\(other)  \(types.joined(separator: " and ")) [\(shape.timesText)]  largest \(largest) at "
            + "\(place) (\(values.map { "\($0)" }.joined(separator: " and "))), relative \(relative), "
            + "\(differing) differ"
    }
}

extension WeightDifferences.Mismatch {
    fileprivate var text: String {
        let sides = zip(types, shapes).map { "\($0) [\($1.timesText)]" }
        let other = otherName.map { " (B: \($0))" } ?? ""
        return "  \(name)\(other)  cannot be compared: \(sides.joined(separator: " against "))"
    }
}

extension [Int] {
    /// A shape as `2×8`.
    var timesText: String { map(String.init).joined(separator: "×") }
}
