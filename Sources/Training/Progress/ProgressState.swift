import Core
import Foundation

/// How a run stands, and how that is told.
struct ProgressState {
    let plan: TrainingPlan
    /// Steps between plain lines.
    let interval: Int
    /// Steps of this run.
    private(set) var steps = 0
    private(set) var step = 0
    private var started = 0.0
    /// The last reports, newest last; what the status line tells are means over them.
    private var recent: [StepReport] = []
    /// The steps since the last plain line.
    private var window = MetricsWindow()
    private var estimate = TimeEstimate()
    /// When the run will be over, as it was last shown.
    private var end: Double?
    private var evaluation: (started: Double, share: Double)?
    private var saving: Int?

    init(plan: TrainingPlan, interval: Int) {
        self.plan = plan
        self.interval = interval
    }

    /// Reports that the status line tells of.
    private static let recentCount = 10...100
    /// How fast the time left, as shown, follows what is expected where the two differ little.
    private static let following = 0.1
    private static let littleDifference = 0.2
}

// MARK: What happens

extension ProgressState {
    mutating func start(at now: Double) {
        started = now
        estimate.start(at: now)
    }

    mutating func resume(after step: Int) { self.step = step }

    /// - Returns: what the plain line after this step tells of; nil where it has none.
    mutating func add(_ report: StepReport, at now: Double) -> MetricsMeans? {
        step = report.step
        steps += 1
        let most = min(max(interval, Self.recentCount.lowerBound), Self.recentCount.upperBound)
        recent.append(report)
        if recent.count > most { recent.removeFirst() }
        window.add(report)
        estimate.add(step: report.seconds, at: now)
        follow(at: now)
        guard step % interval == 0 || step == plan.totalSteps else { return nil }
        defer { window = MetricsWindow() }
        return window.means()
    }

    mutating func beginEvaluation(at now: Double) { evaluation = (now, 0) }

    mutating func evaluate(share: Double) {
        // Threads tell of what they did in any order.
        guard let evaluation else { return }
        self.evaluation = (evaluation.started, max(evaluation.share, share))
    }

    /// - Returns: the seconds that it took; nil where nobody saw it begin.
    mutating func endEvaluation(at now: Double) -> Double? {
        guard let begun = evaluation?.started else { return nil }
        evaluation = nil
        estimate.add(evaluation: now - begun)
        follow(at: now)
        return now - begun
    }

    mutating func beginSaving(_ step: Int) { saving = step }
    mutating func endSaving() { saving = nil }

    /// Lets the end that is shown follow the one expected: at once where they are far apart, else little by little, so
    /// that it does not jump about.
    private mutating func follow(at now: Double) {
        guard let left = secondsLeft else { return }
        let expected = now + left
        guard let shown = end, steps > 3, abs(expected - shown) < Self.littleDifference * left else {
            end = expected
            return
        }
        end = shown + (expected - shown) * Self.following
    }

    private var secondsLeft: Double? {
        estimate.seconds(
            steps: plan.totalSteps - step, evaluations: plan.evaluationsLeft(after: step))
    }
}

// MARK: How it is told

extension ProgressState {
    /// The plain line about some steps.
    func describe(_ means: MetricsMeans) -> String {
        String(
            format: "step %d/%d · epoch %.2f · loss %.4f · start %.1f %% end %.1f %% · learning rate %.2e · ",
            means.step, plan.totalSteps, means.epoch, means.loss.withoutSignOfNaN, means.startAccuracy * 100,
            means.endAccuracy * 100, means.learningRate)
            + "\(Self.rate(means.samplesPerSecond)) · \(StatusText.clock(secondsLeft ?? 0))\(more) left"
    }

    /// Evaluations are left of which nobody knows yet how long they take.
    private var more: String {
        estimate.secondsAnEvaluation == nil && plan.evaluationsLeft(after: step) > 0 ? "+" : ""
    }

    /// The plain line at the end.
    func summary(at now: Double) -> String {
        "\(steps) step\(steps == 1 ? "" : "s") in \(StatusText.clock(now - started))"
    }

    /// - isStopping: whether the run was asked to stop.
    func status(at now: Double, isStopping: Bool) -> StatusText {
        var text = StatusText()
        let share = plan.totalSteps > 0 ? Double(step) / Double(plan.totalSteps) : 0
        text.add((StatusText.bar(share, width: 20), 1), (StatusText.bar(share, width: 10), 4))
        text.add((epochs, 7))
        text.add(("step \(paddedStep)/\(plan.totalSteps)", 20), ("\(step)/\(plan.totalSteps)", 200))
        if isStopping { text.add(("stopping", 95)) }
        if let evaluation {
            let done = "evaluating \(StatusText.percent(evaluation.share))"
            text.add(("\(done) \(StatusText.clock(now - evaluation.started))", 10), (done, 90))
        }
        addMeans(to: &text)
        if let saving { text.add(("saving step \(saving)", 8), ("saving", 70)) }
        if let left = left(at: now) { text.add(("\(left) left", 9), (left, 60)) }
        return text
    }

    private func addMeans(to text: inout StatusText) {
        var recentWindow = MetricsWindow()
        for report in recent { recentWindow.add(report) }
        guard let means = recentWindow.means(), let last = recent.last else { return }
        text.add((String(format: "loss %.4f", means.loss.withoutSignOfNaN), 80))
        let right = String(format: "%.1f/%.1f %%", means.startAccuracy * 100, means.endAccuracy * 100)
        text.add(("start/end \(right)", 2), (right, 6))
        text.add((String(format: "lr %.2e", last.learningRate), 3))
        text.add((Self.rate(means.samplesPerSecond), 5))
    }

    private var epochs: String {
        let total = plan.epoch(after: plan.totalSteps)
        let digits = total == total.rounded() ? 0 : 2
        return String(format: "epoch %.2f/%.\(digits)f", plan.epoch(after: step), total)
    }

    private var paddedStep: String {
        let digits = "\(plan.totalSteps)".utf8.count
        return String(repeating: " ", count: max(0, digits - "\(step)".utf8.count)) + "\(step)"
    }

    private func left(at now: Double) -> String? {
        guard let end else { return nil }
        guard let evaluation else { return StatusText.clock(end - now) + more }
        // What there was to do when it began, and what is expected of the rest of it.
        let elapsed = now - evaluation.started
        let share = evaluation.share
        let rest =
            share > 0.05 ? elapsed * (1 - share) / share : (estimate.secondsAnEvaluation ?? 0) - elapsed
        return StatusText.clock(end - evaluation.started + max(0, rest)) + more
    }

    private static func rate(_ samples: Double) -> String {
        let digits = samples < 10 ? 2 : samples < 100 ? 1 : 0
        return String(format: "%.\(digits)f samples/s", samples)
    }
}
