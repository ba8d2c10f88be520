import ArgumentParser
import Distributed
import Foundation
import QuestionAnswering
import Training

struct BenchCommunication: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "comm",
        abstract:
            "What ranks exchange: rates by size, what a step hides of it, and a forecast for more ranks.",
        discussion: "mpirun -n 2 dure bench comm --size base")

    @Option(help: "Gigabits a second between hosts that the forecast takes where there is one host only.")
    var linkGigabits = 10.0

    @Option(help: "Microseconds that a small message between hosts takes, likewise.")
    var linkMicroseconds = 30.0

    @OptionGroup var options: BenchStepOptions

    func validate() throws {
        try requireRange("--link-gigabits", linkGigabits)
        try requireRange("--link-microseconds", linkMicroseconds)
    }

    func run() throws {
        let configuration = try options.model.configuration()
        var settings = CommunicationBenchmark.Settings()
        settings.step = options.settings
        settings.assumedLink.bandwidth = linkGigabits * 1e9 / 8
        settings.assumedLink.latency = linkMicroseconds * 1e-6
        try withRanks(timeout: options.ranks.collectiveTimeout) { communicator, logger in
            let report = try CommunicationBenchmark(
                configuration: configuration, settings: settings, communicator: communicator, logger: logger
            ).run()
            guard communicator.isRoot else { return }
            if options.model.json { return try printResult(json: report.json.indented) }
            try printResult(lines: lines(report))
        }
    }

    private func lines(_ report: CommunicationBenchmark.Report) -> [String] {
        let links = [("on a host", report.hostLink), ("between hosts", report.link)].compactMap {
            name, link in
            link.map { "messages \(name): \(text($0))" }
        }
        return
            ["\(report.ranks) ranks on \(report.hosts) host(s)"] + links + report.sums.map(\.text) + [
                text(report.overlap, isHidden: report.forecast.ranksOnHost < report.ranks),
                "forecast, as many features a rank, \(report.forecast.ranksOnHost) rank(s) a host, between hosts "
                    + (report.link == nil ? "ASSUMED \(text(report.forecast.link))" : "as measured"),
                " ranks  hosts     step s  samples/s  efficiency  not hidden s  waiting s",
            ] + report.rows.map { text($0, report) }
    }

    /// - isHidden: whether there are messages, which computing can hide.
    private func text(_ overlap: OverlapBenchmark.Report, isHidden: Bool) -> String {
        let times = String(
            format: "a step: %.3f s; computing alone %.3f s, exchanging alone %.3f s", overlap.step,
            overlap.compute, overlap.communication)
        guard isHidden else { return times + ", in memory, while nothing is computed" }
        return times
            + String(
                format:
                    ": %.0f %% of what could be hidden is; %.3f s waited for others, so %.0f %% but for the work "
                    + "of sending", overlap.hiddenShare * 100, overlap.waited, overlap.shareNotWaitedFor * 100
            )
    }

    private func text(_ link: Link) -> String {
        String(
            format: "%.1f µs, each further one %.1f µs, %.2f GB/s each way", link.latency * 1e6,
            link.overhead * 1e6, link.bandwidth / 1e9)
    }

    private func text(_ row: ScalingForecast.Row, _ report: CommunicationBenchmark.Report) -> String {
        let line = String(
            format: "%6d %6d %10.3f %10.1f %9.1f %% %13.3f %10.3f", row.ranks, row.hosts, row.stepSeconds,
            report.samplesPerSecond(row), report.efficiency(row) * 100, row.notHidden, row.waiting)
        guard row.ranks == report.ranks else { return line }
        return line
            + String(
                format: "   measured %.3f s, forecast %+.1f %%", report.overlap.step,
                (row.stepSeconds / report.overlap.step - 1) * 100)
    }
}
