import Distributed
import Foundation

/// How many compute threads a rank should use.
package enum ThreadBudget {
    /// Processors this process may run on, by its affinity mask.
    package static var allowedProcessors: Set<Int> {
        // sched_getaffinity is behind a macro that Swift's Glibc does not set; the kernel says it here too.
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        let list = line.map { parse(processorList: $0.dropFirst("Cpus_allowed_list:".count)) } ?? []
        return list.isEmpty ? Set(0..<ProcessInfo.processInfo.activeProcessorCount) : list
    }

    /// `0-3,8` as the numbers it stands for.
    package static func parse(processorList: some StringProtocol) -> Set<Int> {
        var processors: Set<Int> = []
        for part in processorList.split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            processors.formUnion(first...last)
        }
        return processors
    }

    /// The cores of the host that ranks may use, divided by them; no more than this rank may run on. Where the
    /// launcher binds each rank to cores of its own, those are its share.
    package static func threads(communicator: any Communicator) throws -> Int {
        let own = allowedProcessors
        let report =
            [UInt8](Host.name.utf8) + [0] + own.sorted().flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        let onHost = try communicator.allGather(report)
            .compactMap { report -> [UInt8]? in
                guard let end = report.firstIndex(of: 0) else { return nil }
                return report[..<end].elementsEqual(Host.name.utf8) ? Array(report[(end + 1)...]) : nil
            }
        let all = onHost.reduce(into: Set<Int>()) { union, bytes in
            for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                union.insert(Int(bytes[index]) << 8 | Int(bytes[index + 1]))
            }
        }
        return share(own: own.count, onHost: all.count, ranks: communicator.ranksOnHost)
    }

    /// - own: processors this rank may run on; onHost: those that any rank of the host may run on.
    package static func share(own: Int, onHost: Int, ranks: Int) -> Int {
        max(1, min(own, onHost / max(ranks, 1)))
    }
}

/// The machine this process runs on.
package enum Host {
    package static let name: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}
