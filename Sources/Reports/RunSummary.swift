/// Result of a run, for the end of its log.
package struct RunSummary {
    package let lines: [String]

    /// - folder: of the run, as its user named it.
    package init(_ report: RunReport, folder: String) {
        let delivered = report.delivered.map { Self.line(of: $0, report) }
        lines =
            [delivered, Self.better(report, folder)].compactMap(\.self)
            + ["report: \(RunFiles.path(RunPage.fileName, in: folder))"]
    }

    private static func line(of delivered: DeliveredCheckpoint, _ report: RunReport) -> String {
        let head = "\(report.origin(of: delivered)): step \(delivered.step)"
        guard delivered.evaluation != nil else { return "\(head), not evaluated" }
        let values = EvaluationValue.allCases.compactMap { name in
            delivered[name].map { "\(name.title) \(NumberText.fixed($0, name.decimals))" }
        }
        let deciding = report.decidingMetric
        let isBest = delivered[deciding] != nil && report.better(deciding, than: delivered) == nil
        return "\(head)\(isBest ? ", the best by \(deciding.rawValue)" : "") · "
            + values.joined(separator: " · ")
    }

    /// The best evaluation, where the run has left another step's weights.
    private static func better(_ report: RunReport, _ folder: String) -> String? {
        let name = report.decidingMetric
        guard let best = report.better(name, than: report.delivered) else { return nil }
        let file = RunFiles.path(RunFiles.best, in: folder)
        let place = RunFiles.exists(file) ? " (\(file))" : ""
        return
            "best by \(name.rawValue): \(NumberText.fixed(best.value, name.decimals)) after step \(best.step)\(place)"
    }
}
