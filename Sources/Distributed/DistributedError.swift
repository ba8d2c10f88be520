/// What goes wrong between ranks.
package enum DistributedError: Error, Equatable, CustomStringConvertible {
    /// An MPI call returned an error: the call, MPI's text for the code, and the rank.
    case mpi(call: String, message: String, rank: Int)
    /// Ranks hold different numbers after they should hold the same.
    case replicasDiffer(what: String, ranks: [RankName])
    /// A tensor of some ranks is not that of rank 0.
    case parametersDiffer(tensor: String, place: String, ranks: [RankName])
    /// What must be the same on all hosts is not; the values, by host.
    case hostsDiffer(what: String, list: String)
    /// An exchange did not end in time: what it was for, where the run was, and the ranks that were not there with
    /// their hosts; none where all wait. With it a remedy of the place, if it has one.
    case timedOut(
        activity: String, place: String, seconds: Double, missing: [RankName], remedy: String? = nil)
    /// The same, and another rank says so.
    case toldByOther

    package var description: String {
        switch self {
        case .mpi(let call, let message, let rank):
            "\(call) failed (rank \(rank)): \(message); check the network and that all hosts run one MPI"
        case .replicasDiffer(let what, let ranks):
            "\(what) is not the same on all ranks (\(RankName.list(ranks)), against rank 0): "
                + "check that all hosts run the same build and read the same files"
        case .parametersDiffer(let tensor, let place, let ranks):
            "parameter \(tensor) of \(RankName.list(ranks)) is not that of rank 0 (\(place)): check the memory "
                + "and the network of these hosts, then run again from the last checkpoint"
        case .hostsDiffer(let what, let list):
            "\(what) is not the same on all ranks (\(list)): give all hosts the same program, files and command"
        case .timedOut(let activity, let place, let seconds, let missing, let remedy):
            Self.describeTimeout(activity, place, seconds, missing) + (remedy.map { "; \($0)" } ?? "")
        case .toldByOther: "another rank has failed"
        }
    }

    private static func describeTimeout(
        _ activity: String, _ place: String, _ seconds: Double, _ missing: [RankName]
    ) -> String {
        let time = seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
        let location = [activity, place].filter { !$0.isEmpty }.joined(separator: ", ")
        guard !missing.isEmpty else {
            return
                "all ranks wait for each other since \(time) s (\(location)): check the network between the "
                + "hosts, or raise --collective-timeout if it is only slow"
        }
        return "no answer from \(RankName.list(missing)) within \(time) s (\(location)): check whether the "
            + "processes, hosts and network are alive, or raise --collective-timeout if they are only slow"
    }
}

/// A rank and the host that it runs on.
package struct RankName: Sendable, Equatable {
    package let rank: Int
    package let host: String

    package init(rank: Int, host: String) {
        self.rank = rank
        self.host = host
    }

    /// As "rank 1 on host a, ranks 2 and 3 on host b"; no more than a few hosts by name.
    package static func list(_ names: [RankName]) -> String {
        var hosts: [String] = []
        var ranks: [String: [String]] = [:]
        for name in names {
            if ranks[name.host] == nil { hosts.append(name.host) }
            ranks[name.host, default: []].append("\(name.rank)")
        }
        let shown = hosts.prefix(8).map { host in
            let all = ranks[host] ?? []
            return all.count == 1
                ? "rank \(all[0]) on host \(host)"
                : "ranks \(all.dropLast().joined(separator: ", ")) and \(all[all.count - 1]) on host \(host)"
        }
        let rest = hosts.count - shown.count
        return (shown + (rest > 0 ? ["those of \(rest) more hosts"] : [])).joined(separator: ", ")
    }
}
