/// What goes wrong between ranks.
package enum DistributedError: Error, Equatable, CustomStringConvertible {
    /// An MPI call returned an error: the call, MPI's text for the code, and the rank.
    case mpi(call: String, message: String, rank: Int)
    /// Ranks hold different numbers after they should hold the same.
    case replicasDiffer(what: String, ranks: [Int])

    package var description: String {
        switch self {
        case .mpi(let call, let message, let rank):
            "\(call) failed (rank \(rank)): \(message); check the network and that all hosts run one MPI"
        case .replicasDiffer(let what, let ranks):
            "\(what) is not the same on all ranks (ranks \(ranks.map(String.init).joined(separator: ", "))): "
                + "check that all hosts run the same build and read the same files"
        }
    }
}
