import Distributed

/// How the ranks of a run exchange gradients.
package struct ExchangeSettings: Sendable, Equatable {
    /// Totals stay with their owners, and the optimizer's state with them, as that saves memory wherever there is
    /// more than one copy of the parameters.
    package var buckets: GradientExchange.Settings
    package var progress = CommunicationProgress.thread
    /// Whether ranks of a host use memory in common instead of messages.
    package var sharesMemory = true
    /// Whether any number of ranks, each of any number of threads, makes the same bits.
    package var isDeterministic = false

    package init() {
        buckets = GradientExchange.Settings()
        buckets.keepsTotalsWithOwners = true
    }

    /// Matrix products of a deterministic run are cut into this many parts on any number of threads: enough for
    /// the cores of a rank, and large enough for products to keep their rate.
    static let productParts = 8

    /// The same for the ranks there are. Every rank must call it.
    func resolved(_ communicator: any Communicator) throws -> ExchangeSettings {
        var resolved = self
        if isDeterministic {
            resolved.sharesMemory = try sharesMemory && BatchSplit.allowsGroups(communicator)
        }
        return resolved
    }

    /// What the user should know about where the optimizer's state is; nil for one rank.
    func notice(_ communicator: any Communicator) -> String? {
        guard communicator.size > 1 else { return nil }
        let groups = communicator.groups.groups.count
        if groups == 1 {
            return "optimizer state in memory that all ranks share: each keeps and updates "
                + "1/\(communicator.size) of it"
        }
        return buckets.keepsTotalsWithOwners
            ? "optimizer state sharded over \(communicator.size) ranks (--shard-optimizer), which saves memory"
            : "optimizer state on every \(groups == communicator.size ? "rank" : "host") "
                + "(--no-shard-optimizer)"
    }
}
