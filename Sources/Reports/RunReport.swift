import Checkpoints
import Foundation
import QuestionAnswering

/// All that is known of a run, from what it has left in its folder.
package struct RunReport: Sendable {
    /// The folder's own name.
    let name: String
    /// Where it is, without symbolic links.
    let folder: String
    let record: RunRecordFile
    let metrics: RunMetrics
    let questions: QuestionReport?
    /// What could not be read, one sentence each.
    package let notices: [String]

    /// Reads what is there. What is missing or damaged besides `run.json` becomes a notice.
    ///
    /// - dataset: what was validated on, where it is in memory; nil reads the files that `run.json` names.
    /// - Throws: `CheckpointError` for a folder that is no run's.
    package init(folder: String, dataset: Dataset? = nil) throws {
        record = try RunRecordFile(folder: folder)
        self.folder = Self.resolved(folder)
        name = URL(filePath: self.folder).lastPathComponent
        var notices: [String] = []
        metrics = try Self.metrics(of: folder, &notices)
        questions =
            metrics.evaluations.isEmpty
            ? nil
            : Self.questions(
                ValidationFiles(record: record, folder: self.folder), evaluations: metrics.evaluations,
                dataset: dataset, &notices)
        self.notices = notices
    }

    private static func resolved(_ folder: String) -> String {
        guard let path = realpath(folder, nil) else { return folder }
        defer { free(path) }
        return String(cString: path)
    }

    private static func metrics(of folder: String, _ notices: inout [String]) throws -> RunMetrics {
        let path = RunFiles.path(RunFiles.metrics, in: folder)
        guard RunFiles.exists(path) else {
            notices.append("There is no \(RunFiles.metrics): nothing is known of how the run went.")
            return RunMetrics()
        }
        let metrics = try RunMetrics(path: path)
        let damaged = metrics.damagedLines
        if !damaged.isEmpty {
            let numbers =
                damaged.prefix(5).map(String.init).joined(separator: ", ") + (damaged.count > 5 ? " …" : "")
            notices.append(
                "\(damaged.count) line(s) of \(RunFiles.metrics) are damaged or cut off and were left out: "
                    + "line \(numbers).")
        }
        return metrics
    }

    private static func questions(
        _ files: ValidationFiles, evaluations: [RunMetrics.Evaluation], dataset: Dataset?,
        _ notices: inout [String]
    ) -> QuestionReport? {
        do {
            let answers = try GivenAnswers(folder: files.folder)
            let dataset = try dataset ?? files.dataset()
            return QuestionReport(dataset, answers, step: files.step(of: evaluations))
        } catch {
            notices.append("The questions are not shown: \(error).")
            return nil
        }
    }
}

// MARK: Facts

extension RunReport {
    /// Seconds in training steps; evaluations and checkpoints are not counted.
    var trainingSeconds: Double {
        metrics.training.reduce(0) { $0 + Double($1.steps) * ($1[.step] ?? 0) }
    }

    /// Mean over the run, by time.
    func rate(_ name: TrainingValue) -> Double? {
        let lines = metrics.training.filter { ($0[.step] ?? 0) > 0 && $0[name] != nil }
        let seconds = lines.reduce(0) { $0 + Double($1.steps) * ($1[.step] ?? 0) }
        guard seconds > 0 else { return nil }
        return lines.reduce(0) { $0 + Double($1.steps) * ($1[.step] ?? 0) * ($1[name] ?? 0) } / seconds
    }

    /// The evaluation that is best by a value; of equals the first.
    func best(_ name: EvaluationValue) -> (step: Int, value: Double)? {
        var best: (step: Int, value: Double)?
        for evaluation in metrics.evaluations {
            guard let value = evaluation[name] else { continue }
            if best.map({ name.isBetter(value, than: $0.value) }) ?? true { best = (evaluation.step, value) }
        }
        return best
    }

    func last(_ name: EvaluationValue) -> Double? { metrics.evaluations.last?[name] }

    /// What the run chooses its best checkpoint by.
    var decidingMetric: EvaluationValue {
        guard case .text(let name) = record.settings["metric-for-best-model"] else { return .loss }
        return EvaluationValue(rawValue: name) ?? .loss
    }
}
