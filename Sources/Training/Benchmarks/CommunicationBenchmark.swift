import Distributed
import Kernels
import Logging
import Model
import QuestionAnswering

/// How ranks exchange: messages between two, sums over many by size, what a real step hides of them, and what is to
/// be expected of more ranks.
package struct CommunicationBenchmark {
    package struct Settings: Sendable {
        package var step = StepBenchmark.Settings()
        /// Bytes of the sums, ascending.
        package var sizes = [1 << 12, 1 << 16, 1 << 20, 1 << 23, 1 << 25, 1 << 27]
        /// Ranks to forecast.
        package var forecast = [4, 8, 16, 32, 64, 128, 256]
        /// Between hosts, where there is only one to measure on.
        package var assumedLink = Link(latency: 30e-6, overhead: 5e-6, bandwidth: 1.25e9)

        package init() {}
    }

    package struct Report: Sendable {
        package let hosts: Int
        package let ranks: Int
        /// Between two ranks of a host, and of different hosts; nil where there are none.
        package let hostLink: Link?
        package let link: Link?
        package let sums: [BenchmarkRow]
        package let overlap: OverlapBenchmark.Report
        package let forecast: ScalingForecast
        /// The first for the ranks at hand.
        package let rows: [ScalingForecast.Row]
    }

    private let configuration: ModelConfiguration
    private let settings: Settings
    private let communicator: any Communicator
    private let logger: Logger

    package init(
        configuration: ModelConfiguration, settings: Settings, communicator: any Communicator,
        logger: Logger
    ) {
        self.configuration = configuration
        self.settings = settings
        self.communicator = communicator
        self.logger = logger
    }

    /// Measures on all ranks; the report is rank 0's.
    ///
    /// - Throws: `TrainingError` on one rank.
    package func run() throws -> Report {
        guard communicator.size > 1 else {
            throw TrainingError.setting(
                flag: "dure bench comm", problem: "one rank exchanges nothing",
                remedy: "start several, as mpirun -n 2 dure bench comm, or launch/local 2 bench comm")
        }
        let hosts = hosts
        let hostLink = try neighbour(onSameHost: true).map(measureLink)
        let link = try neighbour(onSameHost: false).map(measureLink)
        let sums = try sums(hosts, hostLink, link)
        communicator.place = "steps of the benchmark"
        let training = try BenchmarkTraining(
            configuration, settings.step, communicator: communicator, logger: logger)
        let overlap = try OverlapBenchmark(
            training: training, settings: settings.step, communicator: communicator
        ).run()
        let forecast = try forecast(training, overlap, link ?? settings.assumedLink)
        return Report(
            hosts: Set(hosts).count, ranks: communicator.size, hostLink: hostLink, link: link, sums: sums,
            overlap: overlap, forecast: forecast, rows: rows(forecast, link ?? hostLink))
    }

    /// - link: what the ranks at hand send over.
    private func rows(_ forecast: ScalingForecast, _ link: Link?) -> [ScalingForecast.Row] {
        var atHand = forecast
        if let link { atHand.link = link }
        let more = settings.forecast.filter { $0 > communicator.size }
        return [atHand.row(ranks: communicator.size, imbalance: imbalance(ranks: communicator.size))]
            + more.map { forecast.row(ranks: $0, imbalance: imbalance(ranks: $0)) }
    }

    /// The first rank of every rank's host.
    private var hosts: [Int] {
        let names = (0..<communicator.size).map(communicator.host(of:))
        return names.map { name in names.firstIndex(of: name) ?? 0 }
    }

    // MARK: Links and sums

    /// A rank that is, or is not, on the host of rank 0.
    private func neighbour(onSameHost: Bool) -> Int? {
        let hosts = hosts
        return hosts.indices.dropFirst().first { (hosts[$0] == hosts[0]) == onSameHost }
    }

    private func measureLink(_ peer: Int) throws -> Link {
        communicator.place = "messages of the benchmark"
        return try LinkBenchmark(communicator: communicator, peer: peer).run()
    }

    private func sums(_ hosts: [Int], _ hostLink: Link?, _ link: Link?) throws -> [BenchmarkRow] {
        communicator.place = "sums of the benchmark"
        let own = hosts[communicator.rank]
        let ranksOnHost = hosts.count { $0 == hosts[0] }
        let hostCount = Set(hosts).count
        // All hosts at once; rank 0 tells of its own.
        var rows: [BenchmarkRow] = []
        if let hostLink {
            let copy = try copyRate(onHostOf: hosts)
            let n = Double(ranksOnHost)
            rows += try sum(
                "\(ranksOnHost) ranks of a host, in memory", label: own, sharesMemory: true,
                // All read everything and write it once.
                limit: copy / (n + 1), from: 1 << 25)
            rows += try sum(
                "\(ranksOnHost) ranks of a host, by messages", label: own, sharesMemory: false,
                limit: messageLimit(hostLink, ranksOnHost))
        }
        if let link {
            rows += try sum(
                "\(hostCount) hosts, a rank each", label: own == communicator.rank ? 0 : nil,
                sharesMemory: false, limit: messageLimit(link, hostCount))
            if hostLink != nil {
                rows += try sum(
                    "\(communicator.size) ranks of \(hostCount) hosts, as in training", label: 0,
                    sharesMemory: settings.step.exchange.sharesMemory, limit: messageLimit(link, hostCount))
            }
        }
        return rows
    }

    /// Every one of n sends and receives 2 (n − 1) / n of the buffer (Patarasuk and Yuan, JPDC 2009).
    private func messageLimit(_ link: Link, _ n: Int) -> Double {
        link.bandwidth * Double(n) / Double(2 * (n - 1))
    }

    /// The ranks with one label sum among them; those without wait.
    private func sum(
        _ name: String, label: Int?, sharesMemory: Bool, limit: Double, from smallestLimited: Int = 0
    ) throws -> [BenchmarkRow] {
        // Those without a label are a part as well: all must take part in the splitting.
        let part = try communicator.split(by: label ?? communicator.size)
        var rows: [BenchmarkRow] = []
        if label != nil {
            rows = try SumBenchmark(
                name: name, communicator: part, sharesMemory: sharesMemory,
                settings: settings.step.exchange.buckets, limit: limit, smallestLimited: smallestLimited
            ).run(sizes: settings.sizes)
        }
        try communicator.waitForAll()
        part.finalize()
        return rows
    }

    /// Bytes a second that the ranks of rank 0's host read and write when all copy at once.
    private func copyRate(onHostOf hosts: [Int]) throws -> Double {
        let count = 1 << 24
        let (source, target) = (FloatBuffer(count: count), FloatBuffer(count: count))
        source.fill(1)
        target.fill(0)
        try communicator.waitForAll()
        let seconds = Measurement(runs: 7, atLeast: 0.2) {
            target.pointer.update(from: source.pointer, count: count)
        }.median
        let rates = try communicator.all(Double(2 * count * MemoryLayout<Float>.stride) / seconds)
        return rates.indices.filter { hosts[$0] == hosts[0] }.reduce(0) { $0 + rates[$1] }
    }

    // MARK: Forecast

    private func forecast(
        _ training: BenchmarkTraining, _ overlap: OverlapBenchmark.Report, _ link: Link
    ) throws -> ScalingForecast {
        let exchange = settings.step.exchange
        let width = MemoryLayout<Float>.stride
        let gradients = Double(training.gradientStep.written.elementCount * width)
        let parameters = Double(training.model.layout.count * width)
        let group = communicator.groups.groups[0].count
        let travelling = exchange.buckets.compression == .bf16 ? gradients / 2 : gradients
        // Totals come back within backward, or parameters within forward.
        let isSharded = exchange.buckets.keepsTotalsWithOwners
        return ScalingForecast(
            compute: overlap.meanCompute, microBatches: overlap.microBatches,
            gradientBytes: isSharded ? travelling : 2 * travelling,
            parameterBytes: isSharded ? parameters : 0,
            bucketBytes: Double(exchange.buckets.bucketBytes),
            hostSum: try hostSum(training, group: group), ranksOnHost: max(group, 1), link: link)
    }

    /// Seconds to sum a step's gradients in the memory of a group.
    private func hostSum(_ training: BenchmarkTraining, group: Int) throws -> Double {
        guard group > 1 else { return 0 }
        let part = try communicator.split(by: communicator.ownGroup)
        let count = training.gradientStep.written.elementCount
        let rows = try SumBenchmark(
            name: "gradients", communicator: part, sharesMemory: true,
            settings: settings.step.exchange.buckets, limit: 1
        ).run(sizes: [count * MemoryLayout<Float>.stride])
        try communicator.waitForAll()
        part.finalize()
        return rows.first?.measurement.median ?? 0
    }

    /// How much more than the mean the slowest of so many ranks has to compute, in batches of as many features a rank
    /// as now.
    private func imbalance(ranks: Int) -> Double {
        let batch = max(settings.step.batchSize * ranks / communicator.size, 1)
        let batches = 8
        let features = RandomFeatures(
            count: batch * batches,
            maxLength: min(settings.step.maxSequenceLength, configuration.maxSequenceLength),
            vocabularySize: configuration.vocabularySize)
        let excess = (0..<batches).map { index in
            let costs = (index * batch..<(index + 1) * batch).map {
                Dealing.cost(tokens: features.tokenCount($0), hiddenSize: configuration.hiddenSize)
            }
            let totals = Dealing.deal(costs: costs, ranks: ranks).map { $0.reduce(0) { $0 + costs[$1] } }
            let mean = totals.reduce(0, +) / Double(ranks)
            return (totals.max() ?? 0) / max(mean, 1) - 1
        }
        return excess.reduce(0, +) / Double(batches)
    }
}

