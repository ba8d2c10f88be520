import Yams

/// What a run's `run.json` says about the run besides its settings.
struct RecordedRun {
    /// The part of it that a run can be repeated with; the rest are facts.
    let settings: Node.Mapping
    private let ranks: Int?

    /// Nil for what is no such record.
    init?(_ record: Node.Mapping) {
        guard record["dure_version"]?.scalar != nil, let settings = record["settings"]?.mapping else {
            return nil
        }
        self.settings = settings
        ranks = record["ranks"]?.scalar.flatMap { Int($0.string) }
    }

    /// What was chosen for the ranks of that run, and decides how sums are rounded.
    private static let shares: Set = ["threads", "micro-batch-tokens"]

    /// Settings that are not taken over.
    ///
    /// - ranks: of the run to come, nil where nobody knows.
    func leavesAside(for command: String, ranks: Int?) -> Set<String> {
        // Other commands have no use for the model that the run began with, nor should they write where it did.
        guard command == "train" else { return Self.shares.union(["model", "output-dir", "seed"]) }
        return differs(ranks) ? Self.shares : []
    }

    /// What to know before the run is repeated.
    func notice(for command: String, ranks: Int?) -> String? {
        guard command == "train", differs(ranks), let ranks, let recorded = self.ranks else { return nil }
        return "is of a run on \(recorded) rank(s), this one is on \(ranks): losses differ by rounding alone"
    }

    private func differs(_ ranks: Int?) -> Bool {
        guard let ranks, let recorded = self.ranks else { return false }
        return ranks != recorded
    }
}
