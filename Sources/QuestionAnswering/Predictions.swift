/// Answers by question id, as `dure score` reads them.
package struct Predictions: Sendable {
    private let texts: [ExactText: String]

    package init(_ pairs: some Sequence<(id: String, text: String)>) {
        texts = Dictionary(pairs.map { (ExactText($0.id), $0.text) }, uniquingKeysWith: { $1 })
    }

    /// One JSON object of id and text.
    ///
    /// - Throws: `DatasetError`, naming the file and the key.
    package init(path: String) throws {
        let members = try JSONFile.decode([String: String].self, path: path)
        self.init(members.map { (id: $0.key, text: $0.value) })
    }

    package init(_ predictions: [Prediction]) {
        self.init(predictions.map { (id: $0.questionID, text: $0.text) })
    }

    package var count: Int { texts.count }

    package subscript(id: String) -> String? { texts[ExactText(id)] }
}
