/// Where the mean step's time went on one rank, in seconds.
struct RankTime: Sendable, Equatable {
    let compute: Double
    /// For slower ranks.
    let waiting: Double
    let communication: Double
    /// The update of the parameters, and whatever else.
    let other: Double

    var total: Double { compute + waiting + communication + other }
}

/// The mean step's time by rank. All ranks take a step together, so the total is the same for all.
struct TimeSplit: Sendable {
    /// By rank. Of a run that went on with another number of ranks: those of its last part.
    let ranks: [RankTime]
    /// The steps that it is the mean of.
    let steps: Int
    /// Whether each rank's own time was logged; where it was not there is one row, rank 0's.
    let isByRank: Bool

    /// Nil without any step.
    init?(_ lines: [RunMetrics.Training]) {
        let timed = lines.filter { $0[.step] != nil && $0[.compute] != nil }
        guard let last = timed.last else { return nil }
        let count = last.rankSeconds.count
        let part = timed.reversed().prefix { $0.rankSeconds.count == count }
        let steps = part.reduce(0) { $0 + $1.steps }
        func mean(_ value: (RunMetrics.Training) -> Double) -> Double {
            part.reduce(0) { $0 + Double($1.steps) * value($1) } / Double(max(steps, 1))
        }
        let step = mean { $0[.step] ?? 0 }
        let exchange = mean { $0[.communication] ?? 0 }
        self.steps = steps
        isByRank = count > 0
        guard count > 0 else {
            let compute = mean { $0[.compute] ?? 0 }
            let waiting = min(mean { $0[.waiting] ?? 0 }, exchange)
            ranks = [
                RankTime(
                    compute: compute, waiting: waiting, communication: exchange - waiting,
                    other: max(0, step - compute - exchange))
            ]
            return
        }
        let own = (0..<count).map { rank in mean { $0.rankSeconds[rank] } }
        // The mean of each step's slowest: the ranks' mean and what they waited for it on average.
        let slowest = max(
            own.reduce(0, +) / Double(count) + mean { $0[.waiting] ?? 0 }, own.max() ?? 0)
        let communication = min(max(0, exchange - (slowest - own[0])), max(0, step - slowest))
        ranks = own.map { own in
            RankTime(
                compute: own, waiting: slowest - own, communication: communication,
                other: max(0, step - slowest - communication))
        }
    }
}
