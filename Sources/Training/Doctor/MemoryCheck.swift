/// Memory against what training this model takes, as the run itself would reckon.
package struct MemoryCheck: DoctorCheck {
    /// Nil without a model.
    let demand: MemoryDemand?
    /// Of a micro-batch, with memory for anything.
    var tokens = 1
    var memory = SystemMemory()
    let ranksOnHost: Int

    package func findings() -> [Finding] {
        let share = memory.share(ranksOnHost: ranksOnHost)
        let available = "\(MemoryEstimate.text(share)) are available\(ranksOnHost > 1 ? " to each rank" : "")"
        guard var demand else { return [.ok(.memory, available)] }
        do {
            var copies = true
            var fitting: Int
            do {
                fitting = try fittingTokens(demand)
            } catch {
                demand.checkpointSharing = nil
                copies = false
                fitting = try fittingTokens(demand)
            }
            return [findings(demand, tokens: fitting, copies, available)]
        } catch {
            return [.problem(.memory, error)]
        }
    }

    private func fittingTokens(_ demand: MemoryDemand) throws -> Int {
        try demand.fittingTokens(most: tokens, in: memory, ranksOnHost: ranksOnHost)
    }

    private func findings(
        _ demand: MemoryDemand, tokens fitting: Int, _ copies: Bool, _ available: String
    ) -> Finding {
        let state = "\(demand.estimate(tokens: fitting)); \(available)"
        if demand.requestedTokens == nil, fitting < tokens {
            return .note(
                .memory,
                "micro-batches have \(fitting) tokens instead of \(tokens) for want of memory: \(state)",
                remedy:
                    "free memory, run fewer ranks on a host, or lower --max-seq-length; results stay the same"
            )
        }
        guard copies else {
            return .note(
                .memory,
                "there is no memory for a copy of the training state, training waits for it: \(state)",
                remedy: "free memory, or save less often")
        }
        return .ok(.memory, state)
    }
}
