/// What stands after a command, taken apart as ArgumentParser does.
struct GivenArguments {
    struct Element {
        /// As it was written, without a value.
        let spelled: String
        /// Without dashes; nil for a word that stands alone.
        let name: String?
        /// Of a flag, also where it stands in the next argument.
        let value: String?
        /// As they were written.
        let arguments: ArraySlice<String>
    }

    let elements: [Element]

    /// - arguments: those after the command's name.
    init(_ arguments: ArraySlice<String>, of command: CommandFlags) {
        var elements: [Element] = []
        var rest = arguments
        while let argument = rest.first {
            if argument == "--" {
                elements.append(Element(spelled: "--", name: nil, value: nil, arguments: rest))
                break
            }
            let element = Self.element(rest, command)
            elements.append(element)
            rest = rest.dropFirst(element.arguments.count)
        }
        self.elements = elements
    }

    private static func element(_ rest: ArraySlice<String>, _ command: CommandFlags) -> Element {
        let argument = rest[rest.startIndex]
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let spelled = parts.first.map(String.init) ?? ""
        guard let name = name(spelled) else {
            return Element(spelled: argument, name: nil, value: nil, arguments: rest.prefix(1))
        }
        if parts.count > 1 {
            return Element(
                spelled: spelled, name: name, value: String(parts[1]), arguments: rest.prefix(1))
        }
        let flag = command[name]
        let takesValue = name == "config" || flag.map { !$0.isFlag } == true
        guard takesValue, let next = rest.dropFirst().first,
            flag?.takesAnyValue == true || !next.hasPrefix("-")
        else { return Element(spelled: spelled, name: name, value: nil, arguments: rest.prefix(1)) }
        return Element(spelled: spelled, name: name, value: next, arguments: rest.prefix(2))
    }

    /// Nil for what is no flag, as a number below 0. Word processors make longer dashes of two.
    private static func name(_ spelled: String) -> String? {
        let name = String(spelled.drop { "-–—−".contains($0) })
        guard name.utf8.count < spelled.utf8.count, let first = name.unicodeScalars.first,
            first.properties.isAlphabetic
        else { return nil }
        return name
    }
}
