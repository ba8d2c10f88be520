import Distributed
import Foundation

/// What a rank may compute on, as it tells the others.
package struct RankCores: Sendable, Equatable {
    package var host: String
    /// Cores of the host, whoever may use them.
    package var online: Int
    /// Those that the rank may run on, by its affinity mask: what its launcher bound it to.
    package var processors: Set<Int>
    /// Those that the launcher itself may run on, and so could give; nil where that is not known.
    package var offered: Set<Int>?
    /// The cores' worth of time that the ranks of the host get together; nil without a quota.
    package var quota: Int?
    /// `--threads`.
    package var requested: Int?

    package init(
        host: String, online: Int, processors: Set<Int>, offered: Set<Int>? = nil, quota: Int? = nil,
        requested: Int? = nil
    ) {
        self.host = host
        self.online = online
        self.processors = processors
        self.offered = offered
        self.quota = quota
        self.requested = requested
    }

    /// Of this process.
    ///
    /// - read: the content of a file, nil where it cannot be read.
    package init(
        requested: Int?, read: @escaping (String) -> String? = contentsOfSystemFile,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        // The mask comes from the kernel's text because sched_getaffinity is behind a macro that Swift's Glibc
        // does not set.
        let status = ProcessStatus(text: read("/proc/self/status"))
        let online = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        self.init(
            host: Host.name, online: online, processors: status.processors ?? Set(0..<online),
            quota: ControlGroups(read: read).cores, requested: requested)
        // Open MPI's daemon starts the ranks, and binds them but not itself.
        if environment["OMPI_COMM_WORLD_SIZE"] != nil, let parent = status.parent {
            offered = ProcessStatus(text: read("/proc/\(parent)/status")).processors
        }
    }
}

/// What `/proc/PID/status` says of a process.
private struct ProcessStatus {
    private let lines: [Substring]

    init(text: String?) { lines = (text ?? "").split(separator: "\n") }

    var parent: Int? { value(of: "PPid:").flatMap { Int($0.drop { $0.isWhitespace }) } }

    /// Nil where the list is missing.
    var processors: Set<Int>? {
        let list = value(of: "Cpus_allowed_list:").map(ProcessorList.parse) ?? []
        return list.isEmpty ? nil : list
    }

    private func value(of name: String) -> Substring? {
        lines.first { $0.hasPrefix(name) }?.dropFirst(name.count)
    }
}

/// For the exchange between ranks.
extension RankCores {
    package var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.add([host, ProcessorList.text(processors), ProcessorList.text(offered ?? [])])
        // What is set is at least 1.
        writer.add([online, quota ?? 0, requested ?? 0])
        return writer.bytes
    }

    package init(bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        let texts = reader.texts()
        let numbers = reader.values(of: Int.self)
        let offered = ProcessorList.parse(texts[2])
        self.init(
            host: texts[0], online: numbers[0], processors: ProcessorList.parse(texts[1]),
            offered: offered.isEmpty ? nil : offered, quota: numbers[1] == 0 ? nil : numbers[1],
            requested: numbers[2] == 0 ? nil : numbers[2])
    }
}
