import Checkpoints
import Distributed
import Foundation
import Kernels

/// What all ranks of a run must have in common before it starts, and what they had better have.
package struct StartUpCheck {
    /// One thing that is compared.
    package struct Item: Sendable, Equatable {
        package let name: String
        package let value: String
        /// Whether ranks that differ cannot make one run; otherwise the user is told.
        package let isRequired: Bool

        package init(_ name: String, _ value: String, isRequired: Bool = true) {
            self.name = name
            self.value = value
            self.isRequired = isRequired
        }
    }

    /// Every rank must call this, with the same items in the same order.
    ///
    /// - Returns: what differs without being required, by host.
    /// - Throws: `AgreedFailure` with `DistributedError.hostsDiffer`.
    package static func run(_ items: [Item], over communicator: any Communicator) throws -> [String] {
        guard communicator.size > 1 else { return [] }
        let own = try JSONEncoder().encode(items.map(\.value))
        let ranks = try communicator.allGather(Array(own)).map {
            try JSONDecoder().decode([String].self, from: Data($0))
        }
        var notices: [String] = []
        for (index, item) in items.enumerated() {
            let values = ranks.map { $0.indices.contains(index) ? $0[index] : "" }
            guard let first = values.firstIndex(where: { $0 != values[0] }) else { continue }
            let list = describe(values, communicator)
            guard item.isRequired else {
                notices.append(
                    "\(item.name) is not the same on all hosts (\(list)): results may differ in "
                        + "their last bits from those on other hosts")
                continue
            }
            throw AgreedFailure(
                DistributedError.hostsDiffer(what: item.name, list: list), rank: first,
                isOwn: communicator.rank == first)
        }
        return notices
    }

    /// The values, each with the hosts that have it; ranks where those of a host differ.
    private static func describe(_ values: [String], _ communicator: any Communicator) -> String {
        let hosts = values.indices.map(communicator.host(of:))
        var order: [String] = []
        var owners: [String: [String]] = [:]
        for (rank, value) in values.enumerated() {
            let isOne = values.indices.allSatisfy { hosts[$0] != hosts[rank] || values[$0] == value }
            let owner = isOne ? "host \(hosts[rank])" : "rank \(rank) on host \(hosts[rank])"
            if owners[value] == nil { order.append(value) }
            if owners[value]?.contains(owner) != true { owners[value, default: []].append(owner) }
        }
        return order.map { value in
            let all = owners[value] ?? []
            let shown = all.prefix(4).joined(separator: ", ")
            return "\(shown)\(all.count > 4 ? " and \(all.count - 4) more" : ""): \(value)"
        }.joined(separator: "; ")
    }
}

extension StartUpCheck {
    /// The program and the machine.
    package static var environment: [Item] {
        [
            Item("the version of dure", dureVersion),
            Item("the MPI library", MPICommunicator.libraryVersion),
            Item("the program file", programHash, isRequired: false),
            Item("the kernels of OpenBLAS", blasCoreName(), isRequired: false),
            Item("the library for bf16", brainLibrary, isRequired: false),
            Item("the processor", processorName, isRequired: false),
        ]
    }

    /// Products of bfloat16 have other last bits where other instructions, or none, make them.
    private static var brainLibrary: String {
        guard let version = oneDNNVersion() else { return "none" }
        return "oneDNN \(version)"
            + (oneDNNUsesBrainInstructions() ? " with AVX512-BF16" : " without AVX512-BF16")
    }

    private static var programHash: String {
        guard let file = try? MappedFile(path: "/proc/self/exe") else { return "unknown" }
        var hash = ContentHash()
        file.withBytes { hash.add($0) }
        return String(hash.text.prefix(12))
    }

    private static var processorName: String {
        let lines =
            (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }
}

extension TrainingSettings {
    /// What ranks were asked for, without the places of files, which may differ from host to host.
    var startUpItems: [StartUpCheck.Item] {
        let paths: Set = ["model", "output-dir", "train-file", "validation-file", "threads"]
        return flags(ranks: 1).filter { !paths.contains($0.0) }.map { name, value in
            StartUpCheck.Item("--\(name)", value.compact)
        }
    }
}
