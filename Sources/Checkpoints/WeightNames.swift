import Model

/// What a file of weights holds under one name.
package struct WeightDescription: Sendable, Equatable {
    package let name: String
    package let shape: [Int]
    /// How the file stores the elements.
    package let type: ElementType

    package init(name: String, shape: [Int], type: ElementType = .float32) {
        self.name = name
        self.shape = shape
        self.type = type
    }
}

/// Which tensor of a file belongs to which parameter. Accepted are PyTorch's names with and without the
/// model's prefix (`bert.`, `electra.`, `roberta.`), and the old `LayerNorm.gamma` and `LayerNorm.beta`.
package struct WeightNames: Sendable, Equatable {
    /// For each parameter found, in the layout's order, the index of its tensor among those given.
    package let matches: [Match]
    /// Parameters of the span head that the file lacks: the caller initialises them.
    package let missing: [String]
    /// Start of all names that a wrapper of the model has put there, as `module.`; empty where there is none.
    package let prefix: String
    /// Tensors that belong to no parameter (pooler, pretraining heads, position ids), in the file's order.
    package let unexpected: [String]

    package struct Match: Sendable, Equatable {
        package let parameter: Parameter
        package let tensor: Int
    }

    /// Throws `.badData` for a parameter given under two names, a wrong shape, or a missing encoder tensor.
    package init(_ tensors: [WeightDescription], layout: ParameterLayout, path: String) throws {
        var found: [String: Int] = [:]
        var unexpected: [String] = []
        prefix = Self.prefix(of: tensors.map(\.name), layout: layout)
        for (index, tensor) in tensors.enumerated() {
            let name = String(tensor.name.dropFirst(prefix.count))
            guard let parameter = Self.parameter(for: name, in: layout) else {
                unexpected.append(tensor.name)
                continue
            }
            if let other = found.updateValue(index, forKey: parameter.name) {
                throw CheckpointError.badData(
                    "is there twice, also as \(tensors[other].name)", path: path, item: tensor.name,
                    remedy: "remove one of the two tensors")
            }
            try Self.checkShape(tensor, parameter, path: path)
        }
        self.unexpected = unexpected
        matches = layout.parameters.compactMap { parameter in
            found[parameter.name].map { Match(parameter: parameter, tensor: $0) }
        }
        missing = try layout.parameters.filter { found[$0.name] == nil }.map { parameter in
            guard Self.isSpanHead(parameter.name) else { throw Self.missing(parameter, path: path) }
            return parameter.name
        }
    }

    /// The shortest start up to a dot that all names have in common and behind which a parameter's name stands.
    /// DataParallel (`module.`), torch.compile (`_orig_mod.`) and programs that keep the model in one of their own
    /// (`model.`) put it there, also one inside the other.
    private static func prefix(of names: [String], layout: ParameterLayout) -> String {
        func isNamed(behind prefix: String) -> Bool {
            names.contains { parameter(for: String($0.dropFirst(prefix.count)), in: layout) != nil }
        }
        var prefix = ""
        for part in (names.first ?? "").split(separator: ".").dropLast() {
            // Weights of another kind of model are none of this one's.
            if isNamed(behind: prefix) || ModelType(rawValue: String(part)) != nil { break }
            prefix += "\(part)."
            guard names.allSatisfy({ $0.hasPrefix(prefix) }) else { return "" }
        }
        return isNamed(behind: prefix) ? prefix : ""
    }

    /// The parameter that a tensor called `name` holds.
    static func parameter(for name: String, in layout: ParameterLayout) -> Parameter? {
        let current = currentName(name)
        return layout[current]
            ?? ModelType.allCases.lazy.compactMap { layout["\($0.rawValue).\(current)"] }.first
    }

    /// `name` with TensorFlow's old terms for the scale and shift of a LayerNorm replaced.
    static func currentName(_ name: String) -> String {
        for (old, new) in [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")]
        where name.hasSuffix(old) {
            return name.dropLast(old.count) + new
        }
        return name
    }

    /// What all names of one tensor have in common: the current name without the model's prefix.
    static func bareName(_ name: String) -> String {
        let current = currentName(name)
        let prefix = ModelType.allCases.lazy.map { "\($0.rawValue)." }.first { current.hasPrefix($0) }
        return prefix.map { String(current.dropFirst($0.count)) } ?? current
    }

    private static func isSpanHead(_ name: String) -> Bool { name.hasPrefix("\(ParameterLayout.spanHead).") }

    private static func checkShape(_ tensor: WeightDescription, _ parameter: Parameter, path: String) throws {
        guard tensor.shape != parameter.shape else { return }
        throw CheckpointError.badData(
            "has shape \(tensor.shape) where the configuration asks for \(parameter.shape)", path: path,
            item: tensor.name, remedy: "use the config.json that belongs to these weights")
    }

    private static func missing(_ parameter: Parameter, path: String) -> CheckpointError {
        .badData(
            "the encoder's tensor of shape \(parameter.shape) is missing", path: path, item: parameter.name,
            remedy: "use the weights that belong to this config.json")
    }
}
