import Core

extension Inspection {
    /// For people: a line for each fact and each tensor, and an empty one.
    package var lines: [String] {
        var lines = ["\(path): \(format.rawValue)"]
        func add(_ name: String, _ value: String?) {
            if let value { lines.append("  \(name): \(value)") }
        }
        add("kind", kind?.rawValue)
        add("step", step.map { "\($0)" })
        add("epoch", epoch.map { "\($0)" })
        add("created", created)
        add("dure version", programVersion)
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { add(name, value) }
        add("tensors", "\(tensors.count)")
        add("parameters", "\(parameterCount)")
        add("checksum", checksum)
        let names = tensors.map { PrintableText.escaped($0.name) }
        let width = names.map(\.utf8.count).max() ?? 0
        for (tensor, name) in zip(tensors, names) {
            let name = name + String(repeating: " ", count: width - name.utf8.count)
            let place = tensor.offset.map { " at \($0)" } ?? ""
            lines.append(
                "  \(name)  \(tensor.checksum)  \(tensor.type) [\(tensor.shape.timesText)]  \(tensor.bytes) bytes\(place)"
            )
        }
        return lines + [""]
    }
}

extension AttributeValue {
    /// The value as `inspect` shows it.
    package var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .flag(let value): "\(value)"
        case .text(let value): value
        }
    }
}
