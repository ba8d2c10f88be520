import QuestionAnswering

/// What somebody may have meant by a name that is none.
enum NearestName {
    private static let longest = 100
    private static let shortestBeginning = 3

    /// The name that takes the fewest changes of a code point, where those are few for its length, or else the only one
    /// that begins with it. Underscores count as dashes, and how the words of a name are told apart does not matter.
    static func nearest(to name: String, among names: some Sequence<String>) -> String? {
        let spelled = kebab(name)
        guard !spelled.isEmpty, spelled.utf8.count <= longest else { return nil }
        let distances = Set(names).sorted().map { (name: $0, distance: editDistance(spelled, kebab($0))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        if best.distance <= mostChanges(spelled.unicodeScalars.count) { return best.name }
        let longer = distances.filter { kebab($0.name).hasPrefix(spelled) }
        return longer.count == 1 && spelled.utf8.count >= shortestBeginning ? longer[0].name : nil
    }

    /// So few that a name of this length is still to be recognised.
    private static func mostChanges(_ length: Int) -> Int { length < 4 ? 1 : max(2, length / 3) }

    /// `train_file` is `train-file`.
    static func dashed(_ name: String) -> String {
        name.split(separator: "_", omittingEmptySubsequences: false).joined(separator: "-")
    }

    /// `trainFile`, `Train_File` and `train_file` are `train-file`.
    static func kebab(_ name: String) -> String {
        var result = ""
        var isAfterSmall = false
        for scalar in name.unicodeScalars {
            if isAfterSmall, scalar.properties.isUppercase { result += "-" }
            isAfterSmall = scalar.properties.isLowercase || ("0"..."9").contains(scalar)
            result += scalar == "_" ? "-" : scalar.properties.lowercaseMapping
        }
        return result
    }
}
