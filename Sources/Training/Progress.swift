import Foundation

/// Shows how a run goes on stderr: one line that redraws on a terminal, plain lines otherwise.
package final class Progress: TrainingObserver {
    private let isTerminal: Bool
    private let interval: Int
    private var window = MetricsWindow()
    private var totalSteps = 0
    private var drawn = false
    private let print: (String) -> Void

    /// - interval: steps between plain lines; print: takes text as it is to appear.
    package init(
        interval: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1,
        print: @escaping (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.interval = interval
        self.isTerminal = isTerminal
        self.print = print
    }

    package func observe(_ event: TrainingEvent) {
        switch event {
        case .started(let totalSteps, let stepsPerEpoch, let features):
            self.totalSteps = totalSteps
            line("training on \(features) features, \(stepsPerEpoch) steps an epoch, \(totalSteps) steps")
        case .resumed(let point): line("going on after step \(point.step), from \(point.path)")
        case .stepped(let report): step(report)
        case .skipped(let step, _, let reason): line("left out step \(step): \(reason)")
        case .evaluationStarted(let step):
            if isTerminal { draw("step \(step): evaluating …") }
        case .evaluated(let step, _, let result):
            line("evaluation at step \(step)" + describe(result))
        case .saved(let checkpoint): line("saved step \(checkpoint.step): \(checkpoint.path)")
        case .finished: clear()
        }
    }

    /// What is known of it; nothing without answers to compare with.
    private func describe(_ result: EvaluationResult) -> String {
        let loss = result.loss.map { String(format: " · loss %.4f", $0) } ?? ""
        guard let metrics = result.metrics else { return loss }
        return loss
            + String(
                format: " · exact match %.2f · F1 %.2f · KorQuAD exact match %.2f · F1 %.2f",
                metrics.exactMatch, metrics.f1, metrics.korquadExactMatch, metrics.korquadF1)
    }

    private func step(_ report: StepReport) {
        window.add(report)
        guard let means = window.means() else { return }
        let text = describe(means)
        if isTerminal { draw(bar(report.step) + " " + text) }
        if report.step % interval == 0 || report.step == totalSteps {
            if !isTerminal { line(text) }
            window = MetricsWindow()
        }
    }

    private func describe(_ means: MetricsMeans) -> String {
        let left = Double(totalSteps - means.step) * means.stepSeconds
        return "step \(means.step)/\(totalSteps) · "
            + String(
                format: "loss %.4f · start %.1f %% end %.1f %% · %.2f samples/s · ", means.loss,
                means.startAccuracy * 100, means.endAccuracy * 100, means.samplesPerSecond)
            + "\(Self.clock(left)) left"
    }

    private func bar(_ step: Int) -> String {
        let width = 20
        let filled = totalSteps > 0 ? step * width / totalSteps : 0
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    /// h:mm:ss.
    private static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        return String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
    }

    /// Redraws the line in place, cut to the window so that it never wraps.
    private func draw(_ text: String) {
        print("\r\u{1B}[K" + text.prefix(Self.columns - 1))
        drawn = true
    }

    private func line(_ text: String) {
        clear()
        print(text + "\n")
    }

    private func clear() {
        if drawn { print("\r\u{1B}[K") }
        drawn = false
    }

    private static var columns: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
