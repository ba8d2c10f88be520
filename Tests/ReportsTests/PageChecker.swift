import Foundation

/// A strict look at a page: tags balanced, attributes quoted, nothing loaded from elsewhere, data that parses.
struct PageChecker {
    private(set) var problems: [String] = []
    /// Contents of text outside of scripts and styles, unescaped as far as it was escaped.
    private(set) var text = ""
    /// How often each tag was opened.
    private(set) var counts: [String: Int] = [:]
    private(set) var identifiers: [String] = []
    private(set) var links: [String] = []
    private(set) var data: Any?

    private var open: [String] = []
    private var rest: Substring

    init(_ html: String) {
        rest = Substring(html)
        if !html.hasPrefix("<!DOCTYPE html>\n") { problems.append("no doctype") }
        while !rest.isEmpty { next() }
        if !open.isEmpty { problems.append("left open: \(open)") }
        if Set(identifiers).count != identifiers.count { problems.append("an id stands twice") }
        for link in links where !identifiers.contains(link) { problems.append("no place for #\(link)") }
    }

    private mutating func next() {
        guard let start = rest.firstIndex(of: "<") else {
            text += rest
            rest = ""
            return
        }
        text += Self.unescape(rest[..<start])
        rest = rest[start...]
        guard let end = endOfTag() else {
            problems.append("a tag that does not end: \(rest.prefix(40))")
            rest = ""
            return
        }
        let tag = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        if tag.hasPrefix("!") { return }
        if tag.hasPrefix("/") { return close(String(tag.dropFirst())) }
        begin(tag)
    }

    private func endOfTag() -> Substring.Index? {
        var isQuoted = false
        for index in rest.indices {
            if rest[index] == "\"" { isQuoted.toggle() }
            if rest[index] == ">", !isQuoted { return index }
        }
        return nil
    }

    private mutating func close(_ name: String) {
        if open.popLast() != name { problems.append("</\(name)> closes nothing") }
    }

    private mutating func begin(_ tag: Substring) {
        let name = String(tag.prefix { $0 != " " })
        counts[name, default: 0] += 1
        let attributes = Self.attributes(tag.dropFirst(name.count))
        if attributes == nil { problems.append("attributes of \(tag)") }
        check(name, attributes ?? [:])
        if ["meta", "input", "br"].contains(name) { return }
        open.append(name)
        guard name == "script" || name == "style" else { return }
        guard let end = rest.range(of: "</\(name)") else { return problems.append("\(name) does not end") }
        let content = String(rest[..<end.lowerBound])
        rest = rest[end.lowerBound...]
        if attributes?["type"] == "application/json" {
            data = try? JSONSerialization.jsonObject(with: Data(content.utf8))
            if data == nil { problems.append("the data is no JSON") }
        } else if content.contains(/url\((?!#)/) || content.contains("@import") || content.contains("fetch(")
        {
            problems.append("\(name) loads something")
        }
    }

    private mutating func check(_ name: String, _ attributes: [String: String]) {
        if let id = attributes["id"] { identifiers.append(id) }
        for key in ["src", "srcset", "action", "style", "data"] where attributes[key] != nil {
            problems.append("\(name) has \(key)")
        }
        if attributes.keys.contains(where: { $0.hasPrefix("on") }) {
            problems.append("\(name) has a handler")
        }
        if let target = attributes["href"] {
            if target.hasPrefix("#") {
                links.append(String(target.dropFirst()))
            } else {
                problems.append("\(name) leads to \(target)")
            }
        }
        if ["link", "iframe", "img", "object", "embed", "base", "form"].contains(name) {
            problems.append("there is a \(name)")
        }
    }

    /// Nil unless all are `name` or `name="value"`.
    private static func attributes(_ text: Substring) -> [String: String]? {
        var attributes: [String: String] = [:]
        var rest = text
        while true {
            rest = rest.drop { $0 == " " }
            if rest.isEmpty { return attributes }
            let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" })
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, attributes[name] == nil else { return nil }
            guard rest.first == "=" else {
                attributes[name] = ""
                continue
            }
            rest = rest.dropFirst()
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
            attributes[name] = unescape(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        }
    }

    private static func unescape(_ text: Substring) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(String(text)) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    func object(_ key: String) -> Any? { (data as? [String: Any])?[key] }
}
