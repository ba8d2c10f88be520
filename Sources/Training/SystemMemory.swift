import Foundation

/// The memory of this machine that is still to be had, by what the kernel, control groups and limits say.
package struct SystemMemory: Sendable, Equatable {
    /// Bytes that the machine has.
    package var physical: Int
    /// Bytes that can still be taken without swapping, by all processes of the machine or control group together.
    package var available: Int
    /// Bytes that this process alone may still take, by the limits it was started with (`ulimit -v`, `-d`).
    package var ownLimit: Int

    package init(physical: Int, available: Int, ownLimit: Int = .max) {
        self.physical = physical
        self.available = available
        self.ownLimit = ownLimit
    }

    /// - read: the content of a file, nil where it cannot be read.
    /// - addressSpace, data: limits of this process.
    package init(
        read: @escaping (String) -> String? = contentsOfSystemFile,
        addressSpace: Int = softLimit(RLIMIT_AS), data: Int = softLimit(RLIMIT_DATA)
    ) {
        let machine = read("/proc/meminfo") ?? ""
        let own = read("/proc/self/status") ?? ""
        physical =
            kilobytes(machine, "MemTotal:") ?? Int(clamping: ProcessInfo.processInfo.physicalMemory)
        available = min(
            kilobytes(machine, "MemAvailable:") ?? physical, ControlGroups(read: read).availableMemory ?? .max
        )
        ownLimit = [(addressSpace, "VmSize:"), (data, "VmData:")].map { limit, taken in
            guard limit < .max else { return .max }
            return max(0, limit - Self.untouched - min(kilobytes(own, taken) ?? 0, limit))
        }.reduce(.max, min)
    }

    /// Bytes for each of the ranks of this host, which take equal parts.
    package func share(ranksOnHost: Int) -> Int { min(available / max(ranksOnHost, 1), ownLimit) }

    /// What libraries reserve on top, for buffers and stacks that count towards these limits though they are
    /// hardly touched.
    private static let untouched = 256 << 20
}

/// A limit of this process in bytes; `Int.max` without one.
package func softLimit(_ resource: __rlimit_resource) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
}

/// The number of the line that begins with `name`, in bytes.
private func kilobytes(_ text: String, _ name: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    let word = line?.dropFirst(name.count).split { $0.isWhitespace }.first
    guard let number = word.flatMap({ Int($0) }), number >= 0 else { return nil }
    return min(number, Int.max >> 10) << 10
}
