import Foundation
import Synchronization
import TestSupport
import Training

/// A clock that goes as a test wants it to, and all that was written to a stream.
final class FakeTerminal: Sendable {
    private let time = Mutex(100.0)
    private let pieces = Mutex<[String]>([])
    private let width: Mutex<Int>

    init(columns: Int = 80) { width = Mutex(columns) }

    var now: @Sendable () -> Double { { [self] in time.withLock(\.self) } }
    func pass(_ seconds: Double) { time.withLock { $0 += seconds } }
    func resize(columns: Int) { width.withLock { $0 = columns } }

    /// What was written, a text for each time.
    var written: [String] { pieces.withLock(\.self) }
    var text: String { written.joined() }

    /// A line on this terminal.
    var line: StatusLine { line(on: .terminal(columns: { [self] in width.withLock(\.self) })) }

    func line(on surface: StatusLine.Surface) -> StatusLine {
        StatusLine(surface, now: now) { [self] text in pieces.withLock { $0.append(text) } }
    }

    /// What the terminal shows in the end.
    var screen: TerminalScreen {
        var screen = TerminalScreen(columns: width.withLock(\.self))
        screen.write(text)
        return screen
    }

    /// The lines that were drawn to be drawn over.
    var drawn: [String] {
        written.compactMap { text in
            let parts = text.components(separatedBy: "\u{1B}[J")
            guard let last = parts.last, parts.count > 1, last.hasSuffix("\r"), !last.contains("\n") else {
                return nil
            }
            return String(last.dropLast())
        }
    }
}

extension StepReport {
    /// Step n with a loss of n.
    static func scripted(_ step: Int, stepsPerEpoch: Int = 5, seconds: Double = 2) -> StepReport {
        StepReport(
            step: step, epoch: Double(step) / Double(stepsPerEpoch),
            loss: StepLoss(loss: Double(step), correctStarts: 1, correctEnds: 2, features: 4, tokens: 40),
            learningRate: 0.1, gradientNorm: 1, seconds: seconds, computeSeconds: 1,
            communicationSeconds: 1)
    }
}

extension TrainingPlan {
    static func scripted(_ totalSteps: Int, stepsPerEpoch: Int = 5, evaluation: Interval = .never)
        -> TrainingPlan
    {
        TrainingPlan(
            totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch,
            schedule: LearningRateSchedule(
                kind: .constant, peak: 0.1, warmupSteps: 0, totalSteps: totalSteps),
            evaluation: evaluation)
    }
}
