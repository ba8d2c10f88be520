import Distributed
import Kernels

/// The sum of a buffer over ranks, as gradients are summed (all-reduce), by its size.
struct SumBenchmark {
    let name: String
    /// The ranks that take part.
    let communicator: any Communicator
    /// Whether those of a host use memory in common.
    let sharesMemory: Bool
    let settings: GradientExchange.Settings
    /// Bytes of a sum a second that there could be, given what was measured.
    let limit: Double
    /// Smaller sums may be faster than that, within caches.
    var smallestLimited = 0

    /// Every rank of `communicator` must call this.
    ///
    /// - sizes: in bytes, ascending.
    func run(sizes: [Int]) throws -> [BenchmarkRow] {
        let largest = (sizes.last ?? 0) / MemoryLayout<Float>.stride
        if sharesMemory { try communicator.formGroups(shared: 0, each: largest) }
        let buffers = try communicator.makeGroupBuffers(count: largest)
        buffers.own.fill(1)
        return try sizes.map { size in
            let measurement = try measure(buffers, count: size / MemoryLayout<Float>.stride)
            return BenchmarkRow(
                name: "\(name), \(Self.text(size))", measurement: measurement,
                rate: Double(size) / measurement.median / 1e6, unit: "MB/s",
                limit: size >= smallestLimited ? limit / 1e6 : nil)
        }
    }

    /// Of each run, the time of the slowest rank.
    private func measure(_ buffers: GroupBuffers, count: Int) throws -> Measurement {
        var settings = settings
        settings.keepsTotalsWithOwners = false
        let part = GroupBuffers(
            own: FloatBuffer(buffers.own.pointer, count: count, release: {}), all: buffers.all)
        let exchange = GradientExchange(communicator: communicator, buffers: part, settings: settings)
        let runs = count > 1 << 20 ? 7 : 25
        var seconds: [Double] = []
        let clock = ContinuousClock()
        for run in 0..<runs + 2 {
            try communicator.waitForAll()
            let start = clock.now
            exchange.begin(written: [0..<count])
            exchange.isFinal(from: 0)
            try exchange.finish()
            // Shares of the others of the group, which may take longer.
            try communicator.meet()
            let slowest = try communicator.maximum((clock.now - start).seconds)
            if run >= 2 { seconds.append(slowest) }
            buffers.own.pointer.update(repeating: 1, count: count)
        }
        return Measurement(seconds)
    }

    static func text(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : bytes >= 1 << 10 ? "\(bytes >> 10) KiB" : "\(bytes) B"
    }
}
