import Foundation
import Synchronization

/// How to wait for something that is asked for again and again: awake at first, since most exchanges take
/// microseconds, and in short sleeps later, to leave the core to others.
struct Patience {
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let limit: Duration
    private var elapsed = Duration.zero
    private var looks = 0

    private static let awake = Duration.seconds(1)
    private static let nap: UInt32 = 100

    /// - limit: seconds after which to give up.
    init(limit: Double) {
        start = clock.now
        self.limit = .seconds(limit)
    }

    /// Lets others run for a moment. Returns whether the limit has passed.
    mutating func isExhaustedAfterPause() -> Bool {
        looks += 1
        if elapsed > Self.awake { usleep(Self.nap) } else { sched_yield() }
        if looks % 64 == 0 || elapsed > Self.awake { elapsed = clock.now - start }
        return elapsed > limit
    }

    /// Whether some milliseconds may have passed since this was true last.
    var isTimeToLookAround: Bool { looks % 64 == 0 }
}

/// Ends the process when something that cannot be asked for, a call that returns when it is done, takes too long.
final class Deadline: @unchecked Sendable {
    /// How a message gets to stderr before the process ends.
    static let lastWords = Mutex<@Sendable (String) -> Void> { text in
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }

    private let condition = NSCondition()
    private var isOver = false

    /// Runs `body`; if that takes longer than `seconds`, says `message` and ends the process with code 69.
    static func within<Success>(
        _ seconds: Double, orSay message: @autoclosure () -> String, _ body: () throws -> Success
    ) rethrows -> Success {
        let deadline = Deadline(seconds, message())
        defer { deadline.meet() }
        return try body()
    }

    private init(_ seconds: Double, _ message: String) {
        let end = Date(timeIntervalSinceNow: seconds)
        Thread.detachNewThread { self.watch(until: end, message) }
    }

    private func meet() {
        condition.withLock {
            isOver = true
            condition.signal()
        }
    }

    private func watch(until end: Date, _ message: String) {
        condition.lock()
        defer { condition.unlock() }
        while !isOver {
            guard condition.wait(until: end) || Date() < end else {
                Self.lastWords.withLock { $0("dure: error: \(message)") }
                _exit(69)
            }
        }
    }
}

/// How the process tells why a rank that does not answer ends it; otherwise straight to stderr.
package func setLastWords(_ tell: @escaping @Sendable (String) -> Void) {
    Deadline.lastWords.withLock { $0 = tell }
}
