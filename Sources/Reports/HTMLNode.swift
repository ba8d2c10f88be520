/// A part of a page. Text is escaped and tags are closed by construction.
indirect enum HTMLNode: Sendable {
    case element(String, [(String, String)], [HTMLNode])
    case text(String)
    /// The content of `script` and `style`, which no escape could stand in.
    case verbatim(String)

    /// An element; nil attributes are left out, empty ones stand without a value.
    static func tag(
        _ name: String, _ attributes: [(String, String?)] = [], _ children: [HTMLNode] = []
    ) -> HTMLNode {
        .element(name, attributes.compactMap { name, value in value.map { (name, $0) } }, children)
    }

    static func tag(_ name: String, _ attributes: [(String, String?)] = [], _ text: String) -> HTMLNode {
        tag(name, attributes, [.text(text)])
    }

    var html: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to output: inout String) {
        switch self {
        case .text(let text): output += Self.escape(text)
        case .verbatim(let text): output += text
        case .element(let name, let attributes, let children):
            output += "<\(name)"
            for (name, value) in attributes {
                output += value.isEmpty ? " \(name)" : " \(name)=\"\(Self.escape(value))\""
            }
            output += ">"
            guard !Self.voidElements.contains(name) else { return }
            for child in children { child.write(to: &output) }
            output += "</\(name)>"
            if Self.blocks.contains(name) { output += "\n" }
        }
    }

    /// What may stand in text and in a quoted attribute alike. Control characters, which a page cannot hold, become
    /// the replacement character.
    static func escape(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            case "\t", "\n": result.append(scalar)
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}": result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    private static let voidElements: Set<String> = ["meta", "input", "br"]
    private static let blocks: Set<String> = [
        "head", "header", "section", "table", "tr", "figure", "div", "p", "ul", "li", "dl", "nav", "title",
        "style", "script", "main", "footer",
    ]
}
