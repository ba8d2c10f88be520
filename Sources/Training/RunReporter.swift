import Checkpoints
import Logging
import QuestionAnswering
import Reports

/// Keeps a run's `report.html` up to date. What goes wrong with it is told, and ends nothing.
///
/// It reads what the run has written, so it must be told of an event after those who write. The last page is asked for
/// by the run, when all is there.
package final class RunReporter: TrainingObserver {
    private let output: OutputDirectory
    private let dataset: Dataset?
    private let logger: Logger
    private var told: Set<String> = []

    /// - dataset: what is validated on, if anything.
    package init(output: OutputDirectory, dataset: Dataset?, logger: Logger) {
        self.output = output
        self.dataset = dataset
        self.logger = logger
    }

    package func observe(_ event: TrainingEvent) {
        if case .evaluated = event { write() }
    }

    /// Writes the page from what the folder has now.
    ///
    /// - Returns: what it tells; nil where it could not be written.
    @discardableResult
    package func write() -> RunReport? {
        do {
            let report = try RunReport(folder: output.path, dataset: dataset)
            for notice in report.notices { tell("\(RunPage.fileName): \(notice)") }
            try RunPage(report, defaults: TrainingSettings.defaultFlags)
                .write(to: output.path(of: RunPage.fileName))
            return report
        } catch {
            tell("\(RunPage.fileName) is not up to date: \(error)")
            return nil
        }
    }

    /// Once each.
    private func tell(_ message: String) {
        if told.insert(message).inserted { logger.warning("\(message)") }
    }
}

extension TrainingSettings {
    /// Settings by the names of their flags where nothing is asked for, as far as neither model nor machine decide.
    package static var defaultFlags: [(String, JSONValue)] {
        let place: Set<String> = ["model", "output-dir", "train-file"]
        return TrainingSettings(model: "", outputDirectory: "", trainFiles: []).flags(ranks: 1)
            .filter { !place.contains($0.0) }
    }
}
