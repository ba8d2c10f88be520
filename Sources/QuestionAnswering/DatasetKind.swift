/// Where a question comes from, as far as its record shows.
package enum DatasetKind: String, Sendable, CaseIterable {
    case squad1 = "SQuAD 1.1"
    case squad2 = "SQuAD 2.0"
    case korquad = "KorQuAD 1.0"
    case klue = "KLUE-MRC"
    case news = "goorm / AI Hub"
}

extension DatasetKind {
    /// - Parameters:
    ///   - version: what the file says of itself, where it says anything.
    ///   - hasCategory: whether the article has a news category.
    init(_ entry: QuestionEntry, version: String?, hasCategory: Bool) {
        if entry.shape.contains(.klueKeys) {
            self = .klue
        } else if entry.shape.contains(.guid) || entry.shape.contains(.newsKeys) || hasCategory {
            self = .news
        } else if entry.isImpossible != nil {
            self = .squad2
        } else {
            self = version?.lowercased().contains("korquad") == true ? .korquad : .squad1
        }
    }
}
