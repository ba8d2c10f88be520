/// What stands after a command, taken apart as ArgumentParser does.
struct GivenArguments {
    struct Element {
        /// As it was written, without a value; underscores are dashes where that makes a flag of it.
        let spelled: String
        /// Without dashes; nil for a word that stands alone.
        let name: String?
        /// Of a flag, also where it stands in the next argument.
        let value: String?
        /// As ArgumentParser takes them.
        let arguments: [String]
    }

    let elements: [Element]

    /// - arguments: those after the command's name.
    init(_ arguments: ArraySlice<String>, of command: CommandFlags) {
        var elements: [Element] = []
        var rest = arguments
        while let argument = rest.first {
            if argument == "--" {
                elements.append(Element(spelled: "--", name: nil, value: nil, arguments: Array(rest)))
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
        let written = parts.first.map(String.init) ?? ""
        guard let writtenName = name(written) else {
            return Element(spelled: argument, name: nil, value: nil, arguments: [argument])
        }
        let name = known(writtenName, command)
        let spelled = String(written.dropLast(writtenName.count)) + name
        if parts.count > 1 {
            return Element(
                spelled: spelled, name: name, value: String(parts[1]), arguments: ["\(spelled)=\(parts[1])"])
        }
        guard let next = rest.dropFirst().first, isValue(next, of: name, command) else {
            return Element(spelled: spelled, name: name, value: nil, arguments: [spelled])
        }
        return Element(spelled: spelled, name: name, value: next, arguments: [spelled, next])
    }

    /// `name` with dashes for underscores, as the scripts of transformers spell flags, where that is a flag.
    private static func known(_ name: String, _ command: CommandFlags) -> String {
        let dashed = NearestName.dashed(name)
        let isFlag =
            command[dashed] != nil || CommandFlags.common.contains(dashed)
            || command[CommandFlags.opposite(of: dashed)]?.isFlag == true
        return isFlag ? dashed : name
    }

    /// Whether the argument behind a flag belongs to it.
    private static func isValue(_ next: String, of name: String, _ command: CommandFlags) -> Bool {
        guard
            let flag = command[name]
                ?? command[CommandFlags.opposite(of: name)].flatMap({ $0.isFlag ? $0 : nil })
        else { return name == "config" && !next.hasPrefix("-") }
        // Where a command takes words, one of them may be called like this.
        if flag.isFlag { return !command.takesWords && TruthValue.of(next) != nil }
        // A number below 0 that is out of range is no flag either.
        return flag.takesAnyValue || !next.hasPrefix("-") || Double(next) != nil
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

/// Words that scripts of transformers take for true and false.
enum TruthValue {
    /// Nil for another word.
    static func of(_ word: String) -> Bool? {
        switch word.lowercased() {
        case "true", "yes", "t", "y", "1": true
        case "false", "no", "f", "n", "0": false
        default: nil
        }
    }
}
