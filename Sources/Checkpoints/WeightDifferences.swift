/// What two files of weights, folders or checkpoints differ in, whatever their formats, for `dure inspect --diff`.
/// Rendered by `text`, or as JSON by its `Codable`.
package struct WeightDifferences: Sendable, Codable, Equatable {
    /// Two tensors of one name that cannot be compared element by element.
    package struct Mismatch: Sendable, Codable, Equatable {
        package var name: String
        package var otherName: String?
        package var shapes: [[Int]]
        package var types: [String]
    }

    /// A text beside the tensors that is not the same in both; absent in one where nil.
    package struct Attribute: Sendable, Codable, Equatable {
        package var name: String
        package var first: String?
        package var second: String?
    }

    /// The files that were read.
    package var paths: [String]
    package var formats: [WeightFormat]
    /// Largest difference first.
    package var differing: [TensorDifference] = []
    package var mismatches: [Mismatch] = []
    /// Tensors whose every element is the same.
    package var identicalCount = 0
    package var onlyInFirst: [String] = []
    package var onlyInSecond: [String] = []
    package var attributes: [Attribute] = []

    /// Whether both hold the same tensors, whatever stands beside them.
    package var tensorsAreIdentical: Bool {
        differing.isEmpty && mismatches.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty
    }

    /// Compares what `openWeights` finds at both paths, a tensor at a time. Throws `CheckpointError` when one cannot
    /// be read; no difference is an error.
    package init(_ first: String, _ second: String) throws {
        let sources = [try openWeights(first), try openWeights(second)]
        paths = sources.map(\.path)
        formats = sources.map(\.format)
        try compareGroups(sources[0].tensorGroups(), sources[1].tensorGroups())
        differing.sort { ($1.largest, $0.name) < ($0.largest, $1.name) }
        attributes = Self.attributes(of: sources[0], sources[1])
    }

    /// Compares the weights under the tensors' own names, other groups with their path.
    private mutating func compareGroups(_ first: [TensorGroup], _ second: [TensorGroup]) throws {
        if let first = first.first, let second = second.first {
            try compare(first.tensors, second.tensors, prefix: "")
        }
        let others = (first.dropFirst(), second.dropFirst())
        for group in others.0 {
            let prefix = "\(group.name ?? "")/"
            if let other = others.1.first(where: { $0.name == group.name }) {
                try compare(group.tensors, other.tensors, prefix: prefix)
            } else {
                onlyInFirst += group.tensors.weights.map { prefix + $0.name }
            }
        }
        for group in others.1 where !others.0.contains(where: { $0.name == group.name }) {
            onlyInSecond += group.tensors.weights.map { "\(group.name ?? "")/\($0.name)" }
        }
    }

    private mutating func compare(
        _ first: any WeightSource, _ second: any WeightSource, prefix: String
    ) throws {
        let pairs = TensorPairs(first.weights, second.weights)
        for (index, other) in pairs.matches {
            let (left, right) = (first.weights[index], second.weights[other])
            guard left.shape == right.shape, left.type == right.type || Self.areComparable(left, right) else {
                mismatches.append(Mismatch(left, right, prefix: prefix))
                continue
            }
            let difference = try first.withElements(of: index) { elements in
                try second.withElements(of: other) { others in
                    TensorDifference(
                        .init(name: prefix + left.name, type: left.type, elements: elements),
                        .init(name: prefix + right.name, type: right.type, elements: others),
                        shape: left.shape)
                }
            }
            if let difference { differing.append(difference) } else { identicalCount += 1 }
        }
        onlyInFirst += pairs.onlyInFirst.map { prefix + first.weights[$0].name }
        onlyInSecond += pairs.onlyInSecond.map { prefix + second.weights[$0].name }
    }

    private static func areComparable(_ left: WeightDescription, _ right: WeightDescription) -> Bool {
        left.type.isComparable && right.type.isComparable
    }

    private static func attributes(of first: any WeightSource, _ second: any WeightSource) -> [Attribute] {
        let (left, right) = (texts(of: first), texts(of: second))
        return Set(left.keys).union(right.keys).sorted().compactMap { name in
            left[name] == right[name] ? nil : Attribute(name: name, first: left[name], second: right[name])
        }
    }

    /// All that stands beside the tensors; long texts by their checksums.
    private static func texts(of source: any WeightSource) -> [String: String] {
        var texts = source.metadata
        guard let contents = (source as? CheckpointFile)?.contents else { return texts }
        func checksum(_ bytes: [UInt8]) -> String {
            var sum = CRC32()
            bytes.withUnsafeBytes { sum.update($0) }
            return sum.text
        }
        texts["kind"] = contents.kind.rawValue
        texts["step"] = "\(contents.step)"
        texts["epoch"] = "\(contents.epoch)"
        texts["created"] = contents.created
        texts["dure version"] = contents.programVersion
        texts["configuration checksum"] = checksum(Array(contents.configuration.utf8))
        texts["vocabulary checksum"] = checksum(contents.vocabulary)
        return texts
    }
}

extension WeightDifferences.Mismatch {
    fileprivate init(_ left: WeightDescription, _ right: WeightDescription, prefix: String) {
        name = prefix + left.name
        otherName = left.name.utf8.elementsEqual(right.name.utf8) ? nil : prefix + right.name
        shapes = [left.shape, right.shape]
        types = [left.type.rawValue, right.type.rawValue]
    }
}
