import Core
import Foundation
import Synchronization

/// Tells how a training run goes: on a terminal in a line that is drawn over itself, elsewhere in plain lines.
package final class Progress: TrainingObserver, Sendable {
    private let line: StatusLine
    private let now: @Sendable () -> Double
    private let isStopping: @Sendable () -> Bool
    private let state: Mutex<ProgressState>
    /// Keeps the line going through steps that take long.
    private let ticker = Mutex<Ticker?>(nil)

    /// - interval: steps between plain lines.
    /// - now: seconds of a clock that only goes forward.
    /// - isStopping: whether the run was asked to stop.
    package init(
        plan: TrainingPlan, interval: Int, line: StatusLine = .standardError,
        now: @escaping @Sendable () -> Double = StatusLine.uptime,
        isStopping: @escaping @Sendable () -> Bool = { StopRequest.isMade }
    ) {
        self.line = line
        self.now = now
        self.isStopping = isStopping
        state = Mutex(ProgressState(plan: plan, interval: interval))
    }

    package func observe(_ event: TrainingEvent) {
        let now = now()
        switch event {
        case .started(let totalSteps, let stepsPerEpoch, let features):
            line.message(
                "training on \(features) features, \(stepsPerEpoch) steps an epoch, \(totalSteps) steps")
            state.withLock { $0.start(at: now) }
            if line.isShown { ticker.withLock { $0 = Ticker { [weak self] in self?.draw() } } }
        case .resumed(let point):
            state.withLock { $0.resume(after: point.step) }
            line.message("going on after step \(point.step), from \(point.path)")
        case .stepped(let report): add(report, at: now)
        case .skipped(let step, _, let reason): line.message("left out step \(step): \(reason)")
        case .evaluationStarted(let step):
            state.withLock { $0.beginEvaluation(at: now) }
            if !line.isShown { line.message("evaluating after step \(step)") }
        case .evaluated(let step, _, let result, let standing):
            let seconds = state.withLock { $0.endEvaluation(at: now) }
            let time = seconds.map { " · in \(StatusText.clock($0))" } ?? ""
            let place = standing.map { " · \($0)" } ?? ""
            line.message("evaluation at step \(step)" + describe(result) + place + time)
        case .savingStarted(let step): state.withLock { $0.beginSaving(step) }
        case .saved(let checkpoint):
            state.withLock { $0.endSaving() }
            line.message("saved step \(checkpoint.step): \(checkpoint.path)")
        case .finished: return finish(at: now)
        }
        draw()
    }

    /// Tells how much of an evaluation is done, from 0 to 1. Any thread may call it.
    package func evaluated(share: Double) {
        state.withLock { $0.evaluate(share: share) }
        draw()
    }

    /// Draws the line as things stand now.
    package func draw() {
        guard line.isShown else { return }
        // Between looking and drawing no other thread may draw what is older.
        state.withLock { line.show($0.status(at: now(), isStopping: isStopping())) }
    }

    private func add(_ report: StepReport, at now: Double) {
        let plain = state.withLock { state in state.add(report, at: now).map { state.describe($0) } }
        if let plain, !line.isShown { line.message(plain) }
    }

    private func finish(at now: Double) {
        ticker.withLock {
            $0?.stop()
            $0 = nil
        }
        line.clear()
        line.message(state.withLock { $0.summary(at: now) })
    }

    /// What is known of it; nothing without answers to compare with.
    private func describe(_ result: EvaluationResult) -> String {
        let loss = result.loss.map { String(format: " · loss %.4f", $0.withoutSignOfNaN) } ?? ""
        guard let metrics = result.metrics else { return loss }
        return loss
            + String(
                format: " · exact match %.2f · F1 %.2f · KorQuAD exact match %.2f · F1 %.2f",
                metrics.exactMatch, metrics.f1, metrics.korquadExactMatch, metrics.korquadF1)
    }
}
