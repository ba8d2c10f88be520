import Foundation

/// Calls something once a second, on a thread of its own, until it is stopped or gone.
final class Ticker: Sendable {
    private let end = End()

    init(_ body: @escaping @Sendable () -> Void) {
        Thread.detachNewThread { [end] in while !end.comes(within: 1) { body() } }
    }

    func stop() { end.come() }

    deinit { end.come() }

    private final class End: @unchecked Sendable {
        private let condition = NSCondition()
        private var hasCome = false

        func come() {
            condition.withLock {
                hasCome = true
                condition.broadcast()
            }
        }

        func comes(within seconds: Double) -> Bool {
            let limit = Date(timeIntervalSinceNow: seconds)
            return condition.withLock {
                while !hasCome, condition.wait(until: limit) {}
                return hasCome
            }
        }
    }
}
