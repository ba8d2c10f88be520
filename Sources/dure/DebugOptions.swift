import ArgumentParser
import Foundation

/// For someone whose loss does not go down.
struct DebugOptions: ParsableArguments {
    @Flag(
        help:
            "Show a feature as the model sees it, check gradients, watch every number; one process, without MPI."
    )
    var debug = false

    @Option(
        help:
            "Train on the first N features only, without dropout, for 200 steps if not told: the loss must come near 0."
    )
    var overfitBatch: Int?

    func validate() throws {
        try requireRange("--overfit-batch", overfitBatch)
        guard debug, let ranks = Self.launchedRanks, ranks > 1 else { return }
        throw ValidationError(
            "--debug is for one process, not for \(ranks) ranks: leave out mpirun, or start one rank")
    }

    /// As many as a launcher says that it has started; MPI is not asked.
    private static var launchedRanks: Int? {
        let environment = ProcessInfo.processInfo.environment
        return ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "SLURM_STEP_NUM_TASKS"].lazy
            .compactMap { environment[$0] }.compactMap(Int.init).first
    }
}
