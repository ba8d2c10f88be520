import Foundation

/// `/dev/shm`, where memory that ranks have in common lies, against what a model needs there.
package struct SharedMemoryCheck: DoctorCheck {
    /// Floats of a model; nil without one.
    let parameters: Int?
    let ranksOnHost: Int
    /// Whether a launcher started the ranks; alone, two are reckoned with.
    let isLaunched: Bool
    var freeBytes = DiskSpace.freeBytes(of: "/dev/shm")

    package func findings() -> [Finding] {
        guard let freeBytes else {
            return [
                .note(
                    .memory, "there is no memory for ranks to have in common", at: "/dev/shm",
                    remedy: "mount a tmpfs there: without it ranks of a host hold copies and send messages")
            ]
        }
        let free = MemoryEstimate.text(freeBytes)
        guard freeBytes >= needed else {
            return [
                .note(
                    .memory,
                    "ranks of a host could have \(free) in common and need \(MemoryEstimate.text(needed)): "
                        + "instead each holds a copy and sends messages, which takes more memory and time",
                    at: "/dev/shm",
                    remedy: "enlarge it, in a container with --shm-size or --ipc=host, else with mount -o "
                        + "remount,size=…")
            ]
        }
        return [.ok(.memory, "ranks of a host may have \(free) in common", at: "/dev/shm")]
    }

    /// Parameters and optimizer state once, gradients for each rank, and Open MPI's own segments.
    private var needed: Int {
        let ranks = isLaunched ? ranksOnHost : 2
        guard ranks > 1 else { return 0 }
        let own = 16 << 20
        guard let parameters else { return 2 * own }
        let (bytes, isHuge) = parameters.multipliedReportingOverflow(
            by: (3 + ranks) * MemoryLayout<Float>.stride)
        return isHuge ? .max : bytes + own
    }
}

/// Room on file systems.
enum DiskSpace {
    /// Bytes that a user may still write where `path` is, by free space and quota; nil where that cannot be known.
    static func freeBytes(of path: String) -> Int? {
        guard let free = freeBytes(ofFileSystemOf: path) else { return nil }
        return min(free, DiskQuota.freeBytes(of: path) ?? .max)
    }

    private static func freeBytes(ofFileSystemOf path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, isHuge) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: status.f_frsize))
        return isHuge ? .max : bytes
    }
}
