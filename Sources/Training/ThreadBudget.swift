import Distributed

/// How many compute threads a rank uses: its share of the cores of its host, or as many as the user says.
package struct ThreadBudget: Sendable, Equatable {
    package let threads: Int
    /// What does not go together with the cores there are, the same on every rank.
    package let notices: [String]

    /// For this rank of `communicator`; every rank must call it.
    ///
    /// - requested: `--threads`; nil takes the rank's share.
    package init(communicator: any Communicator, requested: Int? = nil) throws {
        let own = RankCores(requested: requested)
        let reports = try communicator.allGather(own.bytes)
        self.init(reports.map(RankCores.init(bytes:)), rank: communicator.rank)
    }

    /// - ranks: of all hosts, in order.
    package init(_ ranks: [RankCores], rank: Int) {
        var hosts: [String] = []
        var members: [String: [Int]] = [:]
        for (rank, own) in ranks.enumerated() {
            if members[own.host] == nil { hosts.append(own.host) }
            members[own.host, default: []].append(rank)
        }
        let budgets = hosts.map { host in
            HostBudget(members[host, default: []].map { (rank: $0, cores: ranks[$0]) })
        }
        threads = budgets.lazy.compactMap { $0.threads(of: rank) }.first ?? 1
        let notices = budgets.compactMap(\.notice)
        self.notices =
            notices.count <= 4 ? notices : notices.prefix(3) + ["\(notices.count - 3) more hosts likewise"]
    }
}

/// The threads of the ranks of one host.
private struct HostBudget {
    private let ranks: [(rank: Int, cores: RankCores)]
    private var threads: [Int] = []

    init(_ ranks: [(rank: Int, cores: RankCores)]) {
        self.ranks = ranks
        threads = shares
        // Bindings that overlap, a quota or ranks with threads of their own may leave less than the shares.
        while let crowd, takeOne(from: crowd.members) {}
    }

    func threads(of rank: Int) -> Int? { ranks.firstIndex { $0.rank == rank }.map { threads[$0] } }

    /// `--threads`, or a rank's part of the cores that it may run on, each divided by the ranks that may run on it
    /// too. So ranks that are bound to cores of their own use those, and ranks that are not bound divide the host.
    private var shares: [Int] {
        var users: [Int: Int] = [:]
        for rank in ranks { for processor in rank.cores.processors { users[processor, default: 0] += 1 } }
        return ranks.map { rank in
            if let requested = rank.cores.requested { return requested }
            let share = rank.cores.processors.sorted().reduce(0.0) { $0 + 1 / Double(users[$1] ?? 1) }
            // A sum of parts may end just below the whole number that it stands for.
            return max(1, Int(share + 1e-6))
        }
    }

    /// Those with the most threads give up one, equally; nobody gives up the last, or what the user asked for.
    ///
    /// - Returns: whether there was one to give up.
    private mutating func takeOne(from members: [Int]) -> Bool {
        let free = members.filter { ranks[$0].cores.requested == nil }
        guard let most = free.map({ threads[$0] }).max(), most > 1 else { return false }
        for member in free where threads[member] == most { threads[member] -= 1 }
        return true
    }
}

// MARK: Too many threads

extension HostBudget {
    private var quota: Int? { ranks.compactMap(\.cores.quota).min() }

    /// Ranks, by their places, with more threads than cores.
    private struct Crowd {
        let members: [Int]
        let cores: Int
        let isForQuota: Bool
    }

    private var crowd: Crowd? {
        let crowded = ThreadPlacement(zip(ranks, threads).map { ($0.cores.processors, $1) }).crowded.sorted()
        let cores = processors(of: crowded).count
        if let quota, quota < threads.reduce(0, +), crowded.isEmpty || quota <= cores {
            return Crowd(members: Array(ranks.indices), cores: quota, isForQuota: true)
        }
        return crowded.isEmpty ? nil : Crowd(members: crowded, cores: cores, isForQuota: false)
    }

    private func processors(of members: some Sequence<Int>) -> Set<Int> {
        members.reduce(into: []) { $0.formUnion(ranks[$1].cores.processors) }
    }

    /// The processors that the launcher could give to ranks; nil where that is not known.
    private var offered: Set<Int>? {
        let known = ranks.compactMap(\.cores.offered)
        return known.isEmpty ? nil : known.reduce(into: []) { $0.formUnion($1) }
    }

    /// What to tell the user; nil when ranks and cores go together.
    var notice: String? {
        guard let first = ranks.first else { return nil }
        guard let crowd else { return idleness(first.cores.host) }
        let names = names(crowd.members)
        let total = crowd.members.reduce(0) { $0 + threads[$1] }
        let what = "\(names) \(crowd.members.count == 1 ? "has" : "have") \(count(total, "thread"))"
        let processors = processors(of: crowd.members)
        let host = first.cores.host
        if crowd.isForQuota {
            return
                "\(what) for a control group's quota of \(count(crowd.cores, "core")) (\(host)): \(fewer(crowd))"
        }
        guard processors.count < first.cores.online else {
            return "\(what) for \(count(crowd.cores, "core")) (\(host)): \(fewer(crowd))"
        }
        let cores = "\(processors.count == 1 ? "core" : "cores") \(ProcessorList.text(processors))"
        let canUnbind = offered.map { !$0.isSubset(of: processors) } ?? (ranks.count > 1)
        let remedy = canUnbind ? "start with mpirun --bind-to none, or \(fewer(crowd))" : fewer(crowd)
        return "\(what) but may only run on \(cores) of \(first.cores.online) (\(host)): \(remedy)"
    }

    private func fewer(_ crowd: Crowd) -> String {
        let each = crowd.cores / crowd.members.count
        guard each > 0 else { return "start at most \(count(crowd.cores, "rank")) here" }
        return "give --threads \(each)" + (crowd.members.count > 1 ? " or fewer ranks" : "")
    }

    /// Ranks that are bound to fewer cores than the launcher could give them, as Open MPI does unless it is told
    /// otherwise.
    private func idleness(_ host: String) -> String? {
        guard let offered, ranks.allSatisfy({ $0.cores.requested == nil }) else { return nil }
        let own = processors(of: ranks.indices)
        let possible = min(offered.count, quota ?? .max)
        guard own.isStrictSubset(of: offered), threads.reduce(0, +) < possible else { return nil }
        return
            "\(names(Array(ranks.indices))) may only run on \(own.count) of the \(offered.count) cores that "
            + "mpirun has, the rest stay idle (\(host)): start with mpirun --bind-to none"
    }

    private func names(_ members: [Int]) -> String {
        "\(members.count == 1 ? "rank" : "ranks") \(ProcessorList.text(members.map { ranks[$0].rank }))"
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
