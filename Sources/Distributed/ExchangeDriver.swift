import Foundation

/// Who moves messages while backward computes: MPI moves them only while one of its functions runs.
package enum CommunicationProgress: String, Sendable, CaseIterable {
    /// The computing thread, between its kernels.
    case kernels
    /// A thread of its own, which wakes now and then.
    case thread
    /// Nobody: everything is sent after backward.
    case none
}

/// Moves the messages of a gradient exchange while backward computes.
package final class ExchangeDriver {
    private let exchange: GradientExchange
    private let progress: CommunicationProgress
    private let thread: ProgressThread?
    /// Seconds of this step that forward waited for values.
    package private(set) var secondsWaited = 0.0

    /// - allowsThread: whether a thread of its own may be had; otherwise the computing one takes its place.
    package init(_ exchange: GradientExchange, _ progress: CommunicationProgress, allowsThread: Bool) {
        self.exchange = exchange
        self.progress = progress == .thread && !allowsThread ? .kernels : progress
        thread =
            self.progress == .thread && exchange.hasMessages
            ? ProgressThread { exchange.advance() } : nil
    }

    deinit { thread?.end() }

    /// A new step; parameters are `GradientExchange.begin`'s.
    package func begin(written: [Range<Int>]) {
        secondsWaited = 0
        exchange.begin(written: written)
        thread?.resume()
    }

    /// Gradients from `lower` on have their last value of this step.
    package func isFinal(from lower: Int) {
        switch (progress, thread) {
        case (.none, _): break
        case (_, let thread?): thread.between { exchange.isFinal(from: lower) }
        default:
            exchange.isFinal(from: lower)
            exchange.advance()
        }
    }

    /// Returns when published values before `upper` are there.
    package func waitForValues(below upper: Int) {
        guard isSpreading else { return }
        thread?.pause()
        let clock = ContinuousClock()
        let start = clock.now
        exchange.waitForValues(below: upper)
        let (seconds, fraction) = (clock.now - start).components
        secondsWaited += Double(seconds) + Double(fraction) * 1e-18
        thread?.resume()
    }

    private var isSpreading: Bool {
        var isSpreading = false
        if let thread {
            thread.between { isSpreading = exchange.isSpreading }
        } else {
            isSpreading = exchange.isSpreading
        }
        return isSpreading
    }

    package func isBetweenKernels() {
        if progress == .kernels { exchange.advance() }
    }

    /// Waits until the totals are there.
    package func finish() throws {
        thread?.pause()
        exchange.isFinal(from: 0)
        try exchange.finish()
    }
}

/// Does something again and again, while it is not paused.
private final class ProgressThread: @unchecked Sendable {
    private enum State { case paused, running, ended }

    private let condition = NSCondition()
    private var state = State.paused
    private let action: () -> Void

    /// Seconds between two times: short against the time a bucket takes, and long against the time of a look, since
    /// the cores are for computing. Meanwhile the system moves what fits into the buffers of a connection. Looking 15
    /// times as often cost a tenth of a step.
    private static let interval = 3e-3

    init(_ action: @escaping () -> Void) {
        self.action = action
        Thread.detachNewThread { self.run() }
    }

    func resume() { set(.running) }
    /// When this returns, the action does not run.
    func pause() { set(.paused) }
    func end() { set(.ended) }

    /// Runs `body` while the action does not.
    func between(_ body: () -> Void) { condition.withLock(body) }

    private func set(_ new: State) {
        condition.withLock {
            state = new
            condition.signal()
        }
    }

    private func run() {
        while true {
            condition.lock()
            while state == .paused { condition.wait() }
            guard state == .running else { return condition.unlock() }
            action()
            condition.unlock()
            Thread.sleep(forTimeInterval: Self.interval)
        }
    }
}
