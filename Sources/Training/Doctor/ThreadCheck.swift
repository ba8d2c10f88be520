import Foundation

/// Threads against cores, binding and quota, as the ranks of a run would divide them.
package struct ThreadCheck: DoctorCheck {
    let budget: ThreadBudget
    let ranks: Int
    /// Features of a step.
    let batchSize: Int
    /// Number of features to train on; nil where that is not known.
    var featureCount: Int?
    var environment = ProcessInfo.processInfo.environment

    package func findings() -> [Finding] {
        let crowding = budget.notices.map { Finding.problem(.threads, message: $0) }
        let state = Finding.ok(
            .threads,
            ranks == 1
                ? counted(budget.threads, "compute thread")
                : "\(ranks) ranks, rank 0 with \(counted(budget.threads, "compute thread"))")
        let rest = RankShareCheck(
            threads: budget.threads, ranks: ranks, batchSize: batchSize, environment: environment)
        return (crowding.isEmpty ? [state] : crowding) + rest.findings()
    }
}

/// Ranks that a step has nothing for, and variables that do not decide the threads of a rank.
package struct RankShareCheck: DoctorCheck {
    /// Number of compute threads of rank 0.
    let threads: Int
    let ranks: Int
    /// Features of a step.
    let batchSize: Int
    /// Number of features to train on; nil where that is not known.
    var featureCount: Int?
    var environment = ProcessInfo.processInfo.environment

    package func findings() -> [Finding] { [variables, batch].compactMap(\.self) }

    private var batch: Finding? {
        let count = min(batchSize, featureCount ?? batchSize)
        guard count < ranks else { return nil }
        let more = count < batchSize ? "" : "raise --batch-size, or "
        return .note(
            .threads,
            "a step has \(counted(count, "feature")) for \(ranks) ranks: \(ranks - count) have none",
            at: count < batchSize
                ? "\(counted(count, "feature")) to train on" : "--batch-size \(batchSize)",
            remedy: more + "start fewer ranks with more threads")
    }

    /// Variables that other programs take their threads from.
    private var variables: Finding? {
        let set = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS"].compactMap { name in
            environment[name].flatMap { $0 == "\(threads)" ? nil : "\(name)=\($0)" }
        }
        guard !set.isEmpty else { return nil }
        return .note(
            .threads, "threads are not taken from these variables, a rank uses \(threads)",
            at: set.joined(separator: ", "), remedy: "give --threads for another number")
    }
}
