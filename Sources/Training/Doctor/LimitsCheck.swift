import Foundation

/// The limits that the process was started with (`ulimit`).
package struct LimitsCheck: DoctorCheck {
    var openFiles = softLimit(RLIMIT_NOFILE)
    var fileBytes = softLimit(RLIMIT_FSIZE)
    var addressSpace = softLimit(RLIMIT_AS)
    var lockedBytes = softLimit(__RLIMIT_MEMLOCK)
    /// Whether an InfiniBand adapter would want locked memory.
    var hasInfiniBand = LimitsCheck.hasInfiniBand()
    /// Ranks of the run.
    let ranks: Int
    /// Bytes of the largest file that a run writes; nil without a model.
    let largestFile: Int?

    package func findings() -> [Finding] {
        let troubles = [files, fileSize, address, locked].compactMap(\.self)
        return troubles.isEmpty ? [.ok(.limits, "no limit of the process is in the way")] : troubles
    }

    private var files: Finding? {
        // A connection to every other rank, twice, and what libraries open.
        let needed = 64 + 4 * ranks
        guard openFiles < needed else { return nil }
        return .problem(
            .limits, "the process may open \(openFiles) files and needs about \(needed)", at: "ulimit -n",
            remedy: "raise it: ulimit -n 4096")
    }

    private var fileSize: Finding? {
        guard fileBytes < .max else { return nil }
        let limit = MemoryEstimate.text(fileBytes)
        guard let largestFile, fileBytes < largestFile else {
            return .note(
                .limits, "files may have no more than \(limit)", at: "ulimit -f",
                remedy: "ulimit -f unlimited")
        }
        return .problem(
            .limits, "files may have \(limit), a checkpoint has \(MemoryEstimate.text(largestFile))",
            at: "ulimit -f", remedy: "ulimit -f unlimited", exitCode: 74)
    }

    private var address: Finding? {
        guard addressSpace < .max else { return nil }
        return .note(
            .limits,
            "addresses are limited to \(MemoryEstimate.text(addressSpace)), also those that are never touched",
            at: "ulimit -v", remedy: "ulimit -v unlimited; a control group is a better limit of memory")
    }

    private var locked: Finding? {
        guard hasInfiniBand, lockedBytes < 64 << 20 else { return nil }
        return .note(
            .limits, "the InfiniBand adapter may lock \(MemoryEstimate.text(lockedBytes)) of memory only",
            at: "ulimit -l",
            remedy: "let an administrator set memlock unlimited in limits.conf, or messages go by "
                + "a slower way")
    }

    static func hasInfiniBand() -> Bool {
        !((try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/infiniband")) ?? []).isEmpty
    }
}
