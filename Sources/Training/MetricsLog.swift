import Checkpoints
import Foundation
import QuestionAnswering

/// Writes `metrics.jsonl`: one JSON object a line, flushed line by line so that a run can be watched.
package final class MetricsLog: TrainingObserver {
    private let path: String
    private let handle: FileHandle
    private let interval: Int
    private var window = MetricsWindow()

    /// - interval: steps between lines of training.
    package init(path: String, interval: Int) throws {
        self.path = path
        self.interval = interval
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else {
            throw CheckpointError(
                .cannotCreate, "the file cannot be created", path: path,
                remedy: "check the permissions of the output folder")
        }
        self.handle = handle
    }

    deinit { try? handle.close() }

    package func observe(_ event: TrainingEvent) throws {
        switch event {
        case .stepped(let report):
            window.add(report)
            if report.step % interval == 0 { try writeWindow() }
        case .evaluated(let step, let epoch, let result):
            try write(
                [("event", "eval"), ("step", .integer(step)), ("epoch", .number(epoch))] + result.members)
        case .saved(let step, let path):
            try write([("event", "save"), ("step", .integer(step)), ("path", .string(path))])
        case .finished:
            try writeWindow()
        case .started, .evaluationStarted: break
        }
    }

    private func writeWindow() throws {
        guard let means = window.means() else { return }
        try write([("event", "train")] + means.members)
        window = MetricsWindow()
    }

    private func write(_ members: [(String, JSONValue)]) throws {
        do {
            try handle.write(contentsOf: Data((JSONValue.object(members).compact + "\n").utf8))
        } catch {
            throw CheckpointError(
                .ioFailed, "writing failed", path: path, remedy: "make room on the disk, then run again")
        }
    }
}

/// Means over the steps since the last line.
package struct MetricsMeans: Sendable {
    package let step: Int
    package let epoch: Double
    package let loss: Double
    package let learningRate: Double
    package let gradientNorm: Double
    package let startAccuracy: Double
    package let endAccuracy: Double
    package let samplesPerSecond: Double
    package let tokensPerSecond: Double
    package let stepSeconds: Double
    package let computeSeconds: Double
    package let communicationSeconds: Double
    package let waitingSeconds: Double
    package let imbalance: Double

    /// Members in the order of the interface.
    package var members: [(String, JSONValue)] {
        [
            ("step", .integer(step)), ("epoch", .number(epoch)), ("loss", .number(loss)),
            ("learning_rate", .number(learningRate)), ("grad_norm", .number(gradientNorm)),
            ("start_accuracy", .number(startAccuracy)), ("end_accuracy", .number(endAccuracy)),
            ("samples_per_second", .number(samplesPerSecond)),
            ("tokens_per_second", .number(tokensPerSecond)), ("step_seconds", .number(stepSeconds)),
            ("compute_seconds", .number(computeSeconds)),
            ("communication_seconds", .number(communicationSeconds)),
            ("waiting_seconds", .number(waitingSeconds)), ("imbalance", .number(imbalance)),
        ]
    }
}

/// Gathers the steps between two lines.
package struct MetricsWindow: Sendable {
    private var reports: [StepReport] = []

    package init() {}

    package mutating func add(_ report: StepReport) { reports.append(report) }

    /// Means over the steps, each counting once; rates are totals by total time. Nil without steps.
    package func means() -> MetricsMeans? {
        guard let last = reports.last else { return nil }
        let steps = Double(reports.count)
        func total(_ value: (StepReport) -> Double) -> Double { reports.reduce(0) { $0 + value($1) } }
        func mean(_ value: (StepReport) -> Double) -> Double { total(value) / steps }
        let seconds = total(\.seconds)
        return MetricsMeans(
            step: last.step, epoch: last.epoch,
            loss: mean(\.loss.loss), learningRate: mean(\.learningRate), gradientNorm: mean(\.gradientNorm),
            startAccuracy: mean(\.loss.startAccuracy), endAccuracy: mean(\.loss.endAccuracy),
            samplesPerSecond: total { Double($0.loss.features) } / seconds,
            tokensPerSecond: total { Double($0.loss.tokens) } / seconds, stepSeconds: seconds / steps,
            computeSeconds: mean(\.computeSeconds), communicationSeconds: mean(\.communicationSeconds),
            waitingSeconds: mean(\.waitingSeconds), imbalance: mean(\.imbalance))
    }
}
