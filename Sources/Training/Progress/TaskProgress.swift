import Synchronization

/// Tells on a terminal how much of one long task is done.
package final class TaskProgress: Sendable {
    private struct State {
        var share = 0.0
        var isEnded = false
    }

    private let line: StatusLine
    private let title: String
    private let total: Int
    private let unit: String
    private let now: @Sendable () -> Double
    private let started: Double
    private let state = Mutex(State())
    private let ticker = Mutex<Ticker?>(nil)

    /// - title: what is done, as "answering".
    /// - total, unit: what there is to do, as 5000 "windows".
    package init(
        _ title: String, total: Int, unit: String, line: StatusLine,
        now: @escaping @Sendable () -> Double = StatusLine.uptime
    ) {
        self.title = title
        self.total = total
        self.unit = unit
        self.line = line
        self.now = now
        started = now()
        draw()
        if line.isShown { ticker.withLock { $0 = Ticker { [weak self] in self?.draw() } } }
    }

    deinit { end() }

    /// - share: what is done, from 0 to 1. Any thread may call it.
    package func update(share: Double) {
        // Threads tell of what they did in any order.
        state.withLock { $0.share = max($0.share, share) }
        draw()
    }

    /// Takes the line away.
    package func end() {
        ticker.withLock {
            $0?.stop()
            $0 = nil
        }
        let isFirst = state.withLock { state in
            defer { state.isEnded = true }
            return !state.isEnded
        }
        if isFirst { line.clear() }
    }

    private func draw() {
        guard line.isShown else { return }
        state.withLock { if !$0.isEnded { line.show(text($0.share)) } }
    }

    private func text(_ share: Double) -> StatusText {
        var text = StatusText()
        text.add((StatusText.bar(share, width: 20), 1), (StatusText.bar(share, width: 10), 3))
        text.add((title, 5))
        text.add((StatusText.percent(share), 10))
        text.add(("\(Int((share * Double(total)).rounded()))/\(total) \(unit)", 2))
        let elapsed = now() - started
        if share > 0.02, elapsed > 1 {
            text.add(("\(StatusText.clock(elapsed * (1 - share) / share)) left", 4))
        }
        return text
    }
}
