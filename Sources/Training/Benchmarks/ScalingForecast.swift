/// What steps are expected to take on more ranks, each with as many features as now.
///
/// A rank computes what it does now, longer where the dealing of features to that many ranks is less even. What
/// travels between hosts is a share of gradients and parameters that grows to all of them, by each host's own link;
/// it hides behind the backward of a step's last micro-batch and the forward of the next one's first.
package struct ScalingForecast: Sendable, Equatable {
    /// Mean seconds that a rank computes, and micro-batches that it does so in.
    package var compute: Double
    package var microBatches: Double
    /// Bytes of a step's gradients as they travel, and of the parameters.
    package var gradientBytes: Double
    package var parameterBytes: Double
    /// Bytes of a bucket, of which the last of backward and the first of forward cannot hide.
    package var bucketBytes: Double
    /// Seconds that the ranks of a host take to sum their gradients in memory.
    package var hostSum: Double
    package var ranksOnHost: Int
    /// Between hosts.
    package var link: Link

    package init(
        compute: Double, microBatches: Double, gradientBytes: Double, parameterBytes: Double,
        bucketBytes: Double, hostSum: Double, ranksOnHost: Int, link: Link
    ) {
        self.compute = compute
        self.microBatches = microBatches
        self.gradientBytes = gradientBytes
        self.parameterBytes = parameterBytes
        self.bucketBytes = bucketBytes
        self.hostSum = hostSum
        self.ranksOnHost = ranksOnHost
        self.link = link
    }

    package struct Row: Sendable, Equatable {
        package let ranks: Int
        package let hosts: Int
        package let stepSeconds: Double
        /// Seconds of exchanges that computing does not hide, sums in memory included.
        package let notHidden: Double
        /// Seconds for the slowest rank.
        package let waiting: Double
    }

    /// Of backward and forward, roughly 2 to 1.
    private static let backwardShare = 2.0 / 3

    /// - imbalance: of the slowest rank's work against the mean, as a share of it.
    package func row(ranks: Int, imbalance: Double) -> Row {
        let hosts = (ranks + ranksOnHost - 1) / ranksOnHost
        let waiting = compute * imbalance
        let window = compute / max(microBatches, 1)
        let exposed =
            exposed(gradientBytes, hosts, ranks, behind: window * Self.backwardShare)
            + exposed(parameterBytes, hosts, ranks, behind: window * (1 - Self.backwardShare))
        let notHidden = exposed + (ranksOnHost > 1 ? hostSum : 0)
        return Row(
            ranks: ranks, hosts: hosts, stepSeconds: compute + waiting + notHidden, notHidden: notHidden,
            waiting: waiting)
    }

    private func exposed(_ bytes: Double, _ hosts: Int, _ ranks: Int, behind window: Double) -> Double {
        guard hosts > 1, bytes > 0 else { return 0 }
        let share = Double(hosts - 1) / Double(hosts)
        let buckets = max((bytes / bucketBytes).rounded(.up), 1)
        // A bucket goes as one message to, and from, every other host; ranks of a host divide that among them.
        let message = link.latency + Double(hosts - 1) * link.overhead
        let seconds = share * bytes / link.bandwidth + buckets * message
        let last = share * min(bytes, bucketBytes) / link.bandwidth + message
        return max(seconds - window, last)
    }
}
