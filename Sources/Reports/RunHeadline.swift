import Foundation

/// The figures at the head of a run's page.
struct RunHeadline {
    typealias Fact = (name: String, value: String, remark: String?)

    private let report: RunReport

    init(_ report: RunReport) { self.report = report }

    var facts: [Fact] {
        let record = report.record
        var facts: [Fact] = []
        if let delivered = report.delivered { facts += scores(of: delivered) }
        if let last = report.metrics.training.last, let loss = last[.loss] {
            facts.append(
                (
                    "Last training loss", NumberText.fixed(loss, 4),
                    "up to step \(NumberText.grouped(last.step))"
                ))
        }
        facts.append(
            (
                "Steps", NumberText.grouped(report.metrics.lastStep),
                record.totalSteps.map { "of \(NumberText.grouped($0)) planned" }
            ))
        if !report.metrics.training.isEmpty {
            facts.append(("Time in steps", NumberText.duration(report.trainingSeconds), rates))
        }
        if let ranks = record.ranks {
            facts.append(("Ranks", "\(ranks)", compute))
        }
        if let features = record.features {
            facts.append(("Training windows", NumberText.grouped(features), nil))
        }
        return facts
    }

    /// All of one checkpoint, the one that is delivered; better ones of others are named as such.
    private func scores(
        of delivered: DeliveredCheckpoint
    ) -> [Fact] {
        let step = NumberText.grouped(delivered.step)
        let origin = report.origin(of: delivered)
        guard delivered.evaluation != nil else {
            return [("Weights", "step \(step)", "\(origin), not evaluated")]
        }
        return Set([report.decidingMetric, .korquadF1, .exactMatch]).sorted(by: Self.comesFirst)
            .compactMap { name in
                guard let value = delivered[name] else { return nil }
                let deciding = name == report.decidingMetric ? ", decides" : ""
                let better = report.better(name, than: delivered).map {
                    "; best \(NumberText.fixed($0.value, name.decimals)) after step \(NumberText.grouped($0.step))"
                }
                return (
                    name.title, NumberText.fixed(value, name.decimals),
                    "\(origin), after step \(step)\(deciding)\(better ?? "")"
                )
            }
    }

    private static func comesFirst(_ left: EvaluationValue, _ right: EvaluationValue) -> Bool {
        let order: [EvaluationValue] = [
            .korquadF1, .f1, .korquadExactMatch, .exactMatch, .editDistance, .loss,
        ]
        return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
    }

    private var rates: String? {
        guard let samples = report.rate(.samples), let tokens = report.rate(.tokens) else { return nil }
        return
            "\(NumberText.fixed(samples, 1)) samples/s, \(NumberText.grouped(Int(min(tokens, 1e15)))) tokens/s"
    }

    private var compute: String {
        let hosts = Set(report.record.hosts).count
        return [
            hosts > 0 ? "on \(hosts) host\(hosts == 1 ? "" : "s")" : nil,
            report.record.threads.map { "\($0) thread\($0 == 1 ? "" : "s") each" },
        ].compactMap(\.self).joined(separator: ", ")
    }
}
