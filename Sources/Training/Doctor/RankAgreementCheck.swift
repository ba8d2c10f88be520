/// What should be the same on all hosts: versions, processors, files.
package struct RankAgreementCheck: DoctorCheck {
    /// One thing, as every host has it.
    package struct Item: Sendable {
        let name: String
        /// By host, in the order of ranks.
        let values: [(host: String, value: String)]
        /// Whether ranks that differ cannot make one run.
        let isRequired: Bool
        let exitCode: Int32
    }

    let items: [Item]

    package func findings() -> [Finding] {
        let findings = items.compactMap(finding)
        guard findings.isEmpty else { return findings }
        let hosts = Set(items.flatMap { $0.values.map(\.host) }).count
        return [
            .ok(.ranks, "\(items.count) things that should be the same are so on \(counted(hosts, "host"))")
        ]
    }

    private func finding(_ item: Item) -> Finding? {
        var order: [String] = []
        var owners: [String: [String]] = [:]
        for (host, value) in item.values {
            if owners[value] == nil { order.append(value) }
            if owners[value]?.contains(host) != true { owners[value, default: []].append(host) }
        }
        guard order.count > 1 else { return nil }
        let details = order.map { value in
            let hosts = owners[value] ?? []
            let more = hosts.count > 4 ? " and \(hosts.count - 4) more" : ""
            return "host \(hosts.prefix(4).joined(separator: ", "))\(more): \(value)"
        }
        let what = "\(item.name) is not the same on all hosts"
        guard item.isRequired else {
            return .note(
                .ranks, what, remedy: "results may differ in their last bits; use like hosts to repeat a run",
                details: Finding.details(details))
        }
        return .problem(
            .ranks, what, remedy: "give all hosts the same program and files",
            details: Finding.details(details),
            exitCode: item.exitCode)
    }
}

/// Whether the ranks reach each other: the sum that each of them got.
package struct NetworkCheck: DoctorCheck {
    let ranks: Int
    /// Of the numbers 1, 2, 3 … of the ranks.
    let sum: Double
    /// Seconds that it took, start-up of the connections included.
    let seconds: Double
    /// Seconds by which the hosts' clocks differ at most.
    let clockSpread: Double

    package func findings() -> [Finding] {
        let expected = Double(ranks * (ranks + 1) / 2)
        guard sum == expected else {
            return [
                .problem(
                    .ranks, "the sum over \(ranks) ranks is \(sum) instead of \(expected)",
                    at: "MPI_Iallreduce",
                    remedy: "check the network and the MPI library of the hosts", exitCode: 69)
            ]
        }
        if clockSpread > 5 {
            return [
                .note(
                    .ranks, "the clocks of the hosts differ by \(rounded(clockSpread, 1)) s",
                    remedy: "set them by NTP: logs are hard to compare otherwise")
            ]
        }
        if seconds > 1 {
            return [
                .note(
                    .ranks, "the first sum of \(ranks) ranks took \(rounded(seconds, 1)) s",
                    remedy: "measure the network with dure bench comm, and name a fast one with "
                        + "btl_tcp_if_include")
            ]
        }
        return [.ok(.ranks, "\(ranks) ranks reach each other")]
    }
}
