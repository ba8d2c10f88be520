import Foundation

/// Does one thing at a time on a thread of its own, while the caller goes on.
final class BackgroundWriter: @unchecked Sendable {
    private let condition = NSCondition()
    private var isBusy = false
    private var failure: (any Error)?

    /// Whether the last job has failed.
    var hasFailed: Bool { condition.withLock { failure != nil } }

    /// Starts `job` once the one before is done; throws what that failed with.
    func start(_ job: @escaping @Sendable () throws -> Void) throws {
        try finish()
        condition.withLock { isBusy = true }
        let thread = Thread { [self] in
            let outcome = Result { try job() }
            condition.withLock {
                if case .failure(let error) = outcome { failure = error }
                isBusy = false
                condition.broadcast()
            }
        }
        thread.start()
    }

    /// Forgets what a job has failed with, once none is being done.
    func forgetFailure() {
        condition.withLock {
            while isBusy { condition.wait() }
            failure = nil
        }
    }

    func waitUntilIdle() {
        condition.withLock { while isBusy { condition.wait() } }
    }

    /// Waits for the job that is being done; throws what it, or one before, failed with.
    func finish() throws {
        let failure = condition.withLock {
            while isBusy { condition.wait() }
            return self.failure
        }
        if let failure { throw failure }
    }
}