extension CommunicationBenchmark.Report {
    package var json: JSONValue {
        .object([
            ("hosts", .integer(hosts)), ("ranks", .integer(ranks)),
            ("link_on_host", hostLink.map(\.json) ?? .null),
            ("link_between_hosts", link.map(\.json) ?? .null),
            ("sums", .array(sums.map(\.json))), ("step", overlap.json),
            (
                "forecast",
                .object([
                    ("assumed_link", link == nil ? forecast.link.json : .null),
                    ("rows", .array(rows.map { json($0) })),
                ])
            ),
        ])
    }

    private func json(_ row: ScalingForecast.Row) -> JSONValue {
        .object([
            ("ranks", .integer(row.ranks)), ("hosts", .integer(row.hosts)),
            ("step_seconds", .number(row.stepSeconds)),
            ("samples_per_second", .number(samplesPerSecond(row))),
            ("efficiency", .number(efficiency(row))), ("not_hidden_seconds", .number(row.notHidden)),
            ("waiting_seconds", .number(row.waiting)),
            ("measured_step_seconds", row.ranks == ranks ? .number(overlap.step) : .null),
            ("error", row.ranks == ranks ? .number(row.stepSeconds / overlap.step - 1) : .null),
        ])
    }

    package func samplesPerSecond(_ row: ScalingForecast.Row) -> Double {
        overlap.samplesPerSecond * overlap.step / Double(ranks) * Double(row.ranks) / row.stepSeconds
    }

    /// Against ranks that only compute.
    package func efficiency(_ row: ScalingForecast.Row) -> Double { overlap.meanCompute / row.stepSeconds }
}

extension Link {
    fileprivate var json: JSONValue {
        .object([
            ("latency_seconds", .number(latency)), ("message_seconds", .number(overhead)),
            ("bytes_per_second", .number(bandwidth)),
        ])
    }
}

extension OverlapBenchmark.Report {
    fileprivate var json: JSONValue {
        .object([
            ("step_seconds", .number(step)), ("waited_seconds", .number(waited)),
            ("compute_seconds", .number(compute)),
            ("communication_seconds", .number(communication)), ("hidden_share", .number(hiddenShare)),
            ("share_not_waited_for", .number(shareNotWaitedFor)),
            ("samples_per_second", .number(samplesPerSecond)), ("micro_batches", .number(microBatches)),
        ])
    }
}
