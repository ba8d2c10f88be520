import Foundation

/// Answers by question id, as `dure score` reads them.
package struct Predictions: Sendable {
    private var ids = TextList()
    private var texts = TextList()
    private var index = TextIndex()
    /// Texts that came after another of the same id, by the number of the first.
    private var later: [Int: String] = [:]

    package init(_ pairs: some Sequence<(id: String, text: String)>) {
        for pair in pairs { add(pair.id, pair.text) }
    }

    private mutating func add(_ id: String, _ text: String) {
        let known = index.enter(TextIndex.hash(of: id), as: ids.count) { [ids] in ids.isSame($0, as: id) }
        if let known {
            later[known] = text
            return
        }
        ids.append(id)
        texts.append(text)
    }

    /// One JSON object of id and text.
    ///
    /// - Throws: `DatasetError`, naming the file and the key.
    package init(path: String) throws {
        self.init([])
        let file = try JSONFileInPieces(path: path, .members)
        if let file, file.container == .object, try addMembers(of: file) { return }
        self.init(try JSONFile.decode([String: String].self, path: path).map { (id: $0.key, text: $0.value) })
    }

    /// Whether all members are texts. About a megabyte of them is decoded at a time.
    private mutating func addMembers(of file: JSONFileInPieces) throws -> Bool {
        var members = file.ranges[...]
        while let first = members.first {
            let group = members.prefix { $0.upperBound - first.lowerBound < 1 << 20 || $0 == first }
            members = members.dropFirst(group.count)
            let bytes = try file.bytes(first.lowerBound..<(group.last ?? first).upperBound)
            let object = [UInt8(ascii: "{")] + bytes + [UInt8(ascii: "}")]
            guard let texts = try? JSONDecoder().decode([String: String].self, fromText: object) else {
                return false
            }
            for (id, text) in texts { add(id, text) }
        }
        return true
    }

    package init(_ predictions: [Prediction]) {
        self.init(predictions.map { (id: $0.questionID, text: $0.text) })
    }

    package var count: Int { ids.count }

    package subscript(id: String) -> String? {
        let found = index.find(TextIndex.hash(of: id)) { ids.isSame($0, as: id) }
        return found.map { later[$0] ?? texts[$0] }
    }
}
