import Distributed

/// Into how many parts a step's batch is cut, and which of them a rank computes.
///
/// Parts are of about the same cost. Each has a gradient of its own, and these are added in pairs, pairs of pairs
/// and so on: first a rank's, then those of the ranks that have memory in common, then of all. With one part for
/// each rank that is the fastest. With a number of parts that does not depend on the ranks, every addition is the
/// same on any number of ranks, and so is every bit of the sum.
package struct BatchSplit: Sendable, Equatable {
    package let parts: Int
    /// The parts of this rank, one after the other.
    package let own: Range<Int>

    init(parts: Int, own: Range<Int>) {
        self.parts = parts
        self.own = own
    }

    /// One part for each rank.
    package init(ranks communicator: any Communicator) {
        parts = communicator.size
        own = communicator.rank..<communicator.rank + 1
    }

    /// As many parts for any number of ranks.
    ///
    /// - Throws: `TrainingError` where the parts cannot be shared out evenly.
    package init(batchSize: Int, dealtTo communicator: any Communicator) throws {
        let parts = Self.parts(batchSize: batchSize)
        guard communicator.size <= parts, parts % communicator.size == 0 else {
            let counts = (0...).lazy.map { 1 << $0 }.prefix { $0 <= parts }.map(String.init)
            throw TrainingError.setting(
                flag: "--deterministic-reduction on \(communicator.size) ranks",
                problem: "a batch of \(batchSize) is computed in \(parts) parts, which do not divide evenly",
                remedy: "run on \(counts.dropLast().joined(separator: ", ")) or \(parts) ranks"
                    + (parts < Self.most ? ", or raise --batch-size" : ""))
        }
        self.parts = parts
        // Ranks with memory in common add up first, so they have neighbouring parts.
        let place = communicator.groups.groups.flatMap(\.self).firstIndex(of: communicator.rank) ?? 0
        let each = parts / communicator.size
        own = place * each..<(place + 1) * each
    }

    /// Buffers of gradients that a rank needs to add its parts in pairs.
    package var buffers: Int {
        var buffers = 1
        while 1 << (buffers - 1) < own.count { buffers += 1 }
        return buffers
    }

    private static let most = 16

    /// Of two features or more where the batch has them, since products of few tokens are slow.
    static func parts(batchSize: Int) -> Int {
        var parts = 4
        while parts < most, parts * 4 <= batchSize { parts *= 2 }
        return parts
    }

    /// Whether ranks may add up in memory that those of a host have in common: hosts must all have as many.
    package static func allowsGroups(_ communicator: any Communicator) throws -> Bool {
        let ranks = communicator.ranksOnHost
        return try communicator.minimum(ranks) == -communicator.minimum(-ranks)
    }
}
